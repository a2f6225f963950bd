//! Sessions on a network in memory, with virtual time and one seed for everything.
#![allow(clippy::unwrap_used)] // A test may panic.

mod beginning;
mod ending;
mod idle;
mod network;
mod nonces;
mod pacing;
mod stream;
