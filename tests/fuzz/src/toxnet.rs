//! What the targets of `toxnet` share. Nothing here is secret or random, so that an input does the
//! same each time.

use std::fmt::Debug;
use std::sync::LazyLock;

use rand_core::{CryptoRng, RngCore};
use toxnet::wire::Codec;
use toxnet::{FreshNonce, KeyPair, MAC_BYTES, SecretKey, SharedKey};
use zeroize::Zeroizing;

/// A source of nothing but zeros.
pub struct Zeros;

impl RngCore for Zeros {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl CryptoRng for Zeros {}

/// Numbers that look random and are the same each time: for state machines, which tell things apart by them.
#[derive(Debug)]
pub struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).expect("half of the bits")
    }

    fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| [*byte, ..] = self.next_u64().to_le_bytes());
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Seeded {}

/// A key pair for each number below 16. They are computed once, since that is slow with coverage counters.
///
/// # Panics
/// For a larger number.
#[must_use]
pub fn pair(number: u8) -> KeyPair {
    static PAIRS: LazyLock<Vec<KeyPair>> = LazyLock::new(|| {
        let secret = |number| SecretKey::from_bytes(Zeroizing::new([number; 32]));
        (0..16).map(|number| KeyPair::from_secret(secret(number))).collect()
    });
    PAIRS[usize::from(number)].clone()
}

/// The one key.
#[must_use]
pub fn key() -> SharedKey {
    SharedKey::generate(&mut Zeros)
}

/// The one nonce.
#[must_use]
pub fn fresh() -> FreshNonce {
    FreshNonce::random(&mut Zeros)
}

/// `head`, the nonce, and a box with `content`.
#[must_use]
pub fn in_a_box(head: &[u8], content: &[u8], key: &SharedKey) -> Vec<u8> {
    let nonce = fresh();
    let mut packet = [head, &nonce.value().0, &[0; MAC_BYTES], content].concat();
    let start = packet.len() - content.len() - MAC_BYTES;
    key.seal(nonce, &mut packet[start..]).expect("there is room");
    packet
}

/// Reads a value that has one form only, and checks that it is written as it came.
///
/// # Panics
/// If it is not.
pub fn written_again<T: Codec>(bytes: &[u8]) {
    if let Ok(value) = T::parse(bytes) {
        assert_eq!(value.to_vec(), bytes);
    }
}

/// Reads a value, and checks that what is written of it is read as the same.
///
/// # Panics
/// If it is not.
pub fn comes_back<T: Codec + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value = T::parse(bytes).ok()?;
    assert_eq!(T::parse(&value.to_vec()).as_ref(), Ok(&value));
    Some(value)
}
