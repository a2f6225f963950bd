//! Instances that find each other and talk, over private networks on loopback.

// The lint lets tests unwrap, but not the helpers beside them.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod packets;
mod people;
mod start;
mod support;
