//! Pings: is a node there, and does it own the key it is known by?

use super::Content;
use crate::packet::Kind;
use crate::wire::{Codec, ParseError, Reader, Writer};

/// `[1 the kind again][8 id]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingRequest {
    /// Comes back in the response.
    pub id: [u8; 8],
}

/// `[1 the kind again][8 id]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingResponse {
    /// As it stood in the request.
    pub id: [u8; 8],
}

fn read(kind: Kind, reader: &mut Reader<'_>) -> Result<[u8; 8], ParseError> {
    reader.expect("the kind within", kind.byte())?;
    reader.array("the ping id")
}

impl Content for PingRequest {
    const KIND: Kind = Kind::PingRequest;
}

impl Codec for PingRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { id: read(Self::KIND, reader)? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(Self::KIND.byte()).raw(&self.id);
    }
}

impl Content for PingResponse {
    const KIND: Kind = Kind::PingResponse;
}

impl Codec for PingResponse {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { id: read(Self::KIND, reader)? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(Self::KIND.byte()).raw(&self.id);
    }
}
