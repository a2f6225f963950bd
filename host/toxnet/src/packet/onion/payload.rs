//! What people send each other through the onion, before there is a session.

use std::ops::RangeInclusive;

use crate::address::{Node, UdpNode};
use crate::key::PublicKey;
use crate::limits;
use crate::tox_id::Nospam;
use crate::wire::{Codec, List, ParseError, Reader, Text, Writer, within};

const FRIEND_REQUEST: u8 = 32;
const DHT_KEY: u8 = 156;

/// `[1 id]`, then one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `[32]`
    FriendRequest(FriendRequest),
    /// `[156]`
    DhtKey(DhtKey),
}

impl Codec for Payload {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.u8("the id")? {
            FRIEND_REQUEST => FriendRequest::read(reader).map(Self::FriendRequest),
            DHT_KEY => DhtKey::read_content(reader).map(Self::DhtKey),
            other => Err(ParseError::Value { what: "the id", value: other.into() }),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::FriendRequest(request) => writer.u8(FRIEND_REQUEST).value(request),
            Self::DhtKey(key) => writer.value(key),
        };
    }
}

/// `[4 nospam][text]`. C takes none without text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// As it stands in the receiver's Tox ID.
    pub nospam: Nospam,
    /// What the sender writes.
    pub text: Text<{ limits::FRIEND_REQUEST_TAKEN_BYTES }>,
}

impl FriendRequest {
    /// One to send.
    ///
    /// # Errors
    /// The text is empty, or longer than every version of C takes.
    pub fn new(nospam: Nospam, text: &[u8]) -> Result<Self, ParseError> {
        within("the text", text.len(), &(1..=limits::FRIEND_REQUEST_BYTES))?;
        Ok(Self { nospam, text: Text::new(text)? })
    }
}

impl Codec for FriendRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { nospam: Nospam::read(reader)?, text: Text::new(reader.rest())? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.value(&self.nospam).raw(&self.text);
    }
}

/// `[156][8 no_replay][32 DHT key][packed nodes]`: where a friend can be found now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhtKey {
    /// Higher than in all before it. C takes seconds of the Unix clock; repeating it needs the same
    /// number, new content a higher one.
    pub no_replay: u64,
    /// The friend's DHT key.
    pub key: PublicKey,
    /// Relays it is connected to, and DHT nodes near it.
    pub nodes: List<Node, { limits::ANSWERED_NODES }>,
}

impl DhtKey {
    /// How long it may be, its id included.
    pub(crate) const LENGTHS: RangeInclusive<usize> = {
        let least = 1 + 8 + PublicKey::BYTES;
        least..=least + limits::ANSWERED_NODES * UdpNode::MOST_BYTES
    };

    fn read_content(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            no_replay: reader.u64("the replay number")?,
            key: PublicKey::read(reader)?,
            nodes: List::read(reader)?,
        })
    }
}

impl Codec for DhtKey {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.expect("the id", DHT_KEY)?;
        Self::read_content(reader)
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(DHT_KEY).u64(self.no_replay).value(&self.key).value(&self.nodes);
    }
}
