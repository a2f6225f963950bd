//! A relay and its clients in memory: bytes are cut anywhere, and time passes when a test says so.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod bounds;
mod pool;
mod routes;
mod world;
