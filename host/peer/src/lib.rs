//! The protocol between two gateways: hello, mail transfer, acknowledgements.
//!
//! [`Session`] is the protocol as a pure state machine; [`connect`] makes a [`Driver`] that runs
//! one with tokio over the traits [`Link`], [`Outgoing`] and [`Incoming`], and the handle [`Peer`]
//! to it. There is one session for each friend connection. When the friend comes online, connect
//! and run; hand in each packet with [`Peer::packet`]; when the friend goes offline,
//! [`Peer::disconnect`]. A run that ends with [`SessionEnd::ProtocolError`] is followed by a pause
//! of [`limits::hold`].
//!
//! This crate never opens a socket, never touches a disk, never reads a clock of its own and never
//! decides about a mail. It never says "delivered" before its owner did, and never believes a peer
//! about bytes that were not sent.
//!
#![doc = include_str!("../PROTOCOL.md")]

pub mod limits;

mod attributes;
mod decode;
mod driver;
mod error;
mod handle;
mod hello;
mod memory;
mod message;
mod offer;
mod ports;
mod session;

pub use mail::BodyHasher;

pub use attributes::Attributes;
pub use decode::DecodeError;
pub use driver::{Driver, Setup, connect};
pub use error::{BodyError, ProtocolError, SessionEnd, TransferError, Unsendable};
pub use handle::Peer;
pub use hello::{Capabilities, Hello, Nonce};
pub use memory::Memory;
pub use message::{Message, Transfer};
pub use offer::Offer;
pub use ports::{Incoming, Link, LinkClosed, Outgoing};
pub use session::{Action, Interruption, OfferAnswer, Reception, Session, UnsendableHello};
