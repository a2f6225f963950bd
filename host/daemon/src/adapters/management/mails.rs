//! Outbox, mailbox and quarantine, as the web API manages them.

use admin::dto::{
    Arrival, ImportedMail, Listing, MailboxMail, Mark, OutboxEntry, Outcome, OutcomeKind, Page,
    QuarantineEntry,
};
use admin::management::{Mails, ManagementError, Result};
use async_trait::async_trait;
use bytes::Bytes;
use gateway::Cancelled;
use mail::decision::mail_filter::UserDecision;
use mail::record::Direction;
use mail::record::QuarantineEntry as QuarantinedMail;
use mail::{AccountName, MailId, ReversePath};

use super::errors::storage;
use super::feedback::{feedback, peer_of};
use super::pages::{cursor, listing};
use super::{GatewayManagement, copies};

#[async_trait]
impl Mails for GatewayManagement {
    async fn outbox(&self, account: &AccountName, page: &Page) -> Result<Listing<OutboxEntry>> {
        self.known(account).await?;
        let after = cursor(page)?;
        let entries = self.gateway.list_outbox(account, after, page.limit() + 1).await.map_err(storage)?;
        Ok(listing(page, entries.iter().map(|entry| self.with_copies(entry)), |entry| entry.id.to_string()))
    }

    async fn outbox_entry(&self, account: &AccountName, id: MailId) -> Result<OutboxEntry> {
        self.known(account).await?;
        let entry = self.gateway.outbox_entry(account, id).await.map_err(storage)?;
        entry.as_ref().map(|entry| self.with_copies(entry)).ok_or_else(|| no_entry(id))
    }

    async fn retry(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        let found = self.gateway.retry_now(account, id).await.map_err(storage)?;
        if found { Ok(()) } else { Err(no_entry(id)) }
    }

    async fn cancel(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        match self.gateway.cancel(account, id).await.map_err(storage)? {
            Cancelled::Yes => Ok(()),
            Cancelled::NotThere => Err(no_entry(id)),
        }
    }

    async fn outcomes(&self, account: &AccountName, most: usize) -> Result<Vec<Outcome>> {
        self.known(account).await?;
        let ended = self.store.recent_outcomes(account, most).await.map_err(storage)?;
        Ok(ended.into_iter().map(outcome).collect())
    }

    async fn arrivals(&self, account: &AccountName, page: &Page) -> Result<Listing<Arrival>> {
        self.known(account).await?;
        let mails =
            self.store.mailbox_newest(account, cursor(page)?, page.limit() + 1).await.map_err(storage)?;
        Ok(listing(page, mails.iter().map(Arrival::from), |entry| entry.number.to_string()))
    }

    async fn mailbox(&self, account: &AccountName, page: &Page) -> Result<Listing<MailboxMail>> {
        self.known(account).await?;
        let after = cursor(page)?.unwrap_or(0);
        let items = self.store.mailbox_list_after(account, after).await.map_err(storage)?;
        let is_last = items.len() <= page.limit();
        let mut mails = Vec::new();
        for item in items.iter().take(page.limit()) {
            match self.store.mailbox_entry(account, item.number).await {
                Ok(entry) => mails.push(MailboxMail {
                    number: item.number,
                    id: item.uidl,
                    size: item.size,
                    received: entry.received.into(),
                }),
                // Deleted meanwhile.
                Err(store::Error::NotFound) => {}
                Err(error) => return Err(storage(error)),
            }
        }
        let next =
            if is_last { None } else { items.get(page.limit() - 1).map(|item| item.number.to_string()) };
        Ok(Listing { items: mails, next })
    }

    async fn read_mail(&self, account: &AccountName, number: u64, offset: u64, max: usize) -> Result<Bytes> {
        let read = self.store.mailbox_read(account, number, offset, max).await;
        read.map_err(|error| match error {
            store::Error::NotFound => {
                ManagementError::NotFound(format!("there is no mail {number} in the mailbox of {account}"))
            }
            error => storage(error),
        })
    }

    async fn import_mail(&self, account: &AccountName, mail: Bytes) -> Result<ImportedMail> {
        self.known(account).await?;
        let put = self.imports.put(&self.store, account, &mail, self.clock.wall()).await;
        Ok(ImportedMail { is_new: put.map_err(storage)? })
    }

    async fn quarantine(&self, account: &AccountName, page: &Page) -> Result<Listing<QuarantineEntry>> {
        self.known(account).await?;
        let entries =
            self.store.quarantine_page(account, cursor(page)?, page.limit() + 1).await.map_err(storage)?;
        // By number: the list goes on behind a mail that is gone meanwhile.
        let Listing { items, next } = listing(page, entries.iter(), |entry| entry.mail.number.to_string());
        Ok(Listing { items: items.into_iter().map(QuarantineEntry::from).collect(), next })
    }

    async fn release(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        self.teach(account, id, UserDecision::Released).await;
        self.gateway.release(account, id).await.map_err(storage)
    }

    async fn delete_quarantined(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        self.teach(account, id, UserDecision::Deleted).await;
        self.gateway.delete_quarantined(account, id).await.map_err(storage)
    }

    async fn mark(&self, account: &AccountName, id: MailId, mark: Mark) -> Result<()> {
        self.known(account).await?;
        let entry = match self.store.quarantined(account, id).await.map_err(storage)? {
            Some(entry) => Some(entry),
            None => self.mailbox_mail(account, id).await?,
        };
        let entry = entry.ok_or_else(|| {
            ManagementError::NotFound(format!(
                "there is no mail {id} (any more): its id is in `toxmail quarantine list`, or what POP3 lists as UIDL"
            ))
        })?;
        let decision = match mark {
            Mark::Spam => UserDecision::Spam,
            Mark::Ham => UserDecision::NotSpam,
        };
        self.teach_entry(account, &entry, decision).await;
        Ok(())
    }
}

impl GatewayManagement {
    /// Tells filters that learn what the user decided. That one fails changes nothing about the mail.
    async fn teach(&self, account: &AccountName, id: MailId, decision: UserDecision) {
        if let Ok(Some(entry)) = self.store.quarantined(account, id).await {
            self.teach_entry(account, &entry, decision).await;
        }
    }

    /// A mail of the mailbox, as if it had been set aside.
    async fn mailbox_mail(&self, account: &AccountName, id: MailId) -> Result<Option<QuarantinedMail>> {
        let items = self.store.mailbox_list(account).await.map_err(storage)?;
        let Some(item) = items.into_iter().find(|item| item.uidl == id) else { return Ok(None) };
        let mail = self.store.mailbox_entry(account, item.number).await.map_err(storage)?;
        let (reason, direction) = (String::new(), Direction::Incoming);
        Ok(Some(QuarantinedMail { mail, reason, direction, outgoing: None, delete_at: None }))
    }

    async fn teach_entry(&self, account: &AccountName, entry: &QuarantinedMail, decision: UserDecision) {
        let contacts = self.gateway.contacts(account);
        let is_contact = peer_of(entry).is_none_or(|key| contacts.iter().any(|contact| contact.key == key));
        let (feedback, mail) = feedback(&self.store, entry, is_contact, decision);
        if let Err(error) = self.sandbox.learn(account, self.clock.wall(), feedback, mail).await {
            tracing::warn!(%error, %account, "a filter did not learn what was decided");
        }
    }

    /// An entry with what is known of its copies on drop relays.
    fn with_copies(&self, entry: &mail::record::OutboxEntry) -> OutboxEntry {
        let story = self.offline.as_ref().and_then(|offline| offline.story(entry.id));
        let copies = story.map(|story| copies::shown(&story, self.clock.wall()));
        OutboxEntry { copies, ..OutboxEntry::from(entry) }
    }
}

fn no_entry(id: MailId) -> ManagementError {
    ManagementError::NotFound(format!(
        "there is no mail {id} in the outbox (any more): `toxmail outbox list` shows the waiting mails"
    ))
}

fn outcome(ended: store::Ended) -> Outcome {
    let (outcome, reason) = OutcomeKind::of(&ended.outcome);
    Outcome {
        id: ended.id,
        sender: match ended.envelope.reverse_path {
            ReversePath::Null => None,
            ReversePath::Mailbox(address) => Some(address),
        },
        recipient: ended.envelope.forward_path,
        size: ended.size,
        created: ended.created.into(),
        ended: ended.ended.into(),
        attempts: ended.attempts,
        outcome,
        reason,
    }
}
