//! TCP relays: two hellos, then frames, each with one packet.

pub mod frame;
pub mod hello;
mod packet;

pub use packet::{BlindData, Connection, Data, OnionContent, RelayPacket};
