//! Announcing a key at a node, and searching for one: request and response.

use crate::address::UdpNode;
use crate::boxes::SharedKey;
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::{FreshNonce, Nonce};
use crate::packet::kind::ANNOUNCE_BYTES;
use crate::packet::{Kind, PacketError};
use crate::wire::{Codec, List, ParseError, Reader, Writer};

/// `[24 nonce][32 key] box{[32 ping id][32 searched][32 data key][8 sendback]}`. What a node stores
/// is the key that encrypted the request, whatever it searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnounceRequest {
    /// From the node's last response; zeros if there was none.
    pub ping_id: [u8; 32],
    /// The key that is searched for; to announce, the own one.
    pub searched: PublicKey,
    /// Whoever finds us encrypts with it; zeros in a search.
    pub data_key: PublicKey,
    /// Comes back in the response.
    pub sendback: [u8; 8],
}

impl AnnounceRequest {
    /// Builds the packet that goes through the onion. `sender` is the real key to announce, a
    /// temporary one to search; `key` is what it shares with the node's DHT key.
    #[must_use]
    pub fn seal(&self, sender: &PublicKey, key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(Kind::AnnounceRequest.byte()).value(&nonce.value()).value(sender);
        key.write_box(&nonce, &mut writer, |writer| self.write(writer));
        writer.into_bytes()
    }
}

impl Codec for AnnounceRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            ping_id: reader.array("the ping id")?,
            searched: PublicKey::read(reader)?,
            data_key: PublicKey::read(reader)?,
            sendback: reader.array("the sendback")?,
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.ping_id).value(&self.searched).value(&self.data_key).raw(&self.sendback);
    }
}

/// A request as it comes out of the onion, its box still closed.
#[derive(Debug)]
pub struct SealedRequest<'a> {
    sender: PublicKey,
    nonce: Nonce,
    sealed: &'a mut [u8],
    returned: &'a [u8],
}

impl<'a> SealedRequest<'a> {
    /// Reads the outer part.
    ///
    /// # Errors
    /// It is no announce request, or of another length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, ParseError> {
        let mut reader = Kind::AnnounceRequest.reader(packet)?;
        let (nonce, sender) = (Nonce::read(&mut reader)?, PublicKey::read(&mut reader)?);
        let (request, returned) = packet.split_at_mut(ANNOUNCE_BYTES);
        let sealed = request.get_mut(1 + Nonce::BYTES + PublicKey::BYTES..).unwrap_or_default();
        Ok(Self { sender, nonce, sealed, returned })
    }

    /// The key that encrypted it: the one to store.
    #[must_use]
    pub fn sender(&self) -> PublicKey {
        self.sender
    }

    /// The way back, for [`super::back::respond`].
    #[must_use]
    pub fn returned(&self) -> &'a [u8] {
        self.returned
    }

    /// Opens the box.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(self, key: &SharedKey) -> Result<AnnounceRequest, PacketError> {
        Ok(AnnounceRequest::parse(key.open(&self.nonce, self.sealed)?)?)
    }
}

/// What a node knows of the key that was searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing. The ping id lets the asker announce itself.
    No([u8; 32]),
    /// It is announced here; this is the data key that was given with it.
    Other(PublicKey),
    /// The asker itself is announced here, with the data key it gave. The ping id lets it stay so.
    Own([u8; 32]),
}

/// `[8 sendback][24 nonce] box{[1 stored][32 ping id or data key][packed nodes]}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceResponse {
    /// Whether the key is stored.
    pub stored: Stored,
    /// Nodes nearer to the key.
    pub nodes: List<UdpNode, { limits::ANSWERED_NODES }>,
}

impl AnnounceResponse {
    /// Builds the packet. `key` and `sendback` are those of the request.
    #[must_use]
    pub fn seal(&self, sendback: [u8; 8], key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(Kind::AnnounceResponse.byte()).raw(&sendback).value(&nonce.value());
        key.write_box(&nonce, &mut writer, |writer| self.write(writer));
        writer.into_bytes()
    }
}

impl Codec for AnnounceResponse {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let stored = reader.u8("whether it is stored")?;
        let bytes = reader.array("the ping id or data key")?;
        let stored = match stored {
            0 => Stored::No(bytes),
            1 => Stored::Other(PublicKey(bytes)),
            2 => Stored::Own(bytes),
            other => return Err(ParseError::Value { what: "whether it is stored", value: other.into() }),
        };
        Ok(Self { stored, nodes: List::read(reader)? })
    }

    fn write(&self, writer: &mut Writer) {
        match &self.stored {
            Stored::No(ping_id) => writer.u8(0).raw(ping_id),
            Stored::Other(data_key) => writer.u8(1).value(data_key),
            Stored::Own(ping_id) => writer.u8(2).raw(ping_id),
        };
        writer.value(&self.nodes);
    }
}

/// A response, its box still closed. The sendback says which request it answers, and so whose key
/// opens it.
#[derive(Debug)]
pub struct SealedResponse<'a> {
    sendback: [u8; 8],
    nonce: Nonce,
    sealed: &'a mut [u8],
}

impl<'a> SealedResponse<'a> {
    /// Reads the outer part.
    ///
    /// # Errors
    /// It is no announce response, or of an impossible length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, ParseError> {
        let mut reader = Kind::AnnounceResponse.reader(packet)?;
        let (sendback, nonce) = (reader.array("the sendback")?, Nonce::read(&mut reader)?);
        let sealed = packet.get_mut(1 + 8 + Nonce::BYTES..).unwrap_or_default();
        Ok(Self { sendback, nonce, sealed })
    }

    /// As it stood in the request.
    #[must_use]
    pub fn sendback(&self) -> [u8; 8] {
        self.sendback
    }

    /// Opens the box.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(self, key: &SharedKey) -> Result<AnnounceResponse, PacketError> {
        Ok(AnnounceResponse::parse(key.open(&self.nonce, self.sealed)?)?)
    }
}
