//! Accounts on the Tox network: one Tox instance for each account, and one session of the peer
//! protocol for each friend who is online.
//!
//! It implements the core's port [`Network`](gateway::ports::Network) with [`ToxNetwork`]. Mail goes
//! out of the store to a friend's session, and what a session brings goes to the core's reception. A
//! friend whose gateway broke the protocol is on hold: no session before
//! [`peer::limits::hold`] has passed.
//!
//! This crate never decides what happens to a mail, never makes an account, and never keeps
//! anything on disk but the saved data of Tox instances.

mod events;
mod incoming;
mod instance;
pub mod limits;
mod link;
mod network;
mod outgoing;

pub use instance::Instance;
pub use network::{AccountStorage, NetworkSettings, ToxNetwork};
