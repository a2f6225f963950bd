//! Boxes: XSalsa20-Poly1305, sealed and opened in place. Nothing else in this crate encrypts
//! packets.
//!
//! A box is 16 bytes of authentication (the MAC), then as many bytes of ciphertext as there was
//! text.

use std::fmt;

use crypto_secretbox::aead::generic_array::GenericArray;
use crypto_secretbox::{AeadInPlace, Kdf, Key, KeyInit, XSalsa20Poly1305};
use rand_core::CryptoRngCore;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::nonce::{FreshNonce, Nonce};
use crate::wire::Writer;

/// Bytes that a box is longer than its content.
pub const MAC_BYTES: usize = 16;

/// A public key of low order: the secret shared with it would be zero, which everybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is a point of low order, which gives no shared secret")]
pub struct LowOrderKey;

/// Why a box does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Shorter than its MAC.
    #[error("a box of {0} bytes is shorter than its MAC")]
    TooShort(usize),
    /// Another key or nonce sealed it, or it was changed on the way.
    #[error("the box was not sealed with this key and nonce, or was changed")]
    Forged,
}

/// The buffer to seal has no room for the MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a buffer of {0} bytes has no room for a MAC")]
pub struct NoRoom(pub usize);

/// A symmetric key: shared by two key pairs, or made at random. It is overwritten when dropped, and
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SharedKey(Zeroizing<[u8; SharedKey::BYTES]>);

impl SharedKey {
    /// Length of the key.
    pub const BYTES: usize = 32;

    /// A new random key: for what only we ourselves open, such as cookies.
    pub fn generate(random: &mut impl CryptoRngCore) -> Self {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        random.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// A key that was derived elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; Self::BYTES]>) -> Self {
        Self(bytes)
    }

    /// HSalsa20 of a result of X25519, as NaCl has it.
    pub(crate) fn from_x25519(secret: &[u8; 32]) -> Result<Self, LowOrderKey> {
        if bool::from(secret.ct_eq(&[0; 32])) {
            return Err(LowOrderKey);
        }
        let mut derived: Key =
            XSalsa20Poly1305::kdf(GenericArray::from_slice(secret), &GenericArray::default());
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        bytes.copy_from_slice(&derived);
        derived.as_mut_slice().zeroize();
        Ok(Self(bytes))
    }

    /// Seals a buffer in place: its first [`MAC_BYTES`] are room for the MAC, the rest is the
    /// content.
    ///
    /// # Errors
    /// The buffer is shorter than a MAC.
    pub fn seal(&self, nonce: FreshNonce, buffer: &mut [u8]) -> Result<(), NoRoom> {
        if buffer.len() < MAC_BYTES {
            return Err(NoRoom(buffer.len()));
        }
        self.seal_layer(&nonce, buffer);
        Ok(())
    }

    /// As [`Self::seal`], where the protocol wants one nonce under several keys (layers of the
    /// onion, data requests). Only code that uses each key once per nonce may call it. The buffer
    /// has room for the MAC.
    pub(crate) fn seal_layer(&self, nonce: &FreshNonce, buffer: &mut [u8]) {
        let Some((mac, content)) = buffer.split_first_chunk_mut::<MAC_BYTES>() else { return };
        let nonce = nonce.value();
        match self.cipher().encrypt_in_place_detached(GenericArray::from_slice(&nonce.0), &[], content) {
            Ok(tag) => mac.copy_from_slice(&tag),
            // It fails for associated data alone, and there is none. Should that change, nothing
            // leaves in the clear.
            Err(_) => content.fill(0),
        }
    }

    /// Appends a box with what `content` writes.
    pub(crate) fn write_box(
        &self,
        nonce: &FreshNonce,
        writer: &mut Writer,
        content: impl FnOnce(&mut Writer),
    ) {
        let start = writer.len();
        writer.zeros(MAC_BYTES);
        content(writer);
        self.seal_layer(nonce, writer.tail_mut(start));
    }

    /// Opens a box in place and gives its content. A box that does not open is left unchanged, so
    /// another key can be tried.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open<'a>(&self, nonce: &Nonce, sealed: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        let length = sealed.len();
        let (mac, content) = sealed.split_at_mut_checked(MAC_BYTES).ok_or(OpenError::TooShort(length))?;
        self.cipher()
            .decrypt_in_place_detached(
                GenericArray::from_slice(&nonce.0),
                &[],
                content,
                GenericArray::from_slice(mac),
            )
            .map_err(|_| OpenError::Forged)?;
        Ok(content)
    }

    fn cipher(&self) -> XSalsa20Poly1305 {
        XSalsa20Poly1305::new(GenericArray::from_slice(self.0.as_slice()))
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedKey(..)")
    }
}

#[cfg(test)]
mod tests;
