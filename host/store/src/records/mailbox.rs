//! Mailboxes: what POP3 lists, reads and deletes.

use bytes::Bytes;
use mail::record::{BodyId, Direction, MailboxEntry, NewMail, QuarantineEntry, SetAside, StagedBody};
use mail::{AccountName, MailId};
use redb::ReadTransaction;

use crate::Store;
use crate::engine::codec::{self, Stored};
use crate::engine::context::{Context, Stats};
use crate::engine::tables::{MAILBOX, MAILS, STATS};
use crate::error::Error;
use crate::limits::{DIRECT_READ_BYTES, LIST_ENTRIES, MAILBOX_ENTRIES};
use crate::records::body::read_range;

/// What a POP3 session holds of each mail: 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxItem {
    /// The order of arrival; names the mail in [`Store::mailbox_read`] and [`Store::mailbox_delete`].
    pub number: u64,
    /// The unique id (RFC 1939 section 7).
    pub uidl: MailId,
    /// Bytes of prefix and body together.
    pub size: u64,
    /// The body.
    pub body: BodyId,
    /// Bytes of the prefix.
    pub prefix_bytes: u32,
}

impl Store {
    /// The mails of an account in the order of arrival. Reads no mail: 100 000 take some ten milliseconds.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn mailbox_list(&self, account: &AccountName) -> Result<Vec<MailboxItem>, Error> {
        self.mailbox_list_after(account, 0).await
    }

    /// The mails with a number above `number`, in the order of arrival.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn mailbox_list_after(
        &self,
        account: &AccountName,
        number: u64,
    ) -> Result<Vec<MailboxItem>, Error> {
        let account = account.clone();
        self.list(move |transaction| list(transaction, &account, number.saturating_add(1))).await
    }

    /// Mails and bytes in a mailbox (RFC 1939 STAT). Takes microseconds.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn mailbox_count(&self, account: &AccountName) -> Result<(u64, u64), Error> {
        self.get(|transaction| read_stats(transaction, account)).map(|stats| (stats.mails, stats.bytes))
    }

    /// Bytes of a mail from `offset`, at most `max`, prefix and body as one; empty at the end. Takes microseconds for up to 64 KiB
    /// where the system has the file cached, else a disk access.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the mail is not there (any more).
    pub fn mailbox_read_blocking(
        &self,
        account: &AccountName,
        number: u64,
        offset: u64,
        max: usize,
    ) -> Result<Bytes, Error> {
        self.get(|transaction| read_mail(transaction, account, number, offset, max))
    }

    /// As [`Store::mailbox_read_blocking`], for async callers: up to 64 KiB are read at once, more on a blocking thread.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the mail is not there (any more).
    pub async fn mailbox_read(
        &self,
        account: &AccountName,
        number: u64,
        offset: u64,
        max: usize,
    ) -> Result<Bytes, Error> {
        if max <= DIRECT_READ_BYTES {
            return self.mailbox_read_blocking(account, number, offset, max);
        }
        let account = account.clone();
        self.list(move |transaction| read_mail(transaction, &account, number, offset, max)).await
    }

    /// The whole record of a mail, for the web pages.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the mail is not there (any more).
    pub async fn mailbox_entry(&self, account: &AccountName, number: u64) -> Result<MailboxEntry, Error> {
        self.get(|transaction| {
            let mails = transaction.open_table(MAILS)?;
            let bytes = mails.get((account.as_str(), number))?.ok_or(Error::NotFound)?;
            codec::read_prefixed(bytes.value(), || describe(account.as_str(), number))
        })
    }

    /// A page of a mailbox, newest first: at most `max` mails with a number below `before`, for the web pages.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn mailbox_newest(
        &self,
        account: &AccountName,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<MailboxEntry>, Error> {
        let account = account.clone();
        self.list(move |transaction| {
            let mails = transaction.open_table(MAILS)?;
            let end = (account.as_str(), before.unwrap_or(u64::MAX));
            let rows = mails.range((account.as_str(), 0)..end)?.rev();
            transaction.records(rows).take(max.min(LIST_ENTRIES)).collect()
        })
        .await
    }

    /// Deletes mails in one step. Numbers that are not there are passed over: they are deleted. Returns how many were there.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn mailbox_delete(&self, account: &AccountName, numbers: Vec<u64>) -> Result<u64, Error> {
        let account = account.clone();
        self.remove(move |context| delete(context, account.as_str(), &numbers)).await
    }
}

/// Puts a mail with a staged body into mailbox or quarantine.
pub(crate) fn deliver_staged(
    context: &mut Context<'_, '_>,
    mail: &NewMail,
    body: StagedBody,
) -> Result<(), Error> {
    if mail.entry.body != body.id {
        return Err(Error::Invalid("a mail with another body than the one given".to_owned()));
    }
    context.stats(mail.account.as_str())?;
    context.take_staged(body, 1)?;
    deliver(context, mail)
}

/// Puts a mail into mailbox or quarantine; one reference to its body is the caller's to give.
pub(crate) fn deliver(context: &mut Context<'_, '_>, mail: &NewMail) -> Result<(), Error> {
    let account = mail.account.as_str();
    let mut entry = mail.entry.clone();
    entry.uidl = context.shared.random_id()?;
    match &mail.quarantine {
        None => add(context, account, entry),
        Some(SetAside { reason, delete_at }) => {
            let entry = QuarantineEntry {
                mail: entry,
                reason: reason.clone(),
                direction: Direction::Incoming,
                outgoing: None,
                delete_at: *delete_at,
            };
            crate::records::quarantine::add(context, account, entry)
        }
    }
}

/// Adds a mail to a mailbox under the next number.
pub(crate) fn add(
    context: &mut Context<'_, '_>,
    account: &str,
    mut entry: MailboxEntry,
) -> Result<(), Error> {
    let mut stats = context.stats(account)?;
    if stats.mails >= MAILBOX_ENTRIES {
        return Err(Error::LimitReached(format!(
            "the mailbox of {account} holds {MAILBOX_ENTRIES} mails, the most it can: delete some"
        )));
    }
    check_size(context, &entry)?;
    entry.number = stats.next_number;
    stats.next_number += 1;
    stats.mails += 1;
    stats.bytes += entry.size;
    context.put_stats(account, stats)?;
    let prefix_bytes = u32::try_from(entry.prefix.len()).unwrap_or(u32::MAX);
    let row = (entry.uidl.0, entry.size, entry.body.0, prefix_bytes);
    let record = codec::encode_prefixed(&entry)?;
    context.t.mailbox.write()?.insert((account, entry.number), row)?;
    context.t.mails.write()?.insert((account, entry.number), record.as_slice())?;
    Ok(())
}

/// What POP3 announces must be what it sends.
pub(crate) fn check_size(context: &mut Context<'_, '_>, entry: &MailboxEntry) -> Result<(), Error> {
    let body = context.body_size(entry.body)?;
    if entry.size == entry.prefix.len() as u64 + body {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "a mail of {} bytes with a size of {}",
        entry.prefix.len() as u64 + body,
        entry.size
    )))
}

fn delete(context: &mut Context<'_, '_>, account: &str, numbers: &[u64]) -> Result<u64, Error> {
    let mut stats = context.stats(account)?;
    let mut deleted = 0;
    for &number in numbers {
        let removed = context.t.mailbox.write()?.remove((account, number))?.map(|row| row.value());
        let Some((_, size, body, _)) = removed else { continue };
        context.t.mails.write()?.remove((account, number))?;
        context.release(BodyId(body))?;
        stats.mails = stats.mails.saturating_sub(1);
        stats.bytes = stats.bytes.saturating_sub(size);
        deleted += 1;
    }
    if deleted > 0 {
        context.put_stats(account, stats)?;
    }
    Ok(deleted)
}

fn list(transaction: &ReadTransaction, account: &AccountName, from: u64) -> Result<Vec<MailboxItem>, Error> {
    let stats = read_stats(transaction, account)?;
    let mailbox = transaction.open_table(MAILBOX)?;
    let expected = if from <= 1 { stats.mails.min(MAILBOX_ENTRIES) } else { 0 };
    let mut items = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    for row in mailbox.range((account.as_str(), from)..=(account.as_str(), u64::MAX))? {
        let (key, value) = row?;
        let (uidl, size, body, prefix_bytes) = value.value();
        let number = key.value().1;
        items.push(MailboxItem { number, uidl: MailId(uidl), size, body: BodyId(body), prefix_bytes });
    }
    Ok(items)
}

fn read_mail(
    transaction: &ReadTransaction,
    account: &AccountName,
    number: u64,
    offset: u64,
    max: usize,
) -> Result<Bytes, Error> {
    let key = (account.as_str(), number);
    let row = transaction.open_table(MAILBOX)?.get(key)?.ok_or(Error::NotFound)?;
    let (_, size, body, prefix_bytes) = row.value();
    let prefix_bytes = u64::from(prefix_bytes);
    let mut bytes = Vec::new();
    if offset < prefix_bytes {
        let mails = transaction.open_table(MAILS)?;
        let damaged = |why: &str| Error::Damaged {
            table: MailboxEntry::TABLE,
            key: describe(account.as_str(), number),
            why: why.to_owned(),
        };
        let record = mails.get(key)?.ok_or_else(|| damaged("it is missing"))?;
        let (prefix, _) = codec::split_prefix(record.value()).map_err(|why| damaged(&why.to_string()))?;
        let part = usize::try_from(offset).ok().and_then(|start| prefix.get(start..));
        let part = part.ok_or_else(|| damaged("its prefix is cut short"))?;
        let part = part.get(..max).unwrap_or(part);
        let expected = usize::try_from(size.saturating_sub(offset)).unwrap_or(max).min(max);
        bytes.reserve_exact(expected.min(DIRECT_READ_BYTES));
        bytes.extend_from_slice(part);
    }
    let body_size = size.saturating_sub(prefix_bytes);
    let body_offset = offset.saturating_sub(prefix_bytes);
    let left = max - bytes.len();
    read_range(transaction, BodyId(body), body_size, body_offset, left, &mut bytes)?;
    Ok(bytes.into())
}

/// The counters of an account.
pub(crate) fn read_stats(transaction: &ReadTransaction, account: &AccountName) -> Result<Stats, Error> {
    let row = transaction.open_table(STATS)?.get(account.as_str())?.ok_or(Error::NotFound)?;
    Ok(Stats::from_row(row.value()))
}

/// A mail of a mailbox, readable.
pub(crate) fn describe(account: &str, number: u64) -> String {
    format!("number {number} of {account}")
}
