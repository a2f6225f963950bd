//! Framing of messages over Tox custom lossless packets, and the reader and writer that the message
//! codecs of `peer` and `drops` share.
//!
//! Tox carries packets of at most 1 373 bytes, reliably and in order, as long as a friend connection
//! lasts; when it breaks, whatever was under way is lost. Each protocol has a packet id of its own
//! (160 to 191), and its messages are cut into packets like this:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | packet id |
//! | 1 | flags: bit 0 = first packet of a message, bit 1 = last packet of it; the other bits are 0 |
//! | 1 to 1 371 | the next bytes of the message; every packet but the last one is full |
//!
//! A message that fits has one packet with both flags. The packets of a message follow each other
//! without others of the same packet id in between. Messages are never empty.
//!
//! This crate never does I/O, never holds more than one unfinished message per [`Assembler`] (bounded by the
//! maximum stated to it), never panics on what came from outside, and knows no message by name.

mod packet;
mod reader;
mod writer;

pub use packet::{
    Assembler, FrameError, HEADER_BYTES, InvalidPacketId, PACKET_BYTES, PAYLOAD_BYTES, PacketId, Split,
    first_byte, single, split,
};
pub use reader::{ReadError, Reader};
pub use writer::{TooLong, Writer};
