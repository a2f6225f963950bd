//! Frames on a connection to a TCP relay: `[2 length] secret{packet}`. Nonces count up by one a
//! frame.

use std::ops::RangeInclusive;

use crate::boxes::{MAC_BYTES, SharedKey};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::wire::{ParseError, Reader, Writer, within};

/// Bytes before the box.
pub const HEADER_BYTES: usize = 2;

/// What the length field may say: a MAC, a byte at least, and no more than both ends take.
const LENGTHS: RangeInclusive<usize> = MAC_BYTES + 1..=limits::FRAME_BYTES;

/// Appends a frame to `out`.
///
/// # Errors
/// The packet is empty or too long; nothing is appended.
pub fn seal(packet: &[u8], key: &SharedKey, nonce: FreshNonce, out: &mut Vec<u8>) -> Result<(), ParseError> {
    let length = packet.len() + MAC_BYTES;
    within("the frame", length, &LENGTHS)?;
    let field = u16::try_from(length).map_err(|_| ParseError::Truncated("the frame"))?;
    let mut writer = Writer::onto(std::mem::take(out));
    writer.u16(field);
    key.write_box(&nonce, &mut writer, |writer| {
        writer.raw(packet);
    });
    *out = writer.into_bytes();
    Ok(())
}

/// How long the box behind the first [`HEADER_BYTES`] is; none if they are not all there yet. The
/// box is opened with [`SharedKey::open`].
///
/// # Errors
/// No frame has this length: the connection is broken for good.
pub fn length(received: &[u8]) -> Result<Option<usize>, ParseError> {
    let Ok(length) = Reader::new(received).u16("the length") else { return Ok(None) };
    let length = usize::from(length);
    within("the frame", length, &LENGTHS)?;
    Ok(Some(length))
}
