//! What plugs the crates into the ports of the core, and the core into the servers.

mod copies;
pub mod decisions;
pub mod events;
mod feedback;
pub mod imports;
pub mod management;
pub mod network;
pub mod offline;
pub mod pop3;
pub mod random;
mod relays;
pub mod smtp;
pub mod storage;
pub mod trials;
pub mod tuning;
