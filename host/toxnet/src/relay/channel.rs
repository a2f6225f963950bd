//! An encrypted connection between a client and a relay, once both hellos are there.

use std::collections::VecDeque;

use crate::boxes::SharedKey;
use crate::limits;
use crate::nonce::{Nonce, SendingNonces};
use crate::packet::PacketError;
use crate::packet::relay::frame;

/// Frames both ways.
#[derive(Debug)]
pub(super) struct Channel {
    key: SharedKey,
    sending: SendingNonces,
    receiving: Nonce,
    /// The beginning of a frame.
    inbox: Vec<u8>,
    /// Packets that must not be lost; they go first.
    control: VecDeque<Vec<u8>>,
    data: VecDeque<Vec<u8>>,
    data_bytes: usize,
}

impl Channel {
    pub(super) fn new(key: SharedKey, sending: SendingNonces, receiving: Nonce) -> Self {
        Self {
            key,
            sending,
            receiving,
            inbox: Vec::new(),
            control: VecDeque::new(),
            data: VecDeque::new(),
            data_bytes: 0,
        }
    }

    /// Takes bytes from the front, up to the end of a frame; gives what is in the frame. `None`: they
    /// are all taken, and the frame goes on.
    ///
    /// # Errors
    /// No frame looks like this: the connection is broken for good.
    pub(super) fn receive(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, PacketError> {
        while !bytes.is_empty() {
            let length = frame::length(&self.inbox)?;
            let wanted = frame::HEADER_BYTES + length.unwrap_or_default();
            let (piece, rest) = bytes.split_at((wanted - self.inbox.len()).min(bytes.len()));
            self.inbox.extend_from_slice(piece);
            *bytes = rest;
            if length.is_some() && self.inbox.len() == wanted {
                let sealed = self.inbox.get_mut(frame::HEADER_BYTES..).unwrap_or_default();
                let content = self.key.open(&self.receiving, sealed)?.to_vec();
                self.receiving = self.receiving.advanced(1);
                self.inbox.clear();
                return Ok(Some(content));
            }
        }
        // The length is refused before more is awaited.
        frame::length(&self.inbox)?;
        Ok(None)
    }

    /// Has a packet sent that must not be lost. Whether there was room; if not, the other end does
    /// not read, and there is no use in it.
    pub(super) fn send_control(&mut self, packet: Vec<u8>) -> bool {
        let room = self.control.len() < limits::RELAY_CONTROL_PACKETS;
        if room {
            self.control.push_back(packet);
        }
        room
    }

    /// Has a packet sent that may be lost. Whether there was room.
    pub(super) fn send_data(&mut self, packet: Vec<u8>) -> bool {
        let room = self.data_bytes + packet.len() <= limits::RELAY_DATA_WAITING_BYTES;
        if room {
            self.data_bytes += packet.len();
            self.data.push_back(packet);
        }
        room
    }

    /// The next frame to write.
    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let packet = match self.control.pop_front() {
            Some(packet) => packet,
            None => {
                let packet = self.data.pop_front()?;
                self.data_bytes -= packet.len();
                packet
            }
        };
        let (mut out, nonce) = (Vec::new(), self.sending.take()?);
        frame::seal(&packet, &self.key, nonce, &mut out).ok()?;
        Some(out)
    }

    /// Bytes of data that wait.
    pub(super) fn data_bytes(&self) -> usize {
        self.data_bytes
    }
}
