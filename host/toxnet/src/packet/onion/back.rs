//! The way back: every node of a path opens what it had sealed for itself, which says where to go.
//!
//! A return is `[24 nonce] secret(node){[19 previous][earlier return]}`: 59, 118 and 177 bytes at
//! the first, second and third node.

use crate::address::Address;
use crate::boxes::SharedKey;
use crate::nonce::{FreshNonce, Nonce};
use crate::packet::kind::{ADDRESS_BYTES, RETURN_BYTES};
use crate::packet::{Kind, PacketError};
use crate::wire::{Codec, ParseError, Reader, Writer};

/// What comes back: announce responses, data responses, and announce responses in their new form,
/// which is not read here.
const PASSED_BACK: [u8; 3] = [Kind::AnnounceResponse.byte(), Kind::DataResponse.byte(), 0x88];

/// Whom a node had a packet from. Only that node reads it, so relay clients can stand in it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    /// An address.
    Udp(Address),
    /// A client of our TCP relay, by a number of ours.
    RelayClient(u64),
}

/// No family of addresses: a relay client.
const RELAY_CLIENT: u8 = 0;

/// Nineteen bytes, as long as an onion address.
impl Codec for Previous {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.u8("an address family")? {
            RELAY_CLIENT => {
                let client = reader.u64("a relay client")?;
                reader.take("padding", ADDRESS_BYTES - 1 - 8)?;
                Ok(Self::RelayClient(client))
            }
            family => Address::read_padded(family, reader).map(Self::Udp),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Udp(address) => address.write_padded(writer),
            Self::RelayClient(client) => {
                writer.u8(RELAY_CLIENT).u64(*client).zeros(ADDRESS_BYTES - 1 - 8);
            }
        }
    }
}

/// Seals a return. `own` is known to nobody else and renewed from time to time.
#[must_use]
pub fn seal_return(previous: &Previous, earlier: &[u8], own: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.value(&nonce.value());
    own.write_box(&nonce, &mut writer, |writer| {
        writer.value(previous).raw(earlier);
    });
    writer.into_bytes()
}

/// Opens a return of ours: where the packet came from, and the return of the node before.
///
/// # Errors
/// [`PacketError`].
pub fn open_return(bytes: &[u8], own: &SharedKey) -> Result<(Previous, Vec<u8>), PacketError> {
    let mut reader = Reader::new(bytes);
    let nonce = Nonce::read(&mut reader)?;
    let mut sealed = reader.rest().to_vec();
    let mut content = Reader::new(own.open(&nonce, &mut sealed)?);
    let previous = Previous::read(&mut content)?;
    Ok((previous, content.rest().to_vec()))
}

/// A packet to pass back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// Whom to.
    pub to: Previous,
    /// The packet; for a client of our relay the content of an onion answer.
    pub packet: Vec<u8>,
}

/// Begins the way back: `returned` is the last 177 bytes of the request, `response` the answer to
/// it. It goes to whoever sent the request.
///
/// # Errors
/// The lengths are impossible, or the response is none.
pub fn respond(returned: &[u8], response: &[u8]) -> Result<Vec<u8>, ParseError> {
    let packet = [&[Kind::OnionReturnThird.byte()], returned, response].concat();
    split(&packet, Kind::OnionReturnThird)?;
    Ok(packet)
}

/// The return and the response of a packet on its way back.
fn split(packet: &[u8], kind: Kind) -> Result<(&[u8], &[u8]), ParseError> {
    let [first, second, third] = RETURN_BYTES;
    let length = match kind {
        Kind::OnionReturnFirst => first,
        Kind::OnionReturnSecond => second,
        _ => third,
    };
    let mut reader = kind.reader(packet)?;
    let (returned, response) = (reader.take("the return", length)?, reader.rest());
    match response.first() {
        Some(byte) if PASSED_BACK.contains(byte) => Ok((returned, response)),
        byte => {
            let value = byte.copied().unwrap_or_default().into();
            Err(ParseError::Value { what: "the kind within the onion", value })
        }
    }
}

/// Takes a packet on its way back one node further.
///
/// # Errors
/// [`PacketError`]: the return is not ours, or what comes back is no response.
pub fn pass_back(packet: &[u8], own: &SharedKey) -> Result<Back, PacketError> {
    let kind = Kind::of(packet)?;
    let next = match kind {
        Kind::OnionReturnThird => Some(Kind::OnionReturnSecond),
        Kind::OnionReturnSecond => Some(Kind::OnionReturnFirst),
        Kind::OnionReturnFirst => None,
        _ => return Err(PacketError::OtherKind),
    };
    let (returned, response) = split(packet, kind)?;
    let (to, earlier) = open_return(returned, own)?;
    let packet = match next {
        Some(next) => [&[next.byte()], &earlier[..], response].concat(),
        None => response.to_vec(),
    };
    Ok(Back { to, packet })
}
