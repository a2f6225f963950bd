//! The web API over an in-memory gateway: every route, who may ask, hostile requests, connections, events.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod browser;
mod client;
mod connections;
mod dashboard;
mod hostile;
mod living;
mod memory;
mod openapi;
mod routes;
mod sessions;
mod stream;
mod uploads;
