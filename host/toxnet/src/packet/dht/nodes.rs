//! The search for nodes near a key.

use super::Content;
use crate::address::UdpNode;
use crate::key::PublicKey;
use crate::limits;
use crate::packet::Kind;
use crate::wire::{Codec, List, ParseError, Reader, Writer};

/// `[32 wanted key][8 id]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodesRequest {
    /// The key whose neighbours are wanted.
    pub wanted: PublicKey,
    /// Comes back in the response.
    pub id: [u8; 8],
}

/// `[1 count][packed nodes][8 id]`. C throws one without nodes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesResponse {
    /// The nearest nodes that the sender knows.
    pub nodes: List<UdpNode, { limits::ANSWERED_NODES }>,
    /// As it stood in the request.
    pub id: [u8; 8],
}

impl Content for NodesRequest {
    const KIND: Kind = Kind::NodesRequest;
}

impl Codec for NodesRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { wanted: PublicKey::read(reader)?, id: reader.array("the request id")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.value(&self.wanted).raw(&self.id);
    }
}

impl Content for NodesResponse {
    const KIND: Kind = Kind::NodesResponse;
}

impl Codec for NodesResponse {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let count = usize::from(reader.u8("the number of nodes")?);
        Ok(Self { nodes: List::read_counted(reader, count)?, id: reader.array("the request id")? })
    }

    fn write(&self, writer: &mut Writer) {
        // At most four.
        writer.u8(u8::try_from(self.nodes.len()).unwrap_or(u8::MAX));
        writer.value(&self.nodes).raw(&self.id);
    }
}
