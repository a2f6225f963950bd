//! What sessions tell their owner.

use crate::key::PublicKey;

/// Something that happened, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session stands: packets can be sent.
    Established {
        /// With whom: their real key.
        peer: PublicKey,
    },
    /// A lossless packet: complete, authentic, in order, and only once.
    Packet {
        /// From whom.
        peer: PublicKey,
        /// 1 to [`crate::limits::DATA_BYTES`] bytes; the first is its id, 17 to 191.
        data: Vec<u8>,
    },
    /// After [`SendError::Full`]: packets are taken again.
    Room {
        /// For whom.
        peer: PublicKey,
    },
    /// A session, or the attempt to begin one, is over. What was not delivered is lost.
    Ended {
        /// With whom.
        peer: PublicKey,
        /// Why.
        reason: Ended,
    },
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The peer ended it.
    ByPeer,
    /// Nothing came from the peer for too long.
    Silence,
    /// The peer did not answer the attempt to begin one.
    Unanswered,
    /// The peer began another one, for example after a restart.
    Replaced,
}

/// Why a packet is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No session with this peer stands.
    #[error("no session with this peer stands")]
    NotConnected,
    /// The lane is full; [`Event::Room`] tells when it no longer is.
    #[error("too much waits to be sent to this peer")]
    Full,
    /// It is empty or too long, or its id is not one of a lossless packet for programs.
    #[error("a packet has 1 to 1373 bytes, the first of them 17 to 191")]
    Malformed,
}
