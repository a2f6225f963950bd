//! The onion: three nodes in a row, none of which knows both who asks and what is asked for.
//!
//! The packets of a path and back are built and peeled in [`path`], [`hop`] and [`back`]; what they
//! carry is an announcement or a search ([`announce`]), or data for whoever is announced
//! ([`data`]).

pub mod announce;
pub mod back;
pub mod data;
pub mod hop;
pub mod path;
mod payload;

pub use payload::{DhtKey, FriendRequest, Payload};
