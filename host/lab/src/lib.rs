//! What `toxmail demo` and the end-to-end tests stand on: a private Tox network, gateways as processes of their own,
//! and the two mail clients that talk to them as a user's mail program does.
//!
//! Nothing here reaches beyond 127.0.0.1. Whatever is started ends when its handle is dropped. Nothing panics:
//! the demo is part of what people install, so every failure is an [`Error`] that says who failed at what.

mod error;
mod gateway;
pub mod network;
pub mod pop3;
pub mod smtp;

pub use error::Error;
pub use gateway::{Gateway, give_up};
