//! Drop relays: how a relay holds mail without learning who talks to whom.
//!
//! The way of a mail: [`parcel`] cuts it into parts, [`cell`] seals each, [`handover`] plans which goes to which board when,
//! [`depositor`] brings them there in [`message`]s and pays with a [`token`] or [`stamp`]; the [`board`] keeps them in
//! [`cells`], by [`segment`]; the recipient's [`reader`] takes whole segments, [`scan`] finds what is for it, and [`parcel`] puts the mail
//! together. [`mailbox`] and [`record`] are the keys, [`schedule`], [`audit`],
//! [`confirm`] and [`wallet`] what runs beside.
//!
//! This crate never does network I/O, never asks for the time, and never learns what is in a mail. Everything but [`cells`] (a file)
//! is a state machine: messages in, messages and events out; time and randomness are handed in.
//!
#![doc = include_str!("../PROTOCOL.md")]

pub mod admission;
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
pub mod stamp;
pub mod token;
pub mod ttl;
pub mod wallet;

/// The randomness everything here takes; `OsRng` outside of tests and simulations.
pub use rand_core;
