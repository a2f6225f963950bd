//! Tox IDs: what people give each other to become friends.

use std::fmt;
use std::str::FromStr;

use crate::key::{PublicKey, read_hex, write_hex};
use crate::wire::{Codec, ParseError, Reader, Writer};

/// Four bytes that a friend request must name. Whoever changes theirs gets no more requests under
/// the old ID. Bytes as they stand in the ID, without an order of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nospam(pub [u8; 4]);

impl Codec for Nospam {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.array("the nospam").map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
}

/// A Tox ID: `[32 real key][4 nospam][2 checksum]`, written as 76 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ToxId {
    /// Whom to ask.
    pub key: PublicKey,
    /// What the request must name.
    pub nospam: Nospam,
}

/// Why a text or bytes are no Tox ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToxId {
    /// Not 76 hex digits.
    #[error("a Tox ID is written as 76 hex digits")]
    Form,
    /// The checksum is another one: a digit was mistyped.
    #[error("the checksum of the Tox ID is wrong: a digit was mistyped")]
    Checksum,
}

impl ToxId {
    /// Length in bytes.
    pub const BYTES: usize = PublicKey::BYTES + 4 + 2;

    /// The exclusive or of the pairs of bytes before it.
    #[must_use]
    pub fn checksum(&self) -> [u8; 2] {
        let bytes = self.key.0.iter().chain(&self.nospam.0);
        let mut sum = [0; 2];
        for (index, byte) in bytes.enumerate() {
            if index % 2 == 0 {
                sum[0] ^= byte;
            } else {
                sum[1] ^= byte;
            }
        }
        sum
    }

    /// The ID in bytes, checksum included.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = self.key.0.iter().chain(&self.nospam.0).copied().chain(self.checksum());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The ID that these bytes are.
    ///
    /// # Errors
    /// The checksum is wrong.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Result<Self, InvalidToxId> {
        let mut reader = Reader::new(&bytes);
        let (key, nospam) = (PublicKey::read(&mut reader), Nospam::read(&mut reader));
        let (Ok(key), Ok(nospam)) = (key, nospam) else { return Err(InvalidToxId::Form) };
        let id = Self { key, nospam };
        if reader.rest() == id.checksum() { Ok(id) } else { Err(InvalidToxId::Checksum) }
    }
}

impl FromStr for ToxId {
    type Err = InvalidToxId;

    fn from_str(text: &str) -> Result<Self, InvalidToxId> {
        Self::from_bytes(read_hex(text).ok_or(InvalidToxId::Form)?)
    }
}

impl fmt::Display for ToxId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.to_bytes(), formatter)
    }
}

impl fmt::Debug for ToxId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ToxId({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mistyped_digit_is_noticed() {
        let id = ToxId { key: PublicKey([0xab; 32]), nospam: Nospam([1, 2, 3, 4]) };
        let text = id.to_string();
        assert_eq!((text.len(), &text[64..]), (76, "010203040206"));
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.to_lowercase().parse(), Ok(id));
        assert_eq!(
            text.replace("ABABABAB0102", "ABABABAB0112").parse::<ToxId>(),
            Err(InvalidToxId::Checksum)
        );
        assert_eq!(text[1..].parse::<ToxId>(), Err(InvalidToxId::Form));
        assert_eq!(text.replace('0', "g").parse::<ToxId>(), Err(InvalidToxId::Form));
    }

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(key: [u8; 32], nospam: [u8; 4]) {
            let id = ToxId { key: PublicKey(key), nospam: Nospam(nospam) };
            prop_assert_eq!(ToxId::from_bytes(id.to_bytes()), Ok(id));
        }
    }
}
