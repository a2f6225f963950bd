//! One transfer to a peer that is online, and what its end means.

use std::time::Duration;

use mail::dsn::Action;
use mail::record::{OutboxEntry, Outcome, Route};
use mail::storage::StorageError;
use mail::{Acknowledgement, Address, EnhancedStatus, MailId, PublicKey, Refusal, ReversePath, SentWhole};

use super::index::Next;
use crate::Gateway;
use crate::addresses;
use crate::limits;
use crate::ports::TransferFailure;

impl Gateway {
    /// Transfers an entry whose recipient is online.
    pub(super) async fn transfer(&self, id: MailId) -> Result<Next, StorageError> {
        let Some(entry) = self.storage.outbox_entry(id).await? else { return Ok(Next::Gone) };
        let Route::Remote(destination) = &entry.route else {
            return Ok(Next::after(self.now(), Duration::ZERO));
        };
        let key = destination.key();
        if let Err(refusal) = self.ensure_contact(&entry).await? {
            return self.end_unanswered(entry, refusal).await;
        }
        let sent = SentWhole::default();
        let wire = self.as_transferred(&entry);
        let result = tokio::select! {
            biased;
            result = self.network.transfer(&entry.account, key, &wire, &sent) => result,
            () = self.stopping.cancelled() => return self.cut_off(entry, &sent).await,
            () = self.clock.sleep(limits::TRANSFER_LONGEST) => {
                self.network.cancel(&entry.account, key, id);
                Err(TransferFailure::Protocol("it took a mail for half a day without taking it over".to_owned()))
            }
        };
        self.transfer_ended(entry, key, result, &sent).await
    }

    /// This gateway stops before the peer's word came.
    async fn cut_off(&self, mut entry: OutboxEntry, sent: &SentWhole) -> Result<Next, StorageError> {
        if sent.is_set() && !entry.marks.sent_whole {
            entry.marks.sent_whole = true;
            self.storage.update_outbox(entry).await?;
        }
        Ok(Next::after(self.now(), Duration::ZERO))
    }

    async fn transfer_ended(
        &self,
        mut entry: OutboxEntry,
        key: PublicKey,
        result: Result<Acknowledgement, TransferFailure>,
        sent: &SentWhole,
    ) -> Result<Next, StorageError> {
        let online = self.network.is_online(&entry.account, key);
        if !online {
            self.outbox.peer_offline(&entry.account, key, self.now());
        }
        let is_new = result.is_err() && sent.is_set() && !entry.marks.sent_whole;
        entry.marks.sent_whole |= is_new;
        match result {
            Ok(Acknowledgement::Delivered) => self.delivered(entry).await,
            Ok(Acknowledgement::Refused(refusal)) => self.bounce(entry, refusal).await,
            Ok(Acknowledgement::TryLater { reason, after }) => {
                self.attempt_failed(entry, reason, true, Some(after)).await
            }
            Err(TransferFailure::TooLarge { limit, size }) => {
                let failure = TransferFailure::TooLarge { limit, size };
                self.end_unanswered(entry, Refusal::permanent(3, 4, &failure.to_string())).await
            }
            Err(TransferFailure::Cancelled) => {
                // Somebody is about to take it back; if not, it is tried again.
                if is_new {
                    self.storage.update_outbox(entry).await?;
                }
                let pause = self.now().after(limits::STORE_RETRY);
                Ok(Next::Wait { try_at: pause, not_before: pause })
            }
            Err(failure) => {
                if !online && let Some(relays) = self.relays.get() {
                    // Gone just now: copies need not wait for the next visit, this gateway may be off by then.
                    relays.leave_copies(&entry).await;
                }
                let (subject, detail) = match failure {
                    TransferFailure::Disconnected => (4, 2),
                    TransferFailure::Protocol(_) => (5, 0),
                    _ => (3, 0),
                };
                let doubt =
                    if sent.is_set() { "; all of the mail was sent, it may have arrived" } else { "" };
                let problem = Refusal::transient(subject, detail, &format!("{failure}{doubt}"));
                self.attempt_failed(entry, problem, online, None).await
            }
        }
    }

    /// The recipient has it.
    pub(crate) async fn delivered(&self, entry: OutboxEntry) -> Result<Next, StorageError> {
        let success = delivered_status();
        let reports = self.reports(&entry, Action::Delivered, &success).await?;
        let told = !reports.is_empty();
        self.finish_entry(&entry, Outcome::Delivered, reports, "delivered").await?;
        if told {
            self.report_arrived(&entry);
        }
        Ok(Next::Gone)
    }

    /// The entry as the peer sees it. Names that mean something here alone (`bob@tox` for a contact, `alice@tox` for an account)
    /// become the Tox IDs they stand for.
    pub(crate) fn as_transferred(&self, entry: &OutboxEntry) -> OutboxEntry {
        let mut wire = entry.clone();
        if let Route::Remote(destination) = &entry.route
            && let Ok(address) = Address::at_tox(&destination.key().to_string().to_lowercase())
        {
            wire.envelope.forward_path = address;
        }
        let own = self.network.tox_id(&entry.account).and_then(addresses::public);
        if let (ReversePath::Mailbox(address), Some(own)) = (&entry.envelope.reverse_path, own)
            && address.is_tox()
        {
            wire.envelope.reverse_path = ReversePath::Mailbox(own);
        }
        wire
    }
}

/// The status of a success: 2.0.0 (RFC 3463 section 2).
pub(crate) fn delivered_status() -> Refusal {
    let status = EnhancedStatus::new(2, 0, 0).unwrap_or(EnhancedStatus::transient(0, 0));
    Refusal::new(status, "delivered")
}
