//! Messages of `drops` over a Tox friend connection.

use bytes::Bytes;
use drops::limits::MESSAGE_BYTES;
use drops::message::packet_id;
use frame::{Assembler, FrameError};
use mail::PublicKey;
use tox::{SendError, Tox};

/// The text of every friend request to a board: the same for everybody, and what a board accepts.
pub(crate) const REQUEST_TEXT: &str = "toxmail drop relay 1";

/// Puts messages together from packets.
#[derive(Debug)]
pub(crate) struct Incoming(Assembler);

impl Default for Incoming {
    fn default() -> Self {
        Self(Assembler::new(packet_id(), MESSAGE_BYTES))
    }
}

impl Incoming {
    /// Takes the next packet; gives the message it completes.
    ///
    /// # Errors
    /// [`FrameError`]: the session is over.
    pub fn packet(&mut self, packet: Vec<u8>) -> Result<Option<Bytes>, FrameError> {
        self.0.push(Bytes::from(packet))
    }
}

/// Sends a message, as fast as the connection takes it.
///
/// # Errors
/// [`SendError`]: part of it may have gone; the session is over.
pub(crate) async fn send(tox: &Tox, friend: &PublicKey, message: &[u8]) -> Result<(), SendError> {
    for packet in frame::split(packet_id(), message) {
        tox.send_packet(friend, packet).await?;
    }
    Ok(())
}
