//! Mails that a filter set aside.

use async_trait::async_trait;
use mail::record::{OutboxEntry, Outcome, QuarantineEntry};
use mail::storage::{Quarantine, StorageError};
use mail::{AccountName, MailId, Wall};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::engine::codec;
use crate::engine::context::Context;
use crate::engine::tables::{BIN, QUARANTINE, QUARANTINE_COUNTS, QUARANTINE_IDS};
use crate::error::Error;
use crate::limits::LIST_ENTRIES;
use crate::records::mailbox::{self, check_size, describe};
use crate::records::{bin, outbox, outcomes};
use crate::upkeep::unreadable::View;

/// The outcome of an outgoing mail that the user deleted from quarantine.
const DELETED: &str = "set aside by a filter, then deleted by the user";

impl Store {
    /// A page of the quarantined mails of an account, oldest first: at most `max` whose numbers are above `after`, which
    /// need not be there any more.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn quarantine_page(
        &self,
        account: &AccountName,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<QuarantineEntry>, Error> {
        let account = account.clone();
        let first = match after.map(|number| number.checked_add(1)) {
            Some(Some(next)) => next,
            Some(None) => return Ok(Vec::new()),
            None => 0,
        };
        self.list(move |transaction| list(transaction, account.as_str(), first, max.min(LIST_ENTRIES))).await
    }

    /// How many mails of an account wait in quarantine for the user to decide; those in the bin are not among them. Takes
    /// microseconds.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn quarantine_count(&self, account: &AccountName) -> Result<u64, Error> {
        self.get(|transaction| {
            let counts = transaction.open_table(QUARANTINE_COUNTS)?;
            if let Some(count) = counts.get(account.as_str())? {
                return Ok(count.value());
            }
            // Nothing waited since counts are kept, or the store is of before.
            let all = (account.as_str(), 0)..=(account.as_str(), u64::MAX);
            let held = transaction.open_table(QUARANTINE)?.range(all.clone())?.count();
            let binned = transaction.open_table(BIN)?.range(all)?.count();
            Ok(held.saturating_sub(binned) as u64)
        })
    }

    /// One quarantined mail, by its UIDL.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn quarantined(
        &self,
        account: &AccountName,
        uidl: MailId,
    ) -> Result<Option<QuarantineEntry>, Error> {
        self.get(|transaction| {
            let Some(number) = place(transaction, account.as_str(), uidl)? else { return Ok(None) };
            let (quarantine, bin) = (transaction.open_table(QUARANTINE)?, transaction.open_table(BIN)?);
            let Some(row) = quarantine.get((account.as_str(), number))? else { return Ok(None) };
            let entry = codec::read(row.value(), || describe(account.as_str(), number))?;
            with_bin(entry, &bin, account.as_str()).map(Some)
        })
    }
}

#[async_trait]
impl Quarantine for Store {
    async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError> {
        let account = account.clone();
        Ok(self.list(move |transaction| list(transaction, account.as_str(), 0, usize::MAX)).await?)
    }

    async fn release(
        &self,
        account: &AccountName,
        uidl: MailId,
    ) -> Result<Option<OutboxEntry>, StorageError> {
        let account = account.clone();
        Ok(self
            .put(move |context| {
                let entry = take(context, account.as_str(), uidl)?;
                match entry.outgoing {
                    None => mailbox::add(context, account.as_str(), entry.mail).map(|()| None),
                    Some(outgoing) => outbox::insert(context, &outgoing).map(|()| Some(outgoing)),
                }
            })
            .await?)
    }

    async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        let account = account.clone();
        Ok(self
            .remove(move |context| {
                let entry = take(context, account.as_str(), uidl)?;
                context.release(entry.mail.body)?;
                match entry.outgoing {
                    None => Ok(()),
                    Some(outgoing) => {
                        outcomes::record(context, outgoing, Outcome::Discarded { reason: DELETED.to_owned() })
                    }
                }
            })
            .await?)
    }

    async fn empty_bin(&self, now: Wall) -> Result<u64, StorageError> {
        Ok(bin::empty(self, now).await?)
    }
}

/// Adds a mail under the account's next number; one reference to its body is the caller's to give.
pub(crate) fn add(
    context: &mut Context<'_, '_>,
    account: &str,
    mut entry: QuarantineEntry,
) -> Result<(), Error> {
    let mut stats = context.stats(account)?;
    check_size(context, &entry.mail)?;
    let held = kept_count(context, account)?;
    // The bin has bounds of its own.
    if entry.delete_at.is_none() && held >= context.shared.options.quarantine {
        return Err(Error::LimitReached(format!(
            "the quarantine of {account} holds {held} mails, the most it can: release or delete some"
        )));
    }
    entry.mail.number = stats.next_number;
    stats.next_number += 1;
    context.put_stats(account, stats)?;
    let record = codec::encode(&entry)?;
    let place = (account, entry.mail.number);
    context.t.quarantine.write()?.insert(place, record.as_slice())?;
    context.t.quarantine_ids.write()?.insert(entry.mail.uidl.0, place)?;
    match entry.delete_at {
        Some(delete_at) => bin::put(context, account, entry.mail.number, delete_at, entry.mail.size),
        None => keep_count(context, account, held + 1),
    }
}

/// A stored entry, with what the bin says of it.
fn with_bin(
    entry: QuarantineEntry,
    bin: &impl ReadableTable<(&'static str, u64), (u64, u64)>,
    account: &str,
) -> Result<QuarantineEntry, Error> {
    Ok(QuarantineEntry { delete_at: bin::delete_at(bin, account, entry.mail.number)?, ..entry })
}

/// How many mails are in an account's quarantine without its bin. Counted once, where the count was never kept.
fn kept_count(context: &mut Context<'_, '_>, account: &str) -> Result<u64, Error> {
    let kept = context.t.quarantine_counts.read()?.get(account)?.map(|count| count.value());
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let all = context.t.quarantine.read()?.range((account, 0)..=(account, u64::MAX))?.count();
    let binned = context.t.bin.read()?.range((account, 0)..=(account, u64::MAX))?.count();
    Ok(all.saturating_sub(binned) as u64)
}

fn keep_count(context: &mut Context<'_, '_>, account: &str, count: u64) -> Result<(), Error> {
    context.t.quarantine_counts.write()?.insert(account, count)?;
    Ok(())
}

/// The number of a mail, if it is in the account's quarantine.
fn place(transaction: &ReadTransaction, account: &str, uidl: MailId) -> Result<Option<u64>, Error> {
    let ids = transaction.open_table(QUARANTINE_IDS)?;
    let Some(place) = ids.get(uidl.0)? else { return Ok(None) };
    let (owner, number) = place.value();
    Ok((owner == account).then_some(number))
}

/// Takes a mail out; the reference to its body is the caller's now.
fn take(context: &mut Context<'_, '_>, account: &str, uidl: MailId) -> Result<QuarantineEntry, Error> {
    let number = {
        let place = context.t.quarantine_ids.read()?.get(uidl.0)?.ok_or(Error::NotFound)?;
        let (owner, number) = place.value();
        if owner != account {
            return Err(Error::NotFound);
        }
        number
    };
    take_numbered(context, account, number)?.ok_or(Error::NotFound)
}

/// Takes a mail out that is in the bin and can be read; the reference to its body is the caller's now.
pub(crate) fn take_from_bin(
    context: &mut Context<'_, '_>,
    account: &str,
    number: u64,
) -> Result<Option<QuarantineEntry>, Error> {
    if context.t.bin.read()?.get((account, number))?.is_none() {
        return Ok(None);
    }
    match take_numbered(context, account, number) {
        // It stays where it is: nobody knows which body is its.
        Err(Error::Damaged { .. }) => Ok(None),
        taken => taken,
    }
}

fn take_numbered(
    context: &mut Context<'_, '_>,
    account: &str,
    number: u64,
) -> Result<Option<QuarantineEntry>, Error> {
    let entry: QuarantineEntry = {
        let Some(record) = context.t.quarantine.read()?.get((account, number))? else { return Ok(None) };
        codec::read(record.value(), || describe(account, number))?
    };
    let held = kept_count(context, account)?;
    context.t.quarantine_ids.write()?.remove(entry.mail.uidl.0)?;
    context.t.quarantine.write()?.remove((account, number))?;
    if !bin::take(context, account, number)? {
        keep_count(context, account, held.saturating_sub(1))?;
    }
    Ok(Some(entry))
}

/// At most `max` mails from the number `first` on.
fn list(view: &View<'_>, account: &str, first: u64, max: usize) -> Result<Vec<QuarantineEntry>, Error> {
    let (quarantine, bin) = (view.open_table(QUARANTINE)?, view.open_table(BIN)?);
    let rows = quarantine.range((account, first)..=(account, u64::MAX))?;
    let entries = view.records::<QuarantineEntry>(rows).take(max);
    entries.map(|entry| with_bin(entry?, &bin, account)).collect()
}
