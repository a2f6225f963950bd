//! Mail between accounts of one gateway, and to oneself: no network, but the same filters and headers.

use std::time::Duration;

use mail::dsn::Action;
use mail::record::{MailboxEntry, OutboxEntry, Outcome};
use mail::{AccountName, Address, MailId, PublicKey, Refusal};

use crate::addresses;
use crate::core::Core;
use crate::delivery::{Incoming, Verdict};
use crate::message::{self, Body, Message};
use crate::outbox::{Next, delivered_status};
use crate::people::Person;
use crate::ports::storage::NewMail;
use crate::ports::{Event, StorageError};

impl Core {
    /// Delivers an entry to an account here, in one step with its end in the outbox.
    pub(crate) async fn deliver_local(
        &self,
        entry: OutboxEntry,
        to: &AccountName,
    ) -> Result<Next, StorageError> {
        let Some(person) = self.people.get(to) else {
            let text = format!("the account {to} of this gateway was removed; check the address");
            return self.bounce(entry, Refusal::permanent(1, 1, &text)).await;
        };
        match self.judge_local(&entry, &person).await? {
            Verdict::Deliver { prefix, quarantine } => self.put_local(entry, to, prefix, quarantine).await,
            Verdict::Reject(refusal) => self.bounce(entry, refusal).await,
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
        let allowed = sender.map(|sender| addresses::of(&sender.account, sender_id)).unwrap_or_default();
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
            message,
        };
        Ok(self.judge(incoming).await)
    }

    async fn put_local(
        &self,
        entry: OutboxEntry,
        to: &AccountName,
        added: Vec<u8>,
        quarantine: Option<String>,
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
