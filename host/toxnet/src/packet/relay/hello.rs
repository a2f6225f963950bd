//! The first bytes of a connection to a TCP relay: each side gives a temporary key and its first
//! nonce.

use crate::boxes::{MAC_BYTES, SharedKey};
use crate::key::PublicKey;
use crate::nonce::{FreshNonce, Nonce};
use crate::packet::PacketError;
use crate::wire::{Codec, ParseError, Reader, Writer, within};

/// `[32 temporary key][24 base nonce]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Public half of the sender's key for this connection alone.
    pub temporary: PublicKey,
    /// The nonce of the sender's first frame.
    pub base_nonce: Nonce,
}

impl Codec for Hello {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { temporary: PublicKey::read(reader)?, base_nonce: Nonce::read(reader)? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.value(&self.temporary).value(&self.base_nonce);
    }
}

/// Length of what a client begins with: `[32 DHT key][24 nonce] box{hello}`.
pub const CLIENT_BYTES: usize = PublicKey::BYTES + SERVER_BYTES;
/// Length of a server's answer: `[24 nonce] box{hello}`.
pub const SERVER_BYTES: usize = 2 * Nonce::BYTES + MAC_BYTES + PublicKey::BYTES;

impl Hello {
    /// Builds a client's hello. `key` is shared by the DHT keys of client and relay.
    #[must_use]
    pub fn seal_client(&self, client: &PublicKey, key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.value(client);
        self.write_sealed(key, &nonce, &mut writer);
        writer.into_bytes()
    }

    /// Builds a server's answer, with the same key.
    #[must_use]
    pub fn seal_server(&self, key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write_sealed(key, &nonce, &mut writer);
        writer.into_bytes()
    }

    fn write_sealed(&self, key: &SharedKey, nonce: &FreshNonce, writer: &mut Writer) {
        writer.value(&nonce.value());
        key.write_box(nonce, writer, |writer| self.write(writer));
    }

    /// The DHT key that a client's hello of [`CLIENT_BYTES`] names. Opening it proves that.
    ///
    /// # Errors
    /// It has another length.
    pub fn client(bytes: &[u8]) -> Result<PublicKey, ParseError> {
        within("the hello", bytes.len(), &(CLIENT_BYTES..=CLIENT_BYTES))?;
        PublicKey::read(&mut Reader::new(bytes))
    }

    /// Opens a client's hello in place.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open_client(bytes: &mut [u8], key: &SharedKey) -> Result<Self, PacketError> {
        Self::client(bytes)?;
        Self::open_server(bytes.get_mut(PublicKey::BYTES..).unwrap_or_default(), key)
    }

    /// Opens a server's answer of [`SERVER_BYTES`] in place.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open_server(bytes: &mut [u8], key: &SharedKey) -> Result<Self, PacketError> {
        within("the hello", bytes.len(), &(SERVER_BYTES..=SERVER_BYTES))?;
        let (nonce, sealed) = bytes.split_first_chunk_mut().ok_or(ParseError::Truncated("a nonce"))?;
        Ok(Self::parse(key.open(&Nonce(*nonce), sealed)?)?)
    }
}
