//! What plugs the crates into the ports of the core, and the core into the servers.

pub mod decisions;
pub mod events;
pub mod management;
pub mod offline;
pub mod pop3;
pub mod random;
pub mod slots;
pub mod smtp;
