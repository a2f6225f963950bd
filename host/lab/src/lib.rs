//! The base of `toxmail demo` and of the end-to-end tests: a private Tox network, gateways as
//! separate processes, and two mail clients that talk to them as a user's mail program does.
//!
//! This crate never reaches beyond 127.0.0.1. A process ends when its handle is dropped. Nothing
//! panics, because the demo is part of what people install: every failure is an [`Error`] that says
//! who failed at what.

mod error;
mod gateway;
pub mod network;
pub mod pop3;
pub mod smtp;

pub use error::Error;
pub use gateway::{Gateway, give_up};
