//! The crate against real and lying DNS servers.

#![allow(clippy::unwrap_used)]

mod dnssec;
mod fixture;
mod lookups;
mod trouble;
