//! Parcels: what travels in the cells of one mail, cut apart and put together again.
//!
//! A parcel is `kind (1), record (u16 length), content`. The record is the sender's mailbox record,
//! so it is in the first cell. Cells are made for a number of parts rounded up to a power of two;
//! parts beyond the real count are empty. Recipients put parcels together with
//! [`Assembly`](crate::assembly::Assembly): the first valid part of each number wins, unfinished
//! mails are bounded per sender and altogether.

use frame::{ReadError, Reader};
use mail::{MailId, PublicKey};
use rand_core::{CryptoRng, RngCore};

use crate::cell::{Cell, Place, SealError, Sealer};
use crate::hash::hash;
use crate::limits::{CHUNK_BYTES, PARCEL_BYTES, RECORD_BYTES};

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

/// Why bytes are not a parcel, or why a parcel cannot go by drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParcelError {
    /// Too large for drops.
    #[error("the mail is {0} bytes; by drop relays at most 1018752 can go, so it waits for the direct way")]
    TooLarge(usize),
    /// Unknown kind.
    #[error("a parcel of unknown kind {0}")]
    Kind(u8),
    /// The parcel is damaged.
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
    /// The sender and the id of the mail.
    pub key: Key,
    /// Its content.
    pub parcel: Parcel,
}

/// What a part led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The mail is complete.
    Complete(Box<Received>),
    /// More parts are to come.
    Waiting {
        /// How many parts are held.
        have: usize,
        /// How many parts the mail has.
        count: usize,
    },
    /// Padding, or a part already held.
    Nothing,
    /// All parts were there and are not what their digest says, or no parcel: forgotten.
    Broken,
}

#[cfg(test)]
mod tests;
