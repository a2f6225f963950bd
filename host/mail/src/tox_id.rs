//! Tox IDs: public key, nospam and checksum (Tox specification, chapter "Messenger", "Tox ID").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Tox long-term public key (Curve25519): who somebody is. Written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

/// The four bytes of a Tox ID that its owner can change to stop unwanted friend requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nospam(pub [u8; 4]);

/// A full Tox ID: what a friend request needs. Written as 76 hex digits, checksum last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToxId {
    /// The public key of its owner.
    pub key: PublicKey,
    /// The nospam their client expects in a friend request.
    pub nospam: Nospam,
}

/// Why a text is not a Tox ID or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToxId {
    /// Not hexadecimal, or of another length.
    #[error("a Tox ID is 76 hex digits (a Tox public key is 64)")]
    Form,
    /// The checksum at the end does not fit: mistyped.
    #[error("the checksum of this Tox ID is wrong: a digit was mistyped or lost; copy it again")]
    Checksum,
}

impl PublicKey {
    /// Whether a Tox program can have this key: the highest bit of a Curve25519 key is not used (RFC 7748, section 5), and
    /// c-toxcore refuses keys that have it (`crypto_core.c: public_key_valid`).
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        self.0[31] & 0x80 == 0
    }
}

impl ToxId {
    /// Bytes of a Tox ID: key, nospam, checksum.
    pub const BYTES: usize = 38;

    /// The 38 bytes `key | nospam | checksum`.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..32].copy_from_slice(&self.key.0);
        bytes[32..36].copy_from_slice(&self.nospam.0);
        let sum = checksum(&bytes);
        bytes[36..].copy_from_slice(&sum);
        bytes
    }

    /// The mail address that leads to it from everywhere: 76 hex digits in lower case at `tox`.
    #[must_use]
    pub fn address(&self) -> crate::Address {
        crate::Address::of_tox_id(self)
    }

    /// Reads the 38 bytes `key | nospam | checksum`.
    ///
    /// # Errors
    /// [`InvalidToxId::Checksum`] where the checksum does not fit.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, InvalidToxId> {
        if checksum(bytes) != bytes[36..] {
            return Err(InvalidToxId::Checksum);
        }
        let mut key = [0; 32];
        key.copy_from_slice(&bytes[..32]);
        Ok(Self { key: PublicKey(key), nospam: Nospam([bytes[32], bytes[33], bytes[34], bytes[35]]) })
    }
}

/// Exclusive or over the pairs of bytes of key and nospam.
fn checksum(bytes: &[u8; ToxId::BYTES]) -> [u8; 2] {
    bytes[..36].chunks_exact(2).fold([0, 0], |sum, pair| [sum[0] ^ pair[0], sum[1] ^ pair[1]])
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}

impl fmt::Display for ToxId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode_upper(self.to_bytes()))
    }
}

impl fmt::Debug for ToxId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ToxId({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidToxId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidToxId::Form)?;
        Ok(Self(bytes))
    }
}

impl FromStr for ToxId {
    type Err = InvalidToxId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; Self::BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidToxId::Form)?;
        Self::from_bytes(&bytes)
    }
}

/// The digits of an id that people wrote in groups (`56A1 ADE4 ...`, `56a1-ade4-...`); None where anything but hex digits is left.
#[must_use]
pub fn ungrouped(text: &str) -> Option<String> {
    let digits: String =
        text.chars().filter(|char| !char.is_whitespace() && !matches!(char, '-' | '\u{ad}')).collect();
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

macro_rules! text_serde {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidToxId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

text_serde!(PublicKey);
text_serde!(ToxId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_survives_text(key: [u8; 32], nospam: [u8; 4]) {
            let id = ToxId { key: PublicKey(key), nospam: Nospam(nospam) };
            prop_assert_eq!(id.to_string().parse::<ToxId>().unwrap(), id);
        }

        #[test]
        fn any_text_is_an_id_or_a_key_that_prints_to_itself_or_is_refused(
            text in "[0-9A-Fa-f]{60,80}|\\PC{0,80}|[0-9A-Fa-f]{0,10}",
        ) {
            if let Ok(id) = text.parse::<ToxId>() {
                prop_assert_eq!(id.to_string().parse::<ToxId>(), Ok(id));
            }
            if let Ok(key) = text.parse::<PublicKey>() {
                prop_assert_eq!(key.to_string().parse::<PublicKey>(), Ok(key));
            }
            if let Some(digits) = ungrouped(&text) {
                prop_assert_eq!(ungrouped(&digits), Some(digits));
            }
        }

        #[test]
        fn one_wrong_digit_is_noticed(key: [u8; 32], nospam: [u8; 4], at in 0_usize..76, with in "[0-9A-F]") {
            let mut text = ToxId { key: PublicKey(key), nospam: Nospam(nospam) }.to_string();
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert_eq!(text.parse::<ToxId>(), Err(InvalidToxId::Checksum));
        }
    }

    #[test]
    fn the_id_of_the_groupbot_parses() {
        // A public ID from the Tox wiki, to hold the checksum against another implementation.
        let text = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
        assert_eq!(text.parse::<ToxId>().unwrap().to_string(), text);
    }
}
