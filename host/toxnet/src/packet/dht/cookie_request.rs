//! The request for a cookie, with which a session begins.

use super::Content;
use crate::key::PublicKey;
use crate::packet::Kind;
use crate::wire::{Codec, ParseError, Reader, Writer};

/// `[32 real key][32 zeros][8 echo]`. What stands in place of the zeros is not looked at, so it is
/// not written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieRequest {
    /// The real key of whoever asks.
    pub real: PublicKey,
    /// Comes back in the response.
    pub echo: [u8; 8],
}

impl Content for CookieRequest {
    const KIND: Kind = Kind::CookieRequest;
}

impl Codec for CookieRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let real = PublicKey::read(reader)?;
        reader.take("padding", PublicKey::BYTES)?;
        Ok(Self { real, echo: reader.array("the echo")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.value(&self.real).zeros(PublicKey::BYTES).raw(&self.echo);
    }
}
