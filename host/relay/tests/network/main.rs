//! Boards and throwaways on a private Tox network on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod crowd;
mod front;
mod killed;
mod serving;
mod spying;
mod support;
mod tor;
