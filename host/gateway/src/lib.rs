//! The core: submission, outbox schedule, reception, bounces.
//!
//! It decides what happens to a mail and when. It never opens a socket, a file or a component. It
//! declares the [`ports`] it needs and is handed them, so that it is tested whole, with in-memory
//! ports and a simulated clock. It never takes responsibility for a mail before the storage port
//! said that it is durable.
//!
//! The files follow the way of a mail: `submission` (MAIL, RCPT, DATA) with `addresses`,
//! `resolving`, `names` and `pins`; `outbox` (the schedule, one task an entry) with `local` for
//! accounts of this gateway; `reception` for what peers send, `by_relay` for what comes over drop
//! relays; `delivery` for the last step of both; `reports` for what the sender is told.
//! `friendship` and `hello` keep contacts and Tox friends in agreement.
//!
//! Memory holds only an index of what is stored: a crash at any moment loses no mail that the core
//! took responsibility for.

mod addresses;
mod by_relay;
mod delivery;
mod friendship;
mod gateway;
mod harmless;
mod hello;
pub mod limits;
mod local;
mod lock;
mod message;
mod moment;
mod names;
mod outbox;
mod people;
mod pins;
pub mod ports;
mod reception;
mod removal;
mod reports;
mod request_schedule;
mod resolving;
mod settings;
mod submission;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use self::addresses::POSTMASTER;
pub use self::by_relay::Received;
pub use self::friendship::{Asked, ContactError};
pub use self::gateway::Gateway;
pub use self::hello::HelloError;
pub use self::names::{Claim, ToldName};
pub use self::outbox::Cancelled;
pub use self::pins::{HeldName, PinError};
pub use self::reception::{Offer, Offered, ReceptionError};
pub use self::settings::Settings;
pub use self::submission::{Accepted, Submission};

#[cfg(test)]
mod simulation;
