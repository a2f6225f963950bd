//! Parcels: what travels in the cells of one mail, cut apart and put together again.
//!
//! A parcel is `kind (1), record (u16 length), content`. The record is the sender's mailbox record, so it stands in the
//! first cell. Cells are made for a number of parts rounded up to a power of two; parts beyond the real count are
//! empty. Recipients put parcels together with [`Assembly`]: the first valid part of each number wins, unfinished mails
//! are bounded per sender and altogether.

use std::collections::HashMap;

use frame::{ReadError, Reader};
use mail::{MailId, PublicKey, Wall};
use rand_core::{CryptoRng, RngCore};

use crate::cell::{Cell, Opened, Place, SealError, Sealer};
use crate::hash::hash;
use crate::limits::{CHUNK_BYTES, PARCEL_BYTES, PARTIAL_BYTES, PARTIAL_MAILS_PER_SENDER, RECORD_BYTES};

/// What a parcel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A mail with its envelope, as `peer` writes it.
    Mail,
    /// An acknowledgement, as `peer` writes it.
    Acknowledgement,
}

/// What travels in the cells of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// What the content is.
    pub kind: Kind,
    /// The sender's mailbox record, encoded; may be empty.
    pub record: Vec<u8>,
    /// The content.
    pub content: Vec<u8>,
}

/// Why bytes are no parcel, or a parcel cannot go by drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParcelError {
    /// Too large for drops.
    #[error("the mail is {0} bytes; by drop relays at most 1018752 can go, so it waits for the direct way")]
    TooLarge(usize),
    /// Unknown kind.
    #[error("a parcel of unknown kind {0}")]
    Kind(u8),
    /// Damaged.
    #[error("a damaged parcel: {0}")]
    Read(#[from] ReadError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Parcel {
    /// The bytes that are cut into parts.
    ///
    /// # Errors
    /// [`ParcelError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, ParcelError> {
        let length = 3 + self.record.len() + self.content.len();
        let record = u16::try_from(self.record.len()).map_err(|_| ParcelError::TooLarge(length))?;
        if length > PARCEL_BYTES || self.record.len() > RECORD_BYTES {
            return Err(ParcelError::TooLarge(length));
        }
        let mut bytes = Vec::with_capacity(length);
        bytes.push(match self.kind {
            Kind::Mail => 1,
            Kind::Acknowledgement => 2,
        });
        bytes.extend_from_slice(&record.to_le_bytes());
        bytes.extend_from_slice(&self.record);
        bytes.extend_from_slice(&self.content);
        Ok(bytes)
    }

    /// Reads a parcel.
    ///
    /// # Errors
    /// [`ParcelError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ParcelError> {
        let mut reader = Reader::new(bytes);
        let kind = match reader.u8("kind")? {
            1 => Kind::Mail,
            2 => Kind::Acknowledgement,
            other => return Err(ParcelError::Kind(other)),
        };
        let record = reader.bytes16("record", RECORD_BYTES)?.to_vec();
        Ok(Self { kind, record, content: reader.rest().to_vec() })
    }
}

/// A parcel cut into parts, ready to be sealed for any number of boards.
#[derive(Clone, Debug)]
pub struct Parts {
    mail: MailId,
    digest: [u8; 32],
    bytes: Vec<u8>,
}

impl Parts {
    /// Cuts `parcel`.
    ///
    /// # Errors
    /// [`ParcelError::TooLarge`].
    pub fn new(mail: MailId, parcel: &Parcel) -> Result<Self, ParcelError> {
        let bytes = parcel.encode()?;
        Ok(Self { mail, digest: hash(&[&bytes]), bytes })
    }

    /// Parts with something in them, 1 to 64.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bytes.len().div_ceil(CHUNK_BYTES).max(1)
    }

    /// Cells on each board: the count rounded up to a power of two.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.count().next_power_of_two()
    }

    /// Seals part `index` (below [`Parts::cells`]).
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        sealer: &Sealer<'_>,
        index: usize,
    ) -> Result<Cell, SealError> {
        let place = Place {
            mail: self.mail,
            index: u8::try_from(index).map_err(|_| SealError::Place)?,
            count: u8::try_from(self.count()).map_err(|_| SealError::Place)?,
            digest: self.digest,
        };
        let from = (index * CHUNK_BYTES).min(self.bytes.len());
        let to = (from + CHUNK_BYTES).min(self.bytes.len());
        sealer.seal(rng, &place, self.bytes.get(from..to).unwrap_or_default())
    }
}

/// Which mail, for dedupe: the same mail may arrive by several boards and directly. With the recipient's account
/// added this is the key under which late copies fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Who sent it.
    pub sender: PublicKey,
    /// Its mail id.
    pub mail: MailId,
    /// BLAKE2b-256 of the parcel.
    pub digest: [u8; 32],
}

/// A parcel put together, its digest checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which mail of whom.
    pub key: Key,
    /// What it holds.
    pub parcel: Parcel,
}

/// What a part led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The mail is complete.
    Complete(Box<Received>),
    /// More parts are to come.
    Waiting {
        /// Parts held.
        have: usize,
        /// Parts of the mail.
        count: usize,
    },
    /// Padding, or a part already held.
    Nothing,
    /// All parts were there and are not what their digest says, or no parcel: forgotten.
    Broken,
}

#[derive(Debug)]
struct Partial {
    chunks: Vec<Option<Vec<u8>>>,
    touched: Wall,
    /// Order of arrival, so that the oldest of a sender can go.
    order: u64,
}

impl Partial {
    fn bytes(&self) -> usize {
        self.chunks.iter().flatten().map(Vec::len).sum()
    }

    fn have(&self) -> usize {
        self.chunks.iter().flatten().count()
    }
}

/// Unfinished mails of one account.
///
/// Bounds: 8 mails per sender, 64 MB together; past them the oldest goes. What goes is not lost: the
/// sender's outbox has it, and the cells are read again from the other boards or after a repost.
#[derive(Debug, Default)]
pub struct Assembly {
    partial: HashMap<Key, Partial>,
    bytes: usize,
    arrivals: u64,
}

impl Assembly {
    /// Takes a part found on a board.
    pub fn take(&mut self, opened: Opened, now: Wall) -> Progress {
        let Opened { sender, place, chunk } = opened;
        let (index, count) = (usize::from(place.index), usize::from(place.count));
        if index >= count || !is_chunk_length_right(index, count, chunk.len()) {
            return Progress::Nothing;
        }
        let key = Key { sender, mail: place.mail, digest: place.digest };
        match self.partial.get(&key) {
            // Another count under the same digest cannot be honest: the digest is over the same bytes.
            Some(partial) if partial.chunks.get(index).is_none_or(Option::is_some) => {
                return Progress::Nothing;
            }
            Some(partial) if partial.chunks.len() != count => return Progress::Nothing,
            Some(_) => {}
            None => self.make_room_for_mail(sender),
        }
        self.make_room_for_bytes(&key, chunk.len());
        self.arrivals += 1;
        let order = self.arrivals;
        let fresh = || Partial { chunks: vec![None; count], touched: now, order };
        let partial = self.partial.entry(key).or_insert_with(fresh);
        partial.touched = now;
        self.bytes += chunk.len();
        if let Some(free) = partial.chunks.get_mut(index) {
            *free = Some(chunk);
        }
        let have = partial.have();
        if have < count { Progress::Waiting { have, count } } else { self.finish(key) }
    }

    /// Whether parts of this mail are held.
    #[must_use]
    pub fn holds(&self, key: &Key) -> bool {
        self.partial.contains_key(key)
    }

    /// Forgets mails of which nothing came since `before`.
    pub fn expire(&mut self, before: Wall) {
        self.partial.retain(|_, partial| partial.touched >= before);
        self.bytes = self.partial.values().map(Partial::bytes).sum();
    }

    /// Bytes held of unfinished mails.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn finish(&mut self, key: Key) -> Progress {
        let Some(partial) = self.partial.remove(&key) else { return Progress::Nothing };
        self.bytes -= partial.bytes();
        let bytes: Vec<u8> = partial.chunks.into_iter().flatten().flatten().collect();
        if hash(&[&bytes]) != key.digest {
            return Progress::Broken;
        }
        match Parcel::decode(&bytes) {
            Ok(parcel) => Progress::Complete(Box::new(Received { key, parcel })),
            Err(_) => Progress::Broken,
        }
    }

    fn make_room_for_mail(&mut self, sender: PublicKey) {
        while self.partial.keys().filter(|key| key.sender == sender).count() >= PARTIAL_MAILS_PER_SENDER {
            self.forget_oldest(|key| key.sender == sender);
        }
    }

    /// One mail is far below the bound, so others can always make room for it.
    fn make_room_for_bytes(&mut self, keep: &Key, incoming: usize) {
        while self.bytes + incoming > PARTIAL_BYTES && self.partial.keys().any(|key| key != keep) {
            self.forget_oldest(|key| key != keep);
        }
    }

    fn forget_oldest(&mut self, of: impl Fn(&Key) -> bool) {
        let oldest = self.partial.iter().filter(|(key, _)| of(key)).min_by_key(|(_, partial)| partial.order);
        let Some(key) = oldest.map(|(key, _)| *key) else { return };
        if let Some(partial) = self.partial.remove(&key) {
            self.bytes -= partial.bytes();
        }
    }
}

/// Every part but the last is full.
fn is_chunk_length_right(index: usize, count: usize, length: usize) -> bool {
    if index + 1 < count { length == CHUNK_BYTES } else { length <= CHUNK_BYTES && length > 0 }
}

#[cfg(test)]
mod tests;
