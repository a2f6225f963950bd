//! The running digest of a body.

use std::fmt;

use crate::ids::BodyDigest;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

/// BLAKE2b-256 (RFC 7693, no key, 32 bytes out) over the first bytes of a body, and how many they are.
///
/// The recipient's owner resumes a transfer by feeding one with all bytes it has durably: so offset
/// and digest cannot disagree.
#[derive(Clone, Default)]
pub struct BodyHasher {
    state: Blake2b<U32>,
    length: u64,
}

impl BodyHasher {
    /// Of no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    /// How many bytes it took: the offset at which the transfer goes on.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> BodyDigest {
        BodyDigest(self.state.finalize().into())
    }

    /// The digest of `bytes`.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> BodyDigest {
        let mut hasher = Self::new();
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Debug for BodyHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BodyHasher").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_blake2b_256() {
        // hashlib.blake2b(b"abc", digest_size=32).hexdigest()
        let expected = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
        let mut hasher = BodyHasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.length(), 3);
        assert_eq!(hasher.finish().to_string(), expected);
        assert_eq!(BodyHasher::digest(b"abc").to_string(), expected);
    }
}
