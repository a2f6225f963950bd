//! Saved data: what makes an instance the same after a restart.
//!
//! The format is c-toxcore's state format (Tox specification, appendix "State Format"): a header of zeros and
//! a magic number, then sections, each with length, type and magic number, the last of type "end", and
//! room that c-toxcore did not use. It is checked here because c-toxcore takes damaged data in parts, and would go on with a new identity.

use std::fmt;

use mail::PublicKey;
use zeroize::Zeroizing;

use crate::friends::{SavedFriend, friends_in};
use crate::limits;

/// Identity, friends and known nodes of an instance, as c-toxcore writes them. Holds the secret key: the
/// memory is overwritten on drop, and `Debug` shows nothing of it.
pub struct SavedData {
    bytes: Zeroizing<Vec<u8>>,
    public_key: PublicKey,
}

/// Why bytes are not saved data. The texts fit both what is stored and a profile that somebody brings: they complete
/// "it cannot be used: ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSavedData {
    /// Encrypted by a Tox client's password.
    #[error("it is encrypted with a password")]
    Encrypted,
    /// Not in the format: another kind of file.
    #[error("it is not of a Tox program: their files do not begin like this")]
    Foreign,
    /// More than [`limits::SAVED_DATA_BYTES`].
    #[error("it is larger than {} MiB", limits::SAVED_DATA_BYTES >> 20)]
    TooLarge,
    /// In the format, but without keys.
    #[error("it holds no Tox identity")]
    NoIdentity,
    /// Cut short, or lengths and types that cannot be.
    #[error("it is damaged or ends too early")]
    Damaged,
    /// Right in form, and refused by the Tox library: public and secret key do not belong together, most likely.
    #[error("its keys do not belong together, or a part of it is damaged")]
    Refused,
}

/// The first eight bytes: zeros, then the magic number of the whole.
const HEADER: [u8; 8] = [0, 0, 0, 0, 0x1f, 0x1b, 0xed, 0x15];
/// The first bytes of encrypted saved data.
const ENCRYPTED: &[u8] = b"toxEsave";
/// The magic number of each section.
const SECTION: [u8; 2] = [0xce, 0x01];
/// The section with nospam, public and secret key.
const NOSPAM_AND_KEYS: u16 = 1;
/// The section with the friends.
const FRIENDS: u16 = 3;
/// The section that ends the data.
const END: u16 = 255;

impl SavedData {
    /// Checks bytes from the store (or from a Tox client's profile). They are overwritten if refused.
    ///
    /// # Errors
    /// [`InvalidSavedData`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, InvalidSavedData> {
        let bytes = Zeroizing::new(bytes);
        let public_key = identity_in(&bytes)?;
        Ok(Self { bytes, public_key })
    }

    /// The bytes to store. Whoever copies them has a secret to guard.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whom it knows. What is left of the section when it is cut is passed over.
    #[must_use]
    pub fn friends(&self) -> Vec<SavedFriend> {
        let mut rest = self.bytes.get(HEADER.len()..).unwrap_or_default();
        let mut friends = Vec::new();
        while let Some((kind, content, after)) = section(rest) {
            match kind {
                FRIENDS => friends.extend(friends_in(content)),
                END => break,
                _ => {}
            }
            rest = after;
        }
        friends
    }

    /// The secret key of the identity.
    #[must_use]
    pub fn secret_key(&self) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new([0; 32]);
        // Checked by `new`: the section is there and has this length.
        let mut rest = self.bytes.get(HEADER.len()..).unwrap_or_default();
        while let Some((kind, content, after)) = section(rest) {
            if let (NOSPAM_AND_KEYS, Some(key)) = (kind, content.last_chunk::<32>()) {
                secret.copy_from_slice(key);
            }
            rest = if kind == END { &[] } else { after };
        }
        secret
    }

    /// The public key of the identity.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }
}

impl fmt::Debug for SavedData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SavedData(..)")
    }
}

/// Whether bytes are a profile that a Tox program encrypted with a password: then [`crate::decrypt`] comes first.
#[must_use]
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(ENCRYPTED)
}

/// Walks the sections and returns the public key among them.
fn identity_in(bytes: &[u8]) -> Result<PublicKey, InvalidSavedData> {
    if is_encrypted(bytes) {
        return Err(InvalidSavedData::Encrypted);
    }
    if bytes.len() > limits::SAVED_DATA_BYTES {
        return Err(InvalidSavedData::TooLarge);
    }
    if !HEADER.starts_with(bytes.get(..HEADER.len()).unwrap_or(bytes)) {
        return Err(InvalidSavedData::Foreign);
    }
    let mut rest = bytes.get(HEADER.len()..).ok_or(InvalidSavedData::Damaged)?;
    let mut identity = None;
    loop {
        let (kind, content, after) = section(rest).ok_or(InvalidSavedData::Damaged)?;
        match kind {
            NOSPAM_AND_KEYS => identity = Some(key_in(content).ok_or(InvalidSavedData::Damaged)?),
            END => return identity.ok_or(InvalidSavedData::NoIdentity),
            _ => {}
        }
        rest = after;
    }
}

/// One section: its type, its content, and what follows it.
fn section(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<2>()?;
    let rest = rest.strip_prefix(&SECTION)?;
    let (content, after) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    Some((u16::from_le_bytes(*kind), content, after))
}

/// The public key in a section of nospam (4 bytes), public key (32) and secret key (32).
fn key_in(content: &[u8]) -> Option<PublicKey> {
    if content.len() != 4 + 32 + 32 {
        return None;
    }
    let (_nospam, keys) = content.split_first_chunk::<4>()?;
    keys.first_chunk::<32>().copied().map(PublicKey)
}

#[cfg(test)]
mod tests;
