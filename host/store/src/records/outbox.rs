//! The outbox.

use async_trait::async_trait;
use mail::record::{MailboxEntry, NewMail, OutboxEntry, Outcome, QuarantineEntry, Route, StagedBody};
use mail::storage::{Outbox, StorageError};
use mail::{AccountName, MailId, PublicKey};
use redb::ReadableTable;

use crate::Store;
use crate::engine::codec;
use crate::engine::context::Context;
use crate::engine::shared::{Space, Urgency};
use crate::engine::tables::{OUTBOX, WRITTEN};
use crate::error::Error;
use crate::limits::{LIST_ENTRIES, OUTBOX_ENTRIES};
use crate::records::mailbox;
use crate::records::{outcomes, quarantine};
use crate::store::count;
use crate::upkeep::unreadable::View;

#[async_trait]
impl Outbox for Store {
    async fn enqueue(
        &self,
        body: StagedBody,
        entries: Vec<OutboxEntry>,
        quarantined: Vec<QuarantineEntry>,
    ) -> Result<(), StorageError> {
        Ok(self.put(move |context| enqueue(context, body, &entries, &quarantined)).await?)
    }

    async fn outbox_page(&self, after: Option<MailId>, max: usize) -> Result<Vec<OutboxEntry>, StorageError> {
        Ok(self.list(move |transaction| page(transaction, after, max.min(LIST_ENTRIES))).await?)
    }

    async fn outbox_entry(&self, id: MailId) -> Result<Option<OutboxEntry>, StorageError> {
        Ok(self.get(|transaction| {
            let outbox = transaction.open_table(OUTBOX)?;
            let record = outbox.get(id.0)?;
            record.map(|bytes| codec::read_prefixed(bytes.value(), || id.to_string())).transpose()
        })?)
    }

    async fn update_outbox(&self, entry: OutboxEntry) -> Result<(), StorageError> {
        Ok(self.call(Urgency::Lazy, Space::Frees, move |context| update(context, &entry)).await?)
    }

    async fn finish_outbox(
        &self,
        id: MailId,
        outcome: Outcome,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        let space = if reports.is_empty() { Space::Frees } else { Space::Takes };
        Ok(self
            .call(Urgency::Durable, space, move |context| {
                let entry = take(context, id)?;
                context.release(entry.body)?;
                outcomes::record(context, entry, outcome.clone())?;
                deliver_reports(context, &reports)
            })
            .await?)
    }

    async fn record_ended(&self, ended: Vec<(OutboxEntry, Outcome)>) -> Result<(), StorageError> {
        Ok(self
            .put(move |context| {
                for (entry, outcome) in &ended {
                    check_unused(context, entry.id)?;
                    outcomes::record(context, entry.clone(), outcome.clone())?;
                }
                Ok(())
            })
            .await?)
    }

    async fn deliver_local(
        &self,
        id: MailId,
        mail: NewMail,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        Ok(self
            .put(move |context| {
                let entry = take(context, id)?;
                if entry.body != mail.entry.body {
                    return Err(Error::Invalid(
                        "a local mail with another body than its outbox entry".to_owned(),
                    ));
                }
                // The body's reference goes from the entry to the mail.
                mailbox::deliver(context, &mail)?;
                outcomes::record(context, entry, Outcome::Delivered)?;
                deliver_reports(context, &reports)
            })
            .await?)
    }

    async fn has_written_to(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError> {
        let key = (account.as_str(), key.0);
        Ok(self.get(|transaction| Ok(transaction.open_table(WRITTEN)?.get(key)?.is_some()))?)
    }
}

fn enqueue(
    context: &mut Context<'_, '_>,
    body: StagedBody,
    entries: &[OutboxEntry],
    quarantined: &[QuarantineEntry],
) -> Result<(), Error> {
    let references = u32::try_from(entries.len() + quarantined.len()).unwrap_or(0);
    if references == 0 {
        return Err(Error::Invalid("a mail without recipients".to_owned()));
    }
    context.take_staged(body, references)?;
    for entry in entries {
        if entry.body != body.id {
            return Err(Error::Invalid("an outbox entry with another body than the one given".to_owned()));
        }
        insert(context, entry)?;
    }
    for entry in quarantined {
        let outgoing = entry.outgoing.as_ref().filter(|outgoing| outgoing.body == body.id);
        let Some(outgoing) = outgoing.filter(|_| entry.mail.body == body.id) else {
            return Err(Error::Invalid("a quarantined outgoing mail that does not fit the body".to_owned()));
        };
        let mail = MailboxEntry { uidl: context.shared.random_id()?, ..entry.mail.clone() };
        quarantine::add(context, outgoing.account.as_str(), QuarantineEntry { mail, ..entry.clone() })?;
    }
    Ok(())
}

/// Adds an entry; one reference to its body is the caller's to give.
pub(crate) fn insert(context: &mut Context<'_, '_>, entry: &OutboxEntry) -> Result<(), Error> {
    context.stats(entry.account.as_str())?;
    let body = context.body_size(entry.body)?;
    if entry.size != entry.prefix.len() as u64 + body {
        return Err(Error::Invalid(format!("an outbox entry of {body} bytes with a size of {}", entry.size)));
    }
    check_unused(context, entry.id)?;
    if count(context.t.outbox.read()?)? >= OUTBOX_ENTRIES {
        return Err(Error::LimitReached(format!(
            "the outbox holds {OUTBOX_ENTRIES} mails, the most it can: wait until some are delivered, or cancel some"
        )));
    }
    let record = codec::encode_prefixed(entry)?;
    context.t.outbox.write()?.insert(entry.id.0, record.as_slice())?;
    if let Route::Remote(destination) = &entry.route {
        let key = (entry.account.as_str(), destination.key().0);
        if context.t.written.read()?.get(key)?.is_none() {
            context.t.written.write()?.insert(key, entry.created.0)?;
        }
    }
    Ok(())
}

fn check_unused(context: &mut Context<'_, '_>, id: MailId) -> Result<(), Error> {
    let is_queued = context.t.outbox.read()?.get(id.0)?.is_some();
    if is_queued || context.t.outcome_ids.read()?.get(id.0)?.is_some() {
        return Err(Error::Exists(id.to_string()));
    }
    Ok(())
}

fn update(context: &mut Context<'_, '_>, entry: &OutboxEntry) -> Result<(), Error> {
    let old = load(context, entry.id)?;
    let same_mail = (&old.account, &old.prefix, old.body, old.size, old.digest)
        == (&entry.account, &entry.prefix, entry.body, entry.size, entry.digest);
    if !same_mail {
        return Err(Error::Invalid(format!("another mail under the id {}", entry.id)));
    }
    let record = codec::encode_prefixed(entry)?;
    context.t.outbox.write()?.insert(entry.id.0, record.as_slice())?;
    Ok(())
}

fn load(context: &mut Context<'_, '_>, id: MailId) -> Result<OutboxEntry, Error> {
    let record = context.t.outbox.read()?.get(id.0)?.ok_or(Error::NotFound)?;
    codec::read_prefixed(record.value(), || id.to_string())
}

/// Takes an entry out; the reference to its body is the caller's now.
fn take(context: &mut Context<'_, '_>, id: MailId) -> Result<OutboxEntry, Error> {
    let entry = load(context, id)?;
    context.t.outbox.write()?.remove(id.0)?;
    Ok(entry)
}

fn deliver_reports(context: &mut Context<'_, '_>, reports: &[(NewMail, StagedBody)]) -> Result<(), Error> {
    reports.iter().try_for_each(|(mail, body)| mailbox::deliver_staged(context, mail, *body))
}

fn page(transaction: &View<'_>, after: Option<MailId>, max: usize) -> Result<Vec<OutboxEntry>, Error> {
    use std::ops::Bound::{Excluded, Unbounded};
    let outbox = transaction.open_table(OUTBOX)?;
    let start = after.map_or(Unbounded, |id| Excluded(id.0));
    transaction.records(outbox.range::<[u8; 16]>((start, Unbounded))?).take(max).collect()
}
