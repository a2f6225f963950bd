//! BLAKE2b-256 (RFC 7693), plain and keyed, over parts of fixed length.

use blake2::digest::consts::U32;
use blake2::digest::{Digest, FixedOutput, KeyInit, Update};
use blake2::{Blake2b, Blake2bMac};

/// A hash under way.
pub(crate) type Hasher = Blake2b<U32>;

/// BLAKE2b-256 of the parts, one after the other.
#[must_use]
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::default();
    for part in parts {
        Digest::update(&mut hasher, part);
    }
    hasher.finalize().into()
}

/// BLAKE2b-256 of the parts, keyed with `key` (RFC 7693 section 2.5).
#[must_use]
pub fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // Keys of up to 64 bytes are right for BLAKE2b.
    let mut hasher = Blake2bMac::<U32>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    for part in parts {
        Update::update(&mut hasher, part);
    }
    hasher.finalize_fixed().into()
}
