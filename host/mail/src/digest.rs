//! The digest that names the bytes of a mail between gateways.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

use crate::ids::BodyDigest;

/// Computes a [`BodyDigest`] over bytes that come in pieces: BLAKE2b (RFC 7693) with 256 bits, no key.
#[derive(Clone, Default)]
pub struct BodyHasher(Blake2b<U32>);

impl std::fmt::Debug for BodyHasher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BodyHasher")
    }
}

impl BodyHasher {
    /// A hasher before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes.
    #[must_use]
    pub fn finish(self) -> BodyDigest {
        BodyDigest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_b2sum() {
        // `printf abc | b2sum -l 256`
        let mut hasher = BodyHasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        let digest = hasher.finish().to_string();
        assert_eq!(digest, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    }
}
