//! Tox TCP relays, without I/O: a [`Client`] that uses one, a [`Pool`] of all that a node uses, and a
//! [`Server`] that is one.
//!
//! They are fed the bytes that came over their sockets, cut anywhere, and give whole frames to be
//! written. A frame is sealed when it is taken, so whoever takes it has to write all of it, and in
//! that order. While a socket takes nothing, nothing should be taken from here: data that waits is
//! bounded, and what is beyond the bound is dropped. A connection over a relay loses packets, as UDP
//! does.

mod channel;
mod client;
mod pings;
mod pool;
mod server;

pub use client::{Client, Event as ClientEvent, NotSent, Route};
pub use pool::{Event as PoolEvent, Pool, Relays};
pub use server::{Closed, Event as ServerEvent, Refused, Server};
