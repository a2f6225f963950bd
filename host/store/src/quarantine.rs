//! Mails that a filter set aside.

use mail::record::{OutboxEntry, Outcome, QuarantineEntry};
use mail::{AccountName, MailId};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::codec;
use crate::context::Context;
use crate::error::Error;
use crate::limits::{LIST_ENTRIES, MAILBOX_ENTRIES};
use crate::mailbox::{self, check_size, describe};
use crate::tables::{QUARANTINE, QUARANTINE_COUNTS, QUARANTINE_IDS};
use crate::{outbox, outcomes};

/// The outcome of an outgoing mail that the user deleted from quarantine.
const DELETED: &str = "set aside by a filter, then deleted by the user";

impl Store {
    /// The quarantined mails of an account, oldest first.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, Error> {
        let account = account.clone();
        self.list(move |transaction| list(transaction, account.as_str())).await
    }

    /// A page of the quarantined mails of an account, oldest first: at most `max` that come after the one of the UIDL `after`. From the
    /// start where that one is gone.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn quarantine_page(
        &self,
        account: &AccountName,
        after: Option<MailId>,
        max: usize,
    ) -> Result<Vec<QuarantineEntry>, Error> {
        let account = account.clone();
        self.list(move |transaction| {
            let first = match after {
                Some(uidl) => place(transaction, account.as_str(), uidl)?.map_or(0, |number| number + 1),
                None => 0,
            };
            let quarantine = transaction.open_table(QUARANTINE)?;
            let rows = quarantine.range((account.as_str(), first)..=(account.as_str(), u64::MAX))?;
            rows.take(max.min(LIST_ENTRIES))
                .map(|row| {
                    let (key, bytes) = row?;
                    codec::read(bytes.value(), || describe(account.as_str(), key.value().1))
                })
                .collect()
        })
        .await
    }

    /// How many mails of an account are in quarantine. Takes microseconds.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn quarantine_count(&self, account: &AccountName) -> Result<u64, Error> {
        self.get(|transaction| {
            let counts = transaction.open_table(QUARANTINE_COUNTS)?;
            if let Some(count) = counts.get(account.as_str())? {
                return Ok(count.value());
            }
            // A store of before counts were kept, and nothing has changed since.
            let quarantine = transaction.open_table(QUARANTINE)?;
            let rows = quarantine.range((account.as_str(), 0)..=(account.as_str(), u64::MAX))?;
            Ok(rows.count() as u64)
        })
    }

    /// One quarantined mail, by its UIDL.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub fn quarantined(&self, account: &AccountName, uidl: MailId) -> Result<Option<QuarantineEntry>, Error> {
        self.get(|transaction| {
            let Some(number) = place(transaction, account.as_str(), uidl)? else { return Ok(None) };
            let quarantine = transaction.open_table(QUARANTINE)?;
            let row = quarantine.get((account.as_str(), number))?;
            row.map(|bytes| codec::read(bytes.value(), || describe(account.as_str(), number))).transpose()
        })
    }

    /// Releases a quarantined mail (named by its UIDL): an incoming one into the mailbox, under a new number and its old UIDL; an outgoing
    /// one into the outbox. Returns the outbox entry made, if one was.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such mail.
    pub async fn release(&self, account: &AccountName, uidl: MailId) -> Result<Option<OutboxEntry>, Error> {
        let account = account.clone();
        self.put(move |context| {
            let entry = take(context, account.as_str(), uidl)?;
            match entry.outgoing {
                None => mailbox::add(context, account.as_str(), entry.mail).map(|()| None),
                Some(outgoing) => outbox::insert(context, &outgoing).map(|()| Some(outgoing)),
            }
        })
        .await
    }

    /// Deletes a quarantined mail. An outgoing one is recorded as discarded.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such mail.
    pub async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), Error> {
        let account = account.clone();
        self.remove(move |context| {
            let entry = take(context, account.as_str(), uidl)?;
            context.release(entry.mail.body)?;
            match entry.outgoing {
                None => Ok(()),
                Some(outgoing) => {
                    outcomes::record(context, outgoing, Outcome::Discarded { reason: DELETED.to_owned() })
                }
            }
        })
        .await
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
    let first = {
        let quarantine = context.t.quarantine.read()?;
        let first = quarantine.range((account, 0)..=(account, u64::MAX))?.next().transpose()?;
        first.map_or(stats.next_number, |(key, _)| key.value().1)
    };
    // By numbers, which mails in the mailbox share: an upper bound that costs no counting.
    if stats.next_number - first >= MAILBOX_ENTRIES {
        return Err(Error::LimitReached(format!(
            "the quarantine of {account} is full: release or delete some mails"
        )));
    }
    entry.mail.number = stats.next_number;
    stats.next_number += 1;
    context.put_stats(account, stats)?;
    let record = codec::encode(&entry)?;
    let place = (account, entry.mail.number);
    context.t.quarantine.write()?.insert(place, record.as_slice())?;
    context.t.quarantine_ids.write()?.insert(entry.mail.uidl.0, place)?;
    keep_count(context, account, |count| count.saturating_add(1))
}

/// Keeps the count of an account's quarantine after a change. Counted once, where it was never kept.
fn keep_count(
    context: &mut Context<'_, '_>,
    account: &str,
    changed: impl FnOnce(u64) -> u64,
) -> Result<(), Error> {
    let kept = context.t.quarantine_counts.read()?.get(account)?.map(|count| count.value());
    let count = match kept {
        Some(before) => changed(before),
        None => context.t.quarantine.read()?.range((account, 0)..=(account, u64::MAX))?.count() as u64,
    };
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
    let entry: QuarantineEntry = {
        let record = context.t.quarantine.read()?.get((account, number))?.ok_or(Error::NotFound)?;
        codec::read(record.value(), || describe(account, number))?
    };
    context.t.quarantine_ids.write()?.remove(uidl.0)?;
    context.t.quarantine.write()?.remove((account, number))?;
    keep_count(context, account, |count| count.saturating_sub(1))?;
    Ok(entry)
}

fn list(transaction: &ReadTransaction, account: &str) -> Result<Vec<QuarantineEntry>, Error> {
    let quarantine = transaction.open_table(QUARANTINE)?;
    let rows = quarantine.range((account, 0)..=(account, u64::MAX))?;
    rows.map(|row| {
        let (key, bytes) = row?;
        codec::read(bytes.value(), || describe(account, key.value().1))
    })
    .collect()
}
