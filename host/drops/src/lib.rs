//! Drop relays: how a relay holds mail without learning who talks to whom.
//!
//! This crate never does network I/O, never asks for the time, and never learns what is in a mail.

pub mod admission;
pub mod audit;
pub mod board;
pub mod cell;
pub mod cells;
pub mod depositor;
pub mod handover;
pub mod hash;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod parcel;
pub mod point;
mod random;
pub mod reader;
pub mod record;
pub mod scan;
pub mod schedule;
pub mod segment;
pub mod stamp;
pub mod token;
pub mod ttl;
