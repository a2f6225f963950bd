//! Data for whoever is announced at a node: friend requests and DHT keys.
//!
//! To the node it is `[32 destination][24 nonce][32 temporary key] box(temporary>data key){[32
//! sender's real key] box(real>real){payload}}`, both boxes with the same nonce. The node takes the
//! destination off and passes it on.

use super::Payload;
use crate::boxes::{MAC_BYTES, SharedKey};
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::{FreshNonce, Nonce};
use crate::packet::kind::RETURN_BYTES;
use crate::packet::{Kind, PacketError};
use crate::wire::{Codec, ParseError, Writer, within};

/// Whose keys seal it.
#[derive(Debug)]
pub struct Sender<'a> {
    /// The public half of a pair made for this friend alone.
    pub temporary: PublicKey,
    /// What that pair shares with the receiver's data key.
    pub temporary_key: &'a SharedKey,
    /// Our real key.
    pub real: PublicKey,
    /// What it shares with the receiver's real key.
    pub real_key: &'a SharedKey,
}

/// Builds the packet that goes through the onion to a node where `destination` is announced.
///
/// # Errors
/// The response that the node makes of it would be longer than C takes.
pub fn seal(
    payload: &Payload,
    destination: &PublicKey,
    sender: &Sender<'_>,
    nonce: FreshNonce,
) -> Result<Vec<u8>, ParseError> {
    let mut writer = Writer::new();
    writer.u8(Kind::DataRequest.byte()).value(destination).value(&nonce.value()).value(&sender.temporary);
    // Different keys, so the nonce may be the same.
    sender.temporary_key.write_box(&nonce, &mut writer, |writer| {
        writer.value(&sender.real);
        sender.real_key.write_box(&nonce, writer, |writer| payload.write(writer));
    });
    let packet = writer.into_bytes();
    within("the response", packet.len() - PublicKey::BYTES, &Kind::DataResponse.lengths())?;
    Ok(packet)
}

/// A data request as a node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRequest<'a> {
    /// Whom it is for.
    pub destination: PublicKey,
    /// All that the destination is given.
    content: &'a [u8],
}

impl<'a> DataRequest<'a> {
    /// Reads what came out of the onion. The way back is not needed: nothing is answered.
    ///
    /// # Errors
    /// It is no data request, or of an impossible length.
    pub fn parse(packet: &'a [u8]) -> Result<Self, ParseError> {
        let [.., third] = RETURN_BYTES;
        let mut reader = Kind::DataRequest.reader(packet)?;
        let destination = PublicKey::read(&mut reader)?;
        let content = reader.take("the content", reader.remaining().saturating_sub(third))?;
        Ok(Self { destination, content })
    }

    /// The data response, which goes back along the path on which the destination announced itself.
    ///
    /// # Errors
    /// It is longer than C takes.
    pub fn response(&self) -> Result<Vec<u8>, ParseError> {
        let packet = [&[Kind::DataResponse.byte()], self.content].concat();
        within("the response", packet.len(), &Kind::DataResponse.lengths())?;
        Ok(packet)
    }
}

/// A data response, both boxes still closed.
#[derive(Debug)]
pub struct SealedResponse<'a> {
    nonce: Nonce,
    temporary: PublicKey,
    sealed: &'a mut [u8],
}

impl<'a> SealedResponse<'a> {
    /// Reads the outer part.
    ///
    /// # Errors
    /// It is no data response, or of an impossible length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, ParseError> {
        let mut reader = Kind::DataResponse.reader(packet)?;
        let (nonce, temporary) = (Nonce::read(&mut reader)?, PublicKey::read(&mut reader)?);
        let sealed = packet.get_mut(1 + Nonce::BYTES + PublicKey::BYTES..).unwrap_or_default();
        Ok(Self { nonce, temporary, sealed })
    }

    /// The key that, with our data key, opens the outer box.
    #[must_use]
    pub fn temporary(&self) -> PublicKey {
        self.temporary
    }

    /// Opens the outer box.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(self, key: &SharedKey) -> Result<SealedPayload<'a>, PacketError> {
        let content = key.open(&self.nonce, self.sealed)?;
        let (sender, sealed) = content
            .split_first_chunk_mut::<{ PublicKey::BYTES }>()
            .ok_or(ParseError::Truncated("a public key"))?;
        Ok(SealedPayload { nonce: self.nonce, sender: PublicKey(*sender), sealed })
    }
}

/// The inner box, still closed.
#[derive(Debug)]
pub struct SealedPayload<'a> {
    nonce: Nonce,
    sender: PublicKey,
    sealed: &'a mut [u8],
}

impl SealedPayload<'_> {
    /// The real key its sender says to have. Opening it proves that.
    #[must_use]
    pub fn sender(&self) -> PublicKey {
        self.sender
    }

    /// Opens the inner box.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(self, key: &SharedKey) -> Result<Payload, PacketError> {
        Ok(Payload::parse(key.open(&self.nonce, self.sealed)?)?)
    }
}

/// The longest friend request: with boxes and headers it just fills a data response.
const _: () = assert!(
    1 + Nonce::BYTES + 2 * PublicKey::BYTES + 2 * MAC_BYTES + 1 + 4 + limits::FRIEND_REQUEST_TAKEN_BYTES
        == limits::DATA_RESPONSE_BYTES
);
