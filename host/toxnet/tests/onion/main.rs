//! Nodes with identities that find each other through the onion, in a network in memory with a clock
//! of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod friends;
#[path = "../dht/network.rs"]
mod network;
mod nodes;
mod relayed;
mod world;
