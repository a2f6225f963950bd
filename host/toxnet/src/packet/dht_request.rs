//! DHT requests: what a node gets to another one over a third, which passes it on unread.
//!
//! `[32 receiver][32 sender][24 nonce] box{[1 id][data]}`, between the DHT keys of the two ends.

use super::onion::DhtKey;
use super::{Kind, PacketError};
use crate::boxes::{MAC_BYTES, SharedKey};
use crate::key::PublicKey;
use crate::nonce::{FreshNonce, Nonce};
use crate::wire::{Codec, ParseError, Reader, Writer};

const NAT_PING: u8 = 254;
const DHT_KEY: u8 = 156;

/// What is in such a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DhtRequest {
    /// `[254][0][8 id]`: are you there, and do you try to reach me too?
    NatPingRequest([u8; 8]),
    /// `[254][1][8 id]`: I do.
    NatPingResponse([u8; 8]),
    /// `[156]`: a friend's DHT key, for the real key to open.
    DhtKey(SealedDhtKey),
}

impl DhtRequest {
    /// Builds the packet. `key` is shared by the two DHT keys.
    #[must_use]
    pub fn seal(
        &self,
        receiver: &PublicKey,
        sender: &PublicKey,
        key: &SharedKey,
        nonce: FreshNonce,
    ) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(Kind::DhtRequest.byte()).value(receiver).value(sender).value(&nonce.value());
        key.write_box(&nonce, &mut writer, |writer| self.write(writer));
        writer.into_bytes()
    }
}

impl Codec for DhtRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.u8("the request id")? {
            NAT_PING => match reader.u8("the NAT ping's direction")? {
                0 => Ok(Self::NatPingRequest(reader.array("the NAT ping's id")?)),
                1 => Ok(Self::NatPingResponse(reader.array("the NAT ping's id")?)),
                other => Err(ParseError::Value { what: "the NAT ping's direction", value: other.into() }),
            },
            DHT_KEY => Ok(Self::DhtKey(SealedDhtKey::read(reader)?)),
            other => Err(ParseError::Value { what: "the request id", value: other.into() }),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::NatPingRequest(id) => writer.u8(NAT_PING).u8(0).raw(id),
            Self::NatPingResponse(id) => writer.u8(NAT_PING).u8(1).raw(id),
            Self::DhtKey(sealed) => writer.u8(DHT_KEY).value(sealed),
        };
    }
}

/// `[32 real key][24 nonce] box{..}`: a [`DhtKey`] between two real keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDhtKey {
    sender: PublicKey,
    nonce: Nonce,
    sealed: Vec<u8>,
}

impl SealedDhtKey {
    /// Seals one. `sender` is our real key, `key` is shared by the two real keys.
    #[must_use]
    pub fn seal(content: &DhtKey, sender: PublicKey, key: &SharedKey, nonce: FreshNonce) -> Self {
        let mut writer = Writer::new();
        key.write_box(&nonce, &mut writer, |writer| content.write(writer));
        Self { sender, nonce: nonce.value(), sealed: writer.into_bytes() }
    }

    /// The real key its sender says to have. Opening it proves that.
    #[must_use]
    pub fn sender(&self) -> PublicKey {
        self.sender
    }

    /// Opens it. `from` is the sender of the request around it, whom it must be about.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(mut self, from: &PublicKey, key: &SharedKey) -> Result<DhtKey, PacketError> {
        let content = DhtKey::parse(key.open(&self.nonce, &mut self.sealed)?)?;
        if content.key == *from { Ok(content) } else { Err(PacketError::OtherSender) }
    }
}

impl Codec for SealedDhtKey {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let (sender, nonce) = (PublicKey::read(reader)?, Nonce::read(reader)?);
        let lengths = MAC_BYTES + DhtKey::LENGTHS.start()..=MAC_BYTES + DhtKey::LENGTHS.end();
        let sealed = reader.rest_within("the sealed DHT key", &lengths)?.to_vec();
        Ok(Self { sender, nonce, sealed })
    }

    fn write(&self, writer: &mut Writer) {
        writer.value(&self.sender).value(&self.nonce).raw(&self.sealed);
    }
}

/// A request whose box is still closed.
#[derive(Debug)]
pub struct Sealed<'a> {
    receiver: PublicKey,
    sender: PublicKey,
    nonce: Nonce,
    sealed: &'a mut [u8],
}

impl<'a> Sealed<'a> {
    /// Reads the outer part. The packet is not changed, so it can be passed on if it is for
    /// somebody else.
    ///
    /// # Errors
    /// It is no DHT request, or of an impossible length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, ParseError> {
        let mut reader = Kind::DhtRequest.reader(packet)?;
        let (receiver, sender) = (PublicKey::read(&mut reader)?, PublicKey::read(&mut reader)?);
        let nonce = Nonce::read(&mut reader)?;
        let start = packet.len() - reader.remaining();
        Ok(Self { receiver, sender, nonce, sealed: packet.get_mut(start..).unwrap_or_default() })
    }

    /// The DHT key it is for.
    #[must_use]
    pub fn receiver(&self) -> PublicKey {
        self.receiver
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
    pub fn open(self, key: &SharedKey) -> Result<DhtRequest, PacketError> {
        Ok(DhtRequest::parse(key.open(&self.nonce, self.sealed)?)?)
    }
}
