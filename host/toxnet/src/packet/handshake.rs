//! The start of a session: the response to a cookie request, and the handshake.

use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq as _;

use super::{Kind, PacketError};
use crate::boxes::{MAC_BYTES, SharedKey};
use crate::cookie::Cookie;
use crate::key::PublicKey;
use crate::nonce::{FreshNonce, Nonce};
use crate::wire::{Codec, ParseError, Reader, Writer};

/// `[24 nonce] box{[112 cookie][8 echo]}`, under the key of the two DHT keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieResponse {
    /// To be brought back in the handshake.
    pub cookie: Cookie,
    /// As it stood in the request.
    pub echo: [u8; 8],
}

impl CookieResponse {
    /// Builds the packet.
    #[must_use]
    pub fn seal(&self, key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(Kind::CookieResponse.byte()).value(&nonce.value());
        key.write_box(&nonce, &mut writer, |writer| self.write(writer));
        writer.into_bytes()
    }

    /// Opens a packet in place. It does not say who sent it: the address does.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(packet: &mut [u8], key: &SharedKey) -> Result<Self, PacketError> {
        Kind::CookieResponse.reader(packet)?;
        let rest = packet.get_mut(1..).unwrap_or_default();
        let (nonce, sealed) = rest.split_first_chunk_mut().ok_or(ParseError::Truncated("a nonce"))?;
        Ok(Self::parse(key.open(&Nonce(*nonce), sealed)?)?)
    }
}

impl Codec for CookieResponse {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { cookie: Cookie::read(reader)?, echo: reader.array("the echo")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.value(&self.cookie).raw(&self.echo);
    }
}

/// What one side tells the other to open a session: `[112 receiver's cookie][24 nonce] box{..}`
/// under the key of the two real keys.
///
/// It is made once for a connection and repeated unchanged, so keep the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The nonce of the first data packet that the **sender** of this handshake will send.
    pub base_nonce: Nonce,
    /// Public half of the sender's key for this session alone.
    pub session: PublicKey,
    /// A cookie of the sender, with which the receiver can answer.
    pub cookie: Cookie,
}

impl Handshake {
    /// Builds the packet. `receiver` is the cookie that the receiver gave.
    #[must_use]
    pub fn seal(&self, receiver: &Cookie, key: &SharedKey, nonce: FreshNonce) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(Kind::Handshake.byte()).value(receiver).value(&nonce.value());
        key.write_box(&nonce, &mut writer, |writer| {
            writer.value(&self.base_nonce).value(&self.session);
            writer.raw(&Sha512::digest(receiver.0)).value(&self.cookie);
        });
        writer.into_bytes()
    }
}

/// A handshake whose box is still closed. The cookie, which is ours, says whose key opens it.
#[derive(Debug)]
pub struct SealedHandshake<'a> {
    cookie: Cookie,
    nonce: Nonce,
    sealed: &'a mut [u8],
}

impl<'a> SealedHandshake<'a> {
    /// Reads the outer part.
    ///
    /// # Errors
    /// It is no handshake, or of another length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, ParseError> {
        let mut reader = Kind::Handshake.reader(packet)?;
        let (cookie, nonce) = (Cookie::read(&mut reader)?, Nonce::read(&mut reader)?);
        let sealed = packet.get_mut(1 + Cookie::BYTES + Nonce::BYTES..).unwrap_or_default();
        Ok(Self { cookie, nonce, sealed })
    }

    /// The cookie that we gave to whoever sent this, if it is one of ours.
    #[must_use]
    pub fn cookie(&self) -> &Cookie {
        &self.cookie
    }

    /// Opens the box and checks that it belongs to the cookie before it.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(self, key: &SharedKey) -> Result<Handshake, PacketError> {
        let content = key.open(&self.nonce, self.sealed)?;
        let mut reader = Reader::new(content);
        let (base_nonce, session) = (Nonce::read(&mut reader)?, PublicKey::read(&mut reader)?);
        let hash: [u8; 64] = reader.array("the hash of the cookie")?;
        let cookie = Cookie::read(&mut reader)?;
        reader.finish()?;
        if !bool::from(hash.ct_eq(Sha512::digest(self.cookie.0).as_slice())) {
            return Err(PacketError::OtherCookie);
        }
        Ok(Handshake { base_nonce, session, cookie })
    }
}

const _: () = assert!(1 + 2 * Cookie::BYTES + 2 * Nonce::BYTES + MAC_BYTES + PublicKey::BYTES + 64 == 385);

#[cfg(test)]
mod tests;
