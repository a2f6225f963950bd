//! Stored bytes of records: a version byte, then postcard.
//!
//! Records with a prefix (headers put before a mail) keep it raw between the version and the rest, so that reading a mail
//! for POP3 decodes nothing: `version | prefix length (4 bytes, little-endian) | prefix | postcard`.

use mail::record::{
    Account, Arrival, Contact, FriendRequest, MailboxEntry, OutboxEntry, Partial, Pin, QuarantineEntry,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::records::outcomes::Ended;

/// The version of all records so far.
pub const VERSION: u8 = 1;

/// Bytes before the prefix in a record that has one.
const HEAD_BYTES: usize = 5;

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// There is nothing, or less than the record announces.
    #[error("it is cut short")]
    Short,
    /// The version byte is unknown.
    #[error("its version {0} is unknown")]
    Version(u8),
    /// The version fits but the rest does not.
    #[error("its content makes no sense")]
    Content,
}

/// Something kept as a record of its own.
pub trait Stored: Serialize + DeserializeOwned {
    /// The table it is in, for error messages.
    const TABLE: &'static str;
}

/// A record whose prefix is kept raw.
pub trait Prefixed: Stored + Clone {
    /// The prefix, to take out or put in.
    fn prefix_mut(&mut self) -> &mut Vec<u8>;
}

macro_rules! stored {
    ($($type:ty => $table:literal),* $(,)?) => {$(
        impl Stored for $type {
            const TABLE: &'static str = $table;
        }
    )*};
}

stored! {
    Account => "accounts",
    Contact => "contacts",
    FriendRequest => "friend_requests",
    Pin => "pins",
    OutboxEntry => "outbox",
    MailboxEntry => "mails",
    QuarantineEntry => "quarantine",
    Arrival => "arrivals",
    Partial => "partials",
    Ended => "outcomes",
}

impl Prefixed for OutboxEntry {
    fn prefix_mut(&mut self) -> &mut Vec<u8> {
        &mut self.prefix
    }
}

impl Prefixed for MailboxEntry {
    fn prefix_mut(&mut self) -> &mut Vec<u8> {
        &mut self.prefix
    }
}

/// A record as stored.
pub(crate) fn encode<T: Stored>(record: &T) -> Result<Vec<u8>, Error> {
    append(vec![VERSION], record)
}

/// A record with prefix as stored.
pub(crate) fn encode_prefixed<T: Prefixed>(record: &T) -> Result<Vec<u8>, Error> {
    let mut rest = record.clone();
    let prefix = std::mem::take(rest.prefix_mut());
    let length = u32::try_from(prefix.len())
        .map_err(|_| Error::Invalid(format!("a prefix of {} bytes", prefix.len())))?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + prefix.len() + 256);
    bytes.push(VERSION);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&prefix);
    append(bytes, &rest)
}

fn append<T: Stored>(bytes: Vec<u8>, record: &T) -> Result<Vec<u8>, Error> {
    postcard::to_extend(record, bytes).map_err(|error| Error::Invalid(format!("{}: {error}", T::TABLE)))
}

/// Reads a stored record. Never panics, whatever the bytes.
///
/// # Errors
/// [`BadRecord`] when they are none.
pub fn decode<T: Stored>(bytes: &[u8]) -> Result<T, BadRecord> {
    match bytes.split_first() {
        None => Err(BadRecord::Short),
        Some((&VERSION, rest)) => whole(rest),
        Some((&version, _)) => Err(BadRecord::Version(version)),
    }
}

/// Reads a stored record with prefix. Never panics, whatever the bytes.
///
/// # Errors
/// [`BadRecord`] when they are none.
pub fn decode_prefixed<T: Prefixed>(bytes: &[u8]) -> Result<T, BadRecord> {
    let (prefix, rest) = split_prefix(bytes)?;
    let mut record: T = whole(rest)?;
    *record.prefix_mut() = prefix.to_vec();
    Ok(record)
}

/// The prefix and what follows it.
pub(crate) fn split_prefix(bytes: &[u8]) -> Result<(&[u8], &[u8]), BadRecord> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(BadRecord::Short)?;
    let &[version, a, b, c, d] = head else { return Err(BadRecord::Short) };
    if version != VERSION {
        return Err(BadRecord::Version(version));
    }
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| BadRecord::Content)?;
    rest.split_at_checked(length).ok_or(BadRecord::Short)
}

/// The beginning of a record, for a record whose rest cannot be read.
pub(crate) fn start<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (&version, rest) = bytes.split_first()?;
    let start = || postcard::take_from_bytes(rest).ok().map(|(start, _)| start);
    (version == VERSION).then(start).flatten()
}

fn whole<T: Stored>(bytes: &[u8]) -> Result<T, BadRecord> {
    match postcard::take_from_bytes(bytes) {
        Ok((record, [])) => Ok(record),
        Ok(_) => Err(BadRecord::Content),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(BadRecord::Short),
        Err(_) => Err(BadRecord::Content),
    }
}

/// Reads a record the store wrote itself; names it when it is damaged.
pub(crate) fn read<T: Stored>(bytes: &[u8], key: impl FnOnce() -> String) -> Result<T, Error> {
    decode(bytes).map_err(|why| damaged::<T>(key, &why))
}

/// As [`read`], for a record with prefix.
pub(crate) fn read_prefixed<T: Prefixed>(bytes: &[u8], key: impl FnOnce() -> String) -> Result<T, Error> {
    decode_prefixed(bytes).map_err(|why| damaged::<T>(key, &why))
}

fn damaged<T: Stored>(key: impl FnOnce() -> String, why: &BadRecord) -> Error {
    Error::Damaged { table: T::TABLE, key: key(), why: why.to_string() }
}

#[cfg(test)]
mod tests;
