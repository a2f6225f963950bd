//! The bin: mails of the quarantine that a filter threw away. They can be released like the others until their time is over.

use mail::record::Outcome;
use mail::{AccountName, Wall};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::engine::context::Context;
use crate::engine::tables::BIN;
use crate::error::Error;
use crate::limits::{BIN_BYTES, BIN_EMPTIED_PER_COMMIT, BIN_ENTRIES};
use crate::records::{outcomes, quarantine};

impl Store {
    /// How many mails of an account are in its bin: at most [`BIN_ENTRIES`].
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn bin_count(&self, account: &AccountName) -> Result<u64, Error> {
        self.get(|transaction| {
            let bin = transaction.open_table(BIN)?;
            Ok(bin.range((account.as_str(), 0)..=(account.as_str(), u64::MAX))?.count() as u64)
        })
    }
}

/// Deletes the mails of all bins whose time was over at `now`; some at a time.
pub(crate) async fn empty(store: &Store, now: Wall) -> Result<u64, Error> {
    let over = store.list(move |transaction| over(transaction, now)).await?;
    let mut over = over.into_iter();
    let mut deleted = 0;
    loop {
        let some: Vec<(String, u64)> = over.by_ref().take(BIN_EMPTIED_PER_COMMIT).collect();
        if some.is_empty() {
            return Ok(deleted);
        }
        deleted += store
            .remove(move |context| {
                let mut deleted = 0;
                for (account, number) in &some {
                    deleted += u64::from(delete(context, account, *number)?);
                }
                Ok(deleted)
            })
            .await?;
    }
}

/// When a mail of the quarantine is deleted for good; None for one that is not in the bin.
pub(crate) fn delete_at(
    bin: &impl ReadableTable<(&'static str, u64), (u64, u64)>,
    account: &str,
    number: u64,
) -> Result<Option<Wall>, Error> {
    Ok(bin.get((account, number))?.map(|row| Wall(row.value().0)))
}

/// Marks a mail of the quarantine as thrown away. The oldest ones beyond the bounds go.
pub(crate) fn put(
    context: &mut Context<'_, '_>,
    account: &str,
    number: u64,
    delete_at: Wall,
    size: u64,
) -> Result<(), Error> {
    context.t.bin.write()?.insert((account, number), (delete_at.0, size))?;
    for old in beyond(context, account)? {
        delete(context, account, old)?;
    }
    Ok(())
}

/// Removes the mark. False if there was none.
pub(crate) fn take(context: &mut Context<'_, '_>, account: &str, number: u64) -> Result<bool, Error> {
    if context.t.bin.read()?.get((account, number))?.is_none() {
        return Ok(false);
    }
    context.t.bin.write()?.remove((account, number))?;
    Ok(true)
}

/// The oldest mails that are more than the bin holds. The newest one always fits.
fn beyond(context: &mut Context<'_, '_>, account: &str) -> Result<Vec<u64>, Error> {
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    let mut numbers = Vec::new();
    for row in context.t.bin.read()?.range((account, 0)..=(account, u64::MAX))?.rev() {
        let (key, value) = row?;
        entries += 1;
        bytes = bytes.saturating_add(value.value().1);
        if entries > 1 && (entries > BIN_ENTRIES || bytes > BIN_BYTES) {
            numbers.push(key.value().1);
        }
    }
    Ok(numbers)
}

fn delete(context: &mut Context<'_, '_>, account: &str, number: u64) -> Result<bool, Error> {
    let Some(entry) = quarantine::take_from_bin(context, account, number)? else { return Ok(false) };
    context.release(entry.mail.body)?;
    if let Some(outgoing) = entry.outgoing {
        outcomes::record(context, outgoing, Outcome::Discarded { reason: entry.reason })?;
    }
    Ok(true)
}

fn over(transaction: &ReadTransaction, now: Wall) -> Result<Vec<(String, u64)>, Error> {
    let mut over = Vec::new();
    for row in transaction.open_table(BIN)?.iter()? {
        let (key, value) = row?;
        if value.value().0 <= now.0 {
            let (account, number) = key.value();
            over.push((account.to_owned(), number));
        }
    }
    Ok(over)
}
