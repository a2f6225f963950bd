//! Drives sessions of `toxnet` over real UDP sockets, with c-toxcore (through the crate `tox`) at the other end.
//!
//! [`R`] runs the sessions of `toxnet`, and [`Probe`] shakes hands by itself and sends whatever packets a test wants. Neither
//! uses the DHT: whoever begins is told the other's address and DHT key. [`Peer`] is a whole node of `toxnet` with sessions.
//! [`Relay`] is one with a Tox TCP relay, [`RelayGuest`] a client of a relay, [`TcpPeer`] a node without UDP. [`C`] is the unmodified library.

// Sockets need the machine's clock; helpers of tests may panic.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used)]

mod c;
mod peer;
mod probe;
mod r;
mod relay;
mod tcp;

pub use c::C;
pub use peer::Peer;
pub use probe::{Came, Probe};
pub use r::R;
pub use relay::{Relay, RelayGuest};
pub use tcp::TcpPeer;
