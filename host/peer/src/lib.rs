//! The protocol between two gateways.

pub mod limits;

mod body;
mod driver;
mod error;
mod handle;
mod hello;
mod memory;
mod message;
mod offer;
mod ports;
mod session;

pub use body::BodyHasher;
pub use driver::{Driver, Setup, connect};
pub use error::{BodyError, ProtocolError, SessionEnd, TransferError};
pub use handle::Peer;
pub use hello::{Capabilities, Hello, Nonce};
pub use memory::Memory;
pub use message::{Attributes, DecodeError, Message, Transfer};
pub use offer::Offer;
pub use ports::{Incoming, Link, LinkClosed, Outgoing};
pub use session::{Action, Interruption, OfferAnswer, Reception, Session, UnsendableHello};
