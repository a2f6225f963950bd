//! The first byte of what comes over UDP.

use std::ops::RangeInclusive;

use crate::address::UdpNode;
use crate::boxes::MAC_BYTES;
use crate::cookie::Cookie;
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::Nonce;
use crate::wire::{ParseError, Reader, within};

/// `[1 kind][32 sender][24 nonce][16 MAC]`: what packets between DHT nodes begin with.
pub(crate) const DHT_HEADER_BYTES: usize = 1 + PublicKey::BYTES + Nonce::BYTES + MAC_BYTES;

/// An onion address: family, sixteen bytes of address, port.
pub(crate) const ADDRESS_BYTES: usize = 1 + 16 + 2;

/// Bytes of the return address that the first, second and third node of a path have to add.
pub(crate) const RETURN_BYTES: [usize; 3] = [59, 118, 177];

/// An announce request without a return address.
pub(crate) const ANNOUNCE_BYTES: usize =
    1 + Nonce::BYTES + PublicKey::BYTES + MAC_BYTES + 3 * PublicKey::BYTES + 8;

/// The kinds of packets on UDP that this crate knows. Others, such as LAN discovery (0x21), group
/// chats and forwarding, are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Asks a DHT node whether it is there.
    PingRequest = 0x00,
    /// Says so.
    PingResponse = 0x01,
    /// Asks for nodes near a key.
    NodesRequest = 0x02,
    /// Names some.
    NodesResponse = 0x04,
    /// Asks for a cookie, the first step of a session.
    CookieRequest = 0x18,
    /// Brings it.
    CookieResponse = 0x19,
    /// Brings the cookie back, with keys and nonces of a session.
    Handshake = 0x1a,
    /// Carries data of a session.
    Data = 0x1b,
    /// Carries something to a node, over another one.
    DhtRequest = 0x20,
    /// Goes to the first node of an onion path.
    OnionInitial = 0x80,
    /// Goes from the first to the second.
    OnionSecond = 0x81,
    /// Goes from the second to the third.
    OnionThird = 0x82,
    /// Announces a key, or searches for one.
    AnnounceRequest = 0x83,
    /// Answers that.
    AnnounceResponse = 0x84,
    /// Carries something to whoever is announced.
    DataRequest = 0x85,
    /// Arrives there.
    DataResponse = 0x86,
    /// Goes back from the last to the second node of a path.
    OnionReturnThird = 0x8c,
    /// Goes back from the second to the first.
    OnionReturnSecond = 0x8d,
    /// Goes back from the first node to who made the path.
    OnionReturnFirst = 0x8e,
    /// Asks a bootstrap node about itself, and is the answer.
    BootstrapInfo = 0xf0,
}

impl Kind {
    /// All of them, in the order of their bytes.
    pub const ALL: [Self; 20] = [
        Self::PingRequest,
        Self::PingResponse,
        Self::NodesRequest,
        Self::NodesResponse,
        Self::CookieRequest,
        Self::CookieResponse,
        Self::Handshake,
        Self::Data,
        Self::DhtRequest,
        Self::OnionInitial,
        Self::OnionSecond,
        Self::OnionThird,
        Self::AnnounceRequest,
        Self::AnnounceResponse,
        Self::DataRequest,
        Self::DataResponse,
        Self::OnionReturnThird,
        Self::OnionReturnSecond,
        Self::OnionReturnFirst,
        Self::BootstrapInfo,
    ];

    /// The kind that a first byte names.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }

    /// The kind of a packet whose length is possible for it. Costs nothing, so it comes before
    /// everything else.
    ///
    /// # Errors
    /// It is empty, of an unknown kind, or too short or too long for its kind.
    pub fn of(packet: &[u8]) -> Result<Self, ParseError> {
        let byte = Reader::new(packet).u8("the kind")?;
        let kind = Self::from_byte(byte).ok_or(ParseError::Value { what: "the kind", value: byte.into() })?;
        within("the packet", packet.len(), &kind.lengths())?;
        Ok(kind)
    }

    /// As [`Self::of`], where only this kind will do. Gives the packet behind the kind.
    pub(crate) fn reader(self, packet: &[u8]) -> Result<Reader<'_>, ParseError> {
        within("the packet", packet.len(), &self.lengths())?;
        let mut reader = Reader::new(packet);
        reader.expect("the kind", self.byte())?;
        Ok(reader)
    }

    /// The first byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// How long a packet of this kind may be, its first byte included.
    #[must_use]
    pub fn lengths(self) -> RangeInclusive<usize> {
        let dht = |content: RangeInclusive<usize>| {
            DHT_HEADER_BYTES + content.start()..=DHT_HEADER_BYTES + content.end()
        };
        let exactly = |length: usize| length..=length;
        match self {
            Self::PingRequest | Self::PingResponse => dht(exactly(1 + 8)),
            Self::NodesRequest => dht(exactly(PublicKey::BYTES + 8)),
            Self::NodesResponse => dht(1 + 8..=1 + limits::ANSWERED_NODES * UdpNode::MOST_BYTES + 8),
            Self::CookieRequest => dht(exactly(2 * PublicKey::BYTES + 8)),
            Self::CookieResponse => exactly(1 + Nonce::BYTES + MAC_BYTES + Cookie::BYTES + 8),
            Self::Handshake => {
                exactly(1 + 2 * Cookie::BYTES + 2 * Nonce::BYTES + MAC_BYTES + PublicKey::BYTES + 64)
            }
            Self::Data => 1 + 2 + MAC_BYTES + 8 + 1..=limits::PACKET_BYTES,
            Self::DhtRequest => PublicKey::BYTES + DHT_HEADER_BYTES + 1..=limits::DHT_REQUEST_BYTES,
            _ => self.onion_lengths(),
        }
    }
}

impl Kind {
    fn onion_lengths(self) -> RangeInclusive<usize> {
        let [first, second, third] = RETURN_BYTES;
        // Nonce and key, then the box of one layer: address of the next node, for all but the last
        // its key too.
        let head = 1 + Nonce::BYTES + PublicKey::BYTES;
        let last = MAC_BYTES + ADDRESS_BYTES + 1;
        let layer = MAC_BYTES + ADDRESS_BYTES + PublicKey::BYTES;
        let least = match self {
            Self::OnionInitial => head + 2 * layer + last,
            Self::OnionSecond => head + layer + last + first,
            Self::OnionThird => head + last + second,
            Self::AnnounceRequest => return ANNOUNCE_BYTES + third..=ANNOUNCE_BYTES + third,
            Self::AnnounceResponse => {
                let least = 1 + 8 + Nonce::BYTES + MAC_BYTES + 1 + PublicKey::BYTES;
                return least..=least + limits::ANSWERED_NODES * UdpNode::MOST_BYTES;
            }
            Self::DataRequest => {
                return PublicKey::BYTES + head + MAC_BYTES + 1 + third..=limits::ONION_DATA_BYTES + third;
            }
            Self::DataResponse => return head + MAC_BYTES + 1..=limits::DATA_RESPONSE_BYTES,
            Self::OnionReturnThird => 1 + third + 1,
            Self::OnionReturnSecond => 1 + second + 1,
            Self::OnionReturnFirst => 1 + first + 1,
            _ => return 1 + 4..=1 + 4 + limits::INFO_TEXT_BYTES,
        };
        least..=limits::PACKET_BYTES
    }
}
