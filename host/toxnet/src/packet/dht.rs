//! Packets between DHT nodes: `[1 kind][32 sender's DHT key][24 nonce] box{content}`.

mod cookie_request;
mod nodes;
mod ping;

pub use cookie_request::CookieRequest;
pub use nodes::{NodesRequest, NodesResponse};
pub use ping::{PingRequest, PingResponse};

use super::{Kind, PacketError};
use crate::boxes::SharedKey;
use crate::key::PublicKey;
use crate::nonce::{FreshNonce, Nonce};
use crate::wire::{Codec, ParseError, Writer};

/// What may be in the box of such a packet.
pub trait Content: Codec {
    /// The kind of packet that holds it.
    const KIND: Kind;
}

/// Builds a packet. `key` is shared by the sender's and the receiver's DHT keys.
#[must_use]
pub fn seal<T: Content>(content: &T, sender: &PublicKey, key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u8(T::KIND.byte()).value(sender).value(&nonce.value());
    key.write_box(&nonce, &mut writer, |writer| content.write(writer));
    writer.into_bytes()
}

/// A packet whose box is still closed.
#[derive(Debug)]
pub struct Sealed<'a> {
    kind: Kind,
    sender: PublicKey,
    nonce: Nonce,
    sealed: &'a mut [u8],
}

impl<'a> Sealed<'a> {
    /// Reads the outer part of a packet of one of the kinds that look like this.
    ///
    /// # Errors
    /// It is of another kind, or its length is impossible for its kind.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, PacketError> {
        let kind = Kind::of(packet)?;
        if !matches!(
            kind,
            Kind::PingRequest
                | Kind::PingResponse
                | Kind::NodesRequest
                | Kind::NodesResponse
                | Kind::CookieRequest
        ) {
            return Err(PacketError::OtherKind);
        }
        let truncated = || ParseError::Truncated("the header");
        let (_kind, rest) = packet.split_first_chunk_mut::<1>().ok_or_else(truncated)?;
        let (sender, rest) = rest.split_first_chunk_mut().ok_or_else(truncated)?;
        let (nonce, sealed) = rest.split_first_chunk_mut().ok_or_else(truncated)?;
        Ok(Self { kind, sender: PublicKey(*sender), nonce: Nonce(*nonce), sealed })
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The DHT key its sender says to have. Opening it proves that.
    #[must_use]
    pub fn sender(&self) -> PublicKey {
        self.sender
    }

    /// Opens the box.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open<T: Content>(self, key: &SharedKey) -> Result<T, PacketError> {
        if self.kind != T::KIND {
            return Err(PacketError::OtherKind);
        }
        Ok(T::parse(key.open(&self.nonce, self.sealed)?)?)
    }
}
