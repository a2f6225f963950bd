//! The harness of the end-to-end tests: a private Tox network on loopback, gateways as processes of their own,
//! and the programs of others that talk to them.
//!
//! Nothing here reaches beyond 127.0.0.1. Whatever a test starts is stopped when its handle is dropped, also
//! when the test fails. Nothing waits a fixed time: [`wait::until`] waits for a condition with a deadline.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a harness that cannot go on fails the test")]

pub mod browser;
pub mod dns;
pub mod foreign_peer;
pub mod gateway;
pub mod hostile;
pub mod network;
pub mod pop3;
pub mod program;
pub mod smtp;
pub mod wait;

pub use gateway::{Gateway, befriend};
pub use network::network;
