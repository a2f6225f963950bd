//! The web API over an in-memory gateway: every route, who may ask, hostile requests, connections, events.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod client;
mod connections;
mod hostile;
mod memory;
mod routes;
mod stream;
