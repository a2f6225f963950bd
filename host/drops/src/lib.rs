//! The protocol of drop relays, which hold mail without learning who talks to whom.
//!
//! A mail takes this way. [`parcel`] cuts it into parts, and [`cell`] seals each. [`handover`]
//! plans which cell goes to which board and when. [`depositor`] brings it there in [`message`]s,
//! and pays with a [`token`] or a [`stamp`]. The [`board`] keeps it in [`cells`], by [`segment`].
//! The recipient's [`reader`] takes whole segments, [`scan`] finds the cells that are for the
//! recipient, and [`parcel`] puts the mail together. [`mailbox`] and [`record`] have the keys;
//! [`schedule`], [`audit`], [`confirm`] and [`wallet`] decide when and how clients act.
//!
//! This crate never does network I/O, never asks for the time, and never learns what is in a mail.
//! Everything but [`cells`] (a file) is a state machine: messages in, messages and events out. Time
//! and randomness are handed in.
//!
#![doc = include_str!("../PROTOCOL.md")]

pub mod admission;
pub mod assembly;
pub mod audit;
pub mod board;
pub mod cell;
pub mod cells;
pub mod confirm;
pub mod depositor;
pub mod handover;
pub mod hash;
pub mod limits;
pub mod mailbox;
pub mod member;
pub mod message;
pub mod parcel;
pub mod point;
mod random;
pub mod reader;
pub mod record;
pub mod scan;
pub mod schedule;
pub mod segment;
pub mod session;
pub mod stamp;
pub mod token;
pub mod ttl;
pub mod wallet;

/// The randomness everything here takes; `OsRng` outside of tests and simulations.
pub use rand_core;
