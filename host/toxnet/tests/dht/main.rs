//! DHT nodes: in a network in memory with a clock of its own, and beside `tox-bootstrapd` on
//! loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod bootstrapd;
mod network;
mod rules;
