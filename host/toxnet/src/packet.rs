//! The packets of the network, one family a file. No packet is built or taken apart elsewhere.
//!
//! What is sealed comes in two steps: the outer part is parsed, which checks the length and says
//! whose key is needed, then the box is opened in place.

pub mod data;
pub mod dht;
pub mod dht_request;
pub mod handshake;
pub mod id;
pub mod info;
pub(crate) mod kind;
pub mod messenger;
pub mod onion;
pub mod relay;
pub mod request;

pub use kind::Kind;

use crate::boxes::OpenError;
use crate::wire::ParseError;

/// Why a packet is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// It is not in the form of its kind.
    #[error("the packet is not in the form of its kind")]
    Parse(#[from] ParseError),
    /// Its box does not open.
    #[error("the box in the packet does not open")]
    Open(#[from] OpenError),
    /// It is of another kind than the one asked for.
    #[error("the packet is of another kind")]
    OtherKind,
    /// A handshake names another cookie inside than outside.
    #[error("the handshake belongs to another cookie")]
    OtherCookie,
    /// A DHT key is not that of the node that sent it.
    #[error("the DHT key belongs to another node than the packet")]
    OtherSender,
}
