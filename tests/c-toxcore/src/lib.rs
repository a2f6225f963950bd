//! Drives sessions of `toxnet` over real UDP sockets, with c-toxcore (through the crate `tox`) at the other end.
//!
//! There are three kinds of peers: [`R`] runs the sessions of `toxnet`, [`C`] is the unmodified library, and [`Probe`]
//! shakes hands by itself and sends whatever packets a test wants. None of them uses the DHT: whoever begins is told the
//! other's address and DHT key.

// Sockets need the machine's clock; helpers of tests may panic.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used)]

mod c;
mod probe;
mod r;

pub use c::C;
pub use probe::{Came, Probe};
pub use r::R;
