//! Mails that a filter set aside.

use mail::record::{OutboxEntry, Outcome, QuarantineEntry};
use mail::{AccountName, MailId};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::codec;
use crate::context::Context;
use crate::error::Error;
use crate::limits::MAILBOX_ENTRIES;
use crate::mailbox::{self, check_size, describe};
use crate::tables::QUARANTINE;
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
    Ok(())
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
