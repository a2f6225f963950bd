//! Mail between accounts of one gateway, and to oneself: no network, but the same filters and headers.

use std::time::Duration;

use mail::dsn::Action;
use mail::record::{MailboxEntry, NewMail, OutboxEntry, Outcome, SetAside};
use mail::storage::StorageError;
use mail::{AccountName, Address, MailId, PublicKey, Refusal};

use crate::Gateway;
use crate::delivery::{Incoming, Later, Verdict};
use crate::message::{self, Body, Message};
use crate::outbox::{Next, delivered_status};
use crate::people::Person;
use crate::ports::Event;
use crate::removal::removed;

impl Gateway {
    /// Delivers an entry to an account here, in one step with its end in the outbox.
    pub(crate) async fn deliver_local(
        &self,
        entry: OutboxEntry,
        to: &AccountName,
    ) -> Result<Next, StorageError> {
        let Some(person) = self.people.get(to) else {
            return self.bounce(entry, removed(to)).await;
        };
        match self.judge_local(&entry, &person).await? {
            // A filter takes its time, and the account may be removed meanwhile.
            Verdict::Deliver { .. } if person.is_gone() => self.bounce(entry, removed(to)).await,
            Verdict::Deliver { prefix, quarantine } => self.put_local(entry, to, prefix, quarantine).await,
            Verdict::Reject(refusal) => self.bounce(entry, refusal).await,
            Verdict::Later(Later { reason, after }) => {
                self.attempt_failed(entry, reason, true, Some(after)).await
            }
            Verdict::Discard(reason) => {
                let what = format!("thrown away by a filter: {reason}");
                self.finish_entry(&entry, Outcome::Discarded { reason }, Vec::new(), &what).await?;
                Ok(Next::Gone)
            }
        }
    }

    async fn judge_local(&self, entry: &OutboxEntry, person: &Person) -> Result<Verdict, StorageError> {
        let max = mail::limits::HEADER_SECTION_BYTES;
        let header = message::head(&*self.storage, &entry.prefix, entry.body, max).await?;
        let facts = mail::header::facts(&header);
        let sender_id = self.network.tox_id(&entry.account);
        let sender = self.people.get(&entry.account);
        let allowed = sender.map(|sender| self.writes_as(&sender)).unwrap_or_default();
        let message = Message {
            prefix: entry.prefix.clone().into(),
            body: Body::Stored(self.storage.clone(), entry.body),
            body_size: entry.size.saturating_sub(entry.prefix.len() as u64),
        };
        let incoming = Incoming {
            person,
            sender: sender_id.map_or(PublicKey([0; 32]), |id| id.key),
            peer: None,
            allowed,
            reply_to: Address::at_tox(entry.account.as_str()).ok(),
            with: "LOCAL",
            id: entry.id,
            envelope: &entry.envelope,
            facts: &facts,
            // Taken out at submission.
            had_results: false,
            message,
        };
        Ok(self.judge(incoming).await)
    }

    async fn put_local(
        &self,
        entry: OutboxEntry,
        to: &AccountName,
        added: Vec<u8>,
        quarantine: Option<SetAside>,
    ) -> Result<Next, StorageError> {
        let size = entry.size + added.len() as u64;
        let mail = MailboxEntry {
            number: 0,
            uidl: MailId([0; 16]),
            received: self.clock.wall(),
            prefix: [added, entry.prefix.clone()].concat(),
            body: entry.body,
            size,
            sender: None,
            envelope: entry.envelope.clone(),
        };
        let quarantined = quarantine.is_some();
        let mail = NewMail { account: to.clone(), entry: mail, quarantine };
        let reports = self.reports(&entry, Action::Delivered, &delivered_status()).await?;
        let told = !reports.is_empty();
        let bodies = reports.clone();
        match self.storage.deliver_local(entry.id, mail, reports).await {
            Ok(()) => {}
            Err(StorageError::LimitReached(what)) => {
                self.discard_reports(&bodies).await;
                let problem = Refusal::transient(2, 2, &what);
                return self.attempt_failed(entry, problem, true, Some(Duration::from_secs(3600))).await;
            }
            Err(error) => {
                self.discard_reports(&bodies).await;
                return Err(error);
            }
        }
        self.outbox_changed(&entry.account, entry.id, "delivered");
        self.ended(&entry, true);
        self.events.publish(Event::Arrived { account: to.clone(), sender: None, quarantined });
        if told {
            self.report_arrived(&entry);
        }
        Ok(Next::Gone)
    }
}
