//! Packets built by an independent implementation (`make.py`, with libsodium): this crate builds
//! the same bytes, reads them, and refuses each of them when it is a byte shorter or longer, or a
//! bit of its MAC is another.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod dht;
mod friend;
mod onion;
mod page;
mod relay;
mod session;
mod state;
