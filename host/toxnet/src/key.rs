//! Keys of Curve25519: public ones, which are names, and secret ones, which erase themselves.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::MontgomeryPoint;
use rand_core::CryptoRngCore;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::boxes::{LowOrderKey, SharedKey};
use crate::wire::{Codec, ParseError, Reader, Writer};

/// A public key: of a person (the real key), of a node (the DHT key), of a session, or of one
/// request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; PublicKey::BYTES]);

/// The text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Tox key is written as 64 hex digits")]
pub struct InvalidKey;

impl PublicKey {
    /// Length on the wire.
    pub const BYTES: usize = 32;
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, formatter)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        read_hex(text).map(Self).ok_or(InvalidKey)
    }
}

impl Codec for PublicKey {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.array("a public key").map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
}

/// A secret key. It is overwritten when dropped, and `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; SecretKey::BYTES]>);

impl SecretKey {
    /// Length in saved data.
    pub const BYTES: usize = 32;

    /// A new key.
    pub fn generate(random: &mut impl CryptoRngCore) -> Self {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        random.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// A key that was stored. Any 32 bytes are one: Curve25519 sets the bits it needs.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; Self::BYTES]>) -> Self {
        Self(bytes)
    }

    /// The bytes to store. Whoever copies them has a secret to guard.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The public key that belongs to it: about 27 microseconds.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(MontgomeryPoint::mul_base_clamped(*self.0).to_bytes())
    }

    /// The key that this one and `peer` share, as `crypto_box_beforenm` of NaCl makes it: about 90
    /// microseconds. [`crate::SharedKeys`] remembers the results.
    ///
    /// # Errors
    /// `peer` is a point of low order. Everybody could compute the result, so it would protect
    /// nothing.
    pub fn shared_with(&self, peer: &PublicKey) -> Result<SharedKey, LowOrderKey> {
        let secret = Zeroizing::new(MontgomeryPoint(peer.0).mul_clamped(*self.0).to_bytes());
        SharedKey::from_x25519(&secret)
    }
}

/// In constant time.
impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(..)")
    }
}

/// A secret key with its public key, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// A new pair.
    pub fn generate(random: &mut impl CryptoRngCore) -> Self {
        Self::from_secret(SecretKey::generate(random))
    }

    /// The pair of a stored secret key.
    #[must_use]
    pub fn from_secret(secret: SecretKey) -> Self {
        Self { public: secret.public_key(), secret }
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The secret key.
    #[must_use]
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

/// Writes bytes as upper-case hex digits, as Tox programs show keys.
pub(crate) fn write_hex(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
}

/// Reads exactly `N` bytes from hex digits of either case.
pub(crate) fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
