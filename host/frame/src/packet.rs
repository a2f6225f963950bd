//! Messages to packets and back.

use bytes::{Bytes, BytesMut};

use crate::writer::TooLong;

/// Largest custom packet, its id included: `TOX_MAX_CUSTOM_PACKET_SIZE` of tox.h.
pub const PACKET_BYTES: usize = 1373;

/// Bytes of a packet before its part of the message: packet id and flags.
pub const HEADER_BYTES: usize = 2;

/// Most bytes of a message in one packet.
pub const PAYLOAD_BYTES: usize = PACKET_BYTES - HEADER_BYTES;

const FIRST: u8 = 1;
const LAST: u8 = 2;

/// The id of a custom lossless packet, 160 to 191 (tox.h, `tox_friend_send_lossless_packet`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketId(u8);

/// The number is outside the range of custom lossless packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("custom lossless packets have ids from 160 to 191, not {0}")]
pub struct InvalidPacketId(pub u8);

impl PacketId {
    /// The packet id `id`.
    ///
    /// # Errors
    /// Outside 160 to 191.
    pub const fn new(id: u8) -> Result<Self, InvalidPacketId> {
        if matches!(id, 160..=191) { Ok(Self(id)) } else { Err(InvalidPacketId(id)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Cuts `message` into packets, in sending order. An empty message gives none.
#[must_use]
pub fn split(id: PacketId, message: &[u8]) -> Split<'_> {
    Split { id, rest: message, first: true }
}

/// The packets of a message; see [`split`].
#[derive(Clone, Debug)]
pub struct Split<'a> {
    id: PacketId,
    rest: &'a [u8],
    first: bool,
}

impl Iterator for Split<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.rest.is_empty() {
            return None;
        }
        let (part, rest) = self.rest.split_at(self.rest.len().min(PAYLOAD_BYTES));
        let mut flags = if self.first { FIRST } else { 0 };
        if rest.is_empty() {
            flags |= LAST;
        }
        (self.first, self.rest) = (false, rest);
        let mut packet = Vec::with_capacity(HEADER_BYTES + part.len());
        packet.extend_from_slice(&[self.id.0, flags]);
        packet.extend_from_slice(part);
        Some(packet)
    }
}

/// A message of one packet, made of `parts` one after the other: one allocation, one copy.
///
/// # Errors
/// The parts are longer than [`PAYLOAD_BYTES`] together.
pub fn single(id: PacketId, parts: &[&[u8]]) -> Result<Vec<u8>, TooLong> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > PAYLOAD_BYTES {
        return Err(TooLong { length, max: PAYLOAD_BYTES });
    }
    let mut packet = Vec::with_capacity(HEADER_BYTES + length);
    packet.extend_from_slice(&[id.0, FIRST | LAST]);
    for part in parts {
        packet.extend_from_slice(part);
    }
    Ok(packet)
}

/// The first byte of the message that `packet` begins; none if it begins none.
///
/// For protocols where one kind of message may come in the middle of another, because its sender
/// started anew: see [`Assembler::reset`].
#[must_use]
pub fn first_byte(packet: &[u8]) -> Option<u8> {
    match packet {
        [_, flags, byte, ..] if flags & FIRST != 0 => Some(*byte),
        _ => None,
    }
}

/// What is wrong with a packet or its place in the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than a Tox packet can be.
    #[error("a packet of {0} bytes is longer than the 1373 bytes Tox carries")]
    PacketTooLong(usize),
    /// No byte of a message in it.
    #[error("a packet without a byte of a message")]
    Empty,
    /// Another packet id than this assembler's.
    #[error("a packet with id {0}, which belongs to another protocol")]
    OtherId(u8),
    /// Flags that version 1 does not know.
    #[error("a packet with unknown flags {0:#04x}")]
    Flags(u8),
    /// A later packet of a message whose first one never came.
    #[error("a packet continues a message that was never begun")]
    NotBegun,
    /// A message begins before the one before it ended.
    #[error("a message begins before the one before it ended")]
    NotEnded,
    /// A packet that is not the last of its message and not full.
    #[error("a packet in the middle of a message is not full")]
    NotFull,
    /// The message is longer than the stated maximum.
    #[error("a message longer than {0} bytes")]
    MessageTooLong(usize),
}

/// Puts the messages of one packet id of one friend together again.
///
/// Holds at most the stated maximum of bytes. After an error it is empty, ready for a first packet.
#[derive(Debug)]
pub struct Assembler {
    id: PacketId,
    message_max: usize,
    /// What came of the unfinished message; empty when there is none.
    begun: BytesMut,
}

impl Assembler {
    /// For packets with this id and messages of at most `message_max` bytes.
    #[must_use]
    pub fn new(id: PacketId, message_max: usize) -> Self {
        Self { id, message_max, begun: BytesMut::new() }
    }

    /// Forgets the unfinished message: its sender started anew.
    pub fn reset(&mut self) {
        self.begun = BytesMut::new();
    }

    /// Bytes held of an unfinished message.
    #[must_use]
    pub fn held(&self) -> usize {
        self.begun.len()
    }

    /// Takes the next packet; gives the message it completes. A message of one packet is not copied.
    ///
    /// # Errors
    /// The packet or the sequence is broken; the unfinished message is forgotten.
    pub fn push(&mut self, packet: Bytes) -> Result<Option<Bytes>, FrameError> {
        let result = self.try_push(packet);
        if result.is_err() {
            self.reset();
        }
        result
    }

    fn try_push(&mut self, packet: Bytes) -> Result<Option<Bytes>, FrameError> {
        let flags = self.check(&packet)?;
        let payload = packet.slice(HEADER_BYTES..);
        let unfinished = !self.begun.is_empty();
        match (flags & FIRST != 0, unfinished) {
            (true, true) => return Err(FrameError::NotEnded),
            (false, false) => return Err(FrameError::NotBegun),
            _ => {}
        }
        if self.begun.len() + payload.len() > self.message_max {
            return Err(FrameError::MessageTooLong(self.message_max));
        }
        let last = flags & LAST != 0;
        if last && !unfinished {
            return Ok(Some(payload));
        }
        if !last && payload.len() < PAYLOAD_BYTES {
            return Err(FrameError::NotFull);
        }
        self.begun.extend_from_slice(&payload);
        Ok(last.then(|| std::mem::take(&mut self.begun).freeze()))
    }

    /// What can be checked without the sequence; gives the flags.
    fn check(&self, packet: &[u8]) -> Result<u8, FrameError> {
        if packet.len() > PACKET_BYTES {
            return Err(FrameError::PacketTooLong(packet.len()));
        }
        let &[id, flags, _, ..] = packet else { return Err(FrameError::Empty) };
        if id != self.id.0 {
            return Err(FrameError::OtherId(id));
        }
        if flags & !(FIRST | LAST) != 0 {
            return Err(FrameError::Flags(flags));
        }
        Ok(flags)
    }
}

#[cfg(test)]
mod tests;
