//! Boards and throwaways on a private Tox network on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod serving;
mod support;
