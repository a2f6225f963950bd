//! What a bootstrap node says about itself. Nothing here is encrypted.

use super::Kind;
use crate::limits;
use crate::wire::{Codec, ParseError, Reader, Text, Writer};

/// Length of the question. It is longer than most answers, so that it is no good for flooding
/// others.
pub const REQUEST_BYTES: usize = 78;

/// The question: nothing in it but its length and first byte counts.
#[must_use]
pub fn request() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u8(Kind::BootstrapInfo.byte()).zeros(REQUEST_BYTES - 1);
    writer.into_bytes()
}

/// Whether a packet is that question.
#[must_use]
pub fn is_request(packet: &[u8]) -> bool {
    packet.len() == REQUEST_BYTES && packet.first() == Some(&Kind::BootstrapInfo.byte())
}

/// The answer: `[4 version][text]`. One of 78 bytes looks like a question; who asked knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version of the node's program.
    pub version: u32,
    /// The operator's words, from outside.
    pub text: Text<{ limits::INFO_TEXT_BYTES }>,
}

impl Codec for Info {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.expect("the kind", Kind::BootstrapInfo.byte())?;
        Ok(Self { version: reader.u32("the version")?, text: Text::new(reader.rest())? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(Kind::BootstrapInfo.byte()).u32(self.version).raw(&self.text);
    }
}
