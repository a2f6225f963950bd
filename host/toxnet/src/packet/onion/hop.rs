//! The side of the three nodes: each peels a layer and adds where it came from, sealed for itself.

use super::back::{Previous, seal_return};
use crate::address::Address;
use crate::boxes::{MAC_BYTES, SharedKey};
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::{FreshNonce, Nonce};
use crate::packet::kind::{ADDRESS_BYTES, RETURN_BYTES};
use crate::packet::{Kind, PacketError};
use crate::wire::{Codec, ParseError, Reader, Writer, within};

/// What the last node passes on: announce and data requests, and announce requests in their new
/// form, which is not read here. Anything else would let people send what they like from other
/// people's addresses.
const PASSED_ON: [u8; 3] = [Kind::AnnounceRequest.byte(), Kind::DataRequest.byte(), 0x87];

/// Which node of the path we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// The first, which knows the sender.
    First,
    /// The second.
    Second,
    /// The third, which knows the destination.
    Third,
}

/// A packet of a path, its layer still closed.
#[derive(Debug)]
pub struct Sealed<'a> {
    hop: Hop,
    key: PublicKey,
    nonce: Nonce,
    sealed: &'a mut [u8],
    earlier: &'a [u8],
}

/// A packet to pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Where it goes. From outside: the sender of the path chose it.
    pub to: Address,
    /// The packet.
    pub packet: Vec<u8>,
}

impl<'a> Sealed<'a> {
    /// Reads the outer part of a packet of one of the three kinds.
    ///
    /// # Errors
    /// It is of another kind, or of an impossible length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, PacketError> {
        let [first, second, _third] = RETURN_BYTES;
        let (hop, returned) = match Kind::of(packet)? {
            Kind::OnionInitial => (Hop::First, 0),
            Kind::OnionSecond => (Hop::Second, first),
            Kind::OnionThird => (Hop::Third, second),
            _ => return Err(PacketError::OtherKind),
        };
        let mut reader = Reader::new(packet);
        reader.u8("the kind")?;
        let (nonce, key) = (Nonce::read(&mut reader)?, PublicKey::read(&mut reader)?);
        let start = packet.len() - reader.remaining();
        let rest = packet.get_mut(start..).unwrap_or_default();
        let length = rest.len().saturating_sub(returned);
        let (sealed, earlier) = rest.split_at_mut(length);
        Ok(Self { hop, key, nonce, sealed, earlier })
    }

    /// Which node of the path this makes us.
    #[must_use]
    pub fn hop(&self) -> Hop {
        self.hop
    }

    /// The key that, with our DHT key, opens the layer: the sender's DHT key at the first node, a
    /// temporary one later.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Opens the layer and builds the packet for the next node. `previous` is where it came from,
    /// `own` seals that for the way back.
    ///
    /// # Errors
    /// [`PacketError`], also where the last node should pass on something that is no request.
    pub fn peel(
        self,
        key: &SharedKey,
        previous: &Previous,
        own: &SharedKey,
        nonce: FreshNonce,
    ) -> Result<Forward, PacketError> {
        let mut layer = Reader::new(key.open(&self.nonce, self.sealed)?);
        let back = seal_return(previous, self.earlier, own, nonce);
        match self.hop {
            Hop::First => Ok(forward(Kind::OnionSecond, &self.nonce, &mut layer, &back)?),
            Hop::Second => Ok(forward(Kind::OnionThird, &self.nonce, &mut layer, &back)?),
            Hop::Third => Ok(leave(&mut layer, &back)?),
        }
    }
}

/// Makes the packet for the second node out of what a client of our TCP relay sent.
///
/// # Errors
/// The content is too short or too long, or the address is none.
pub fn from_relay(
    content: &[u8],
    client: &Previous,
    own: &SharedKey,
    nonce: FreshNonce,
) -> Result<Forward, ParseError> {
    let least = Nonce::BYTES + 2 * (ADDRESS_BYTES + PublicKey::BYTES + MAC_BYTES);
    within("the onion packet", content.len(), &(least..=limits::PACKET_BYTES))?;
    let mut reader = Reader::new(content);
    let packet_nonce = Nonce::read(&mut reader)?;
    forward(Kind::OnionSecond, &packet_nonce, &mut reader, &seal_return(client, &[], own, nonce))
}

/// `[kind][nonce][key] box.. [return]`, from `[address][key] box..`
fn forward(kind: Kind, nonce: &Nonce, layer: &mut Reader<'_>, back: &[u8]) -> Result<Forward, ParseError> {
    let to = Address::read_padded(layer.u8("an address family")?, layer)?;
    let mut writer = Writer::new();
    writer.u8(kind.byte()).value(nonce).value(&PublicKey::read(layer)?).raw(layer.rest()).raw(back);
    let packet = writer.into_bytes();
    within("the packet", packet.len(), &kind.lengths())?;
    Ok(Forward { to, packet })
}

/// `[data][return]`, from `[address][data]`
fn leave(layer: &mut Reader<'_>, back: &[u8]) -> Result<Forward, ParseError> {
    let to = Address::read_padded(layer.u8("an address family")?, layer)?;
    let data = layer.rest_within("the data", &(1..=limits::ONION_DATA_BYTES))?;
    let kind = data.first().copied().unwrap_or_default();
    if !PASSED_ON.contains(&kind) {
        return Err(ParseError::Value { what: "the kind within the onion", value: kind.into() });
    }
    Ok(Forward { to, packet: [data, back].concat() })
}
