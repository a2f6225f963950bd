//! Ports in memory, for tests: storage that forgets what is not durable, a network of several gateways, scripted decisions,
//! a clock on tokio's paused time, randomness from a seed.
//!
//! Only with the feature `testing`, for `dev-dependencies`, and in the tests of this crate. It
//! panics where a test has to fail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

mod companion;
mod decisions;
mod network;
#[cfg(test)]
mod relays;
mod storage;
mod world;

pub use self::companion::Companion;
pub use self::decisions::{Answer, Answers, Script, busy, failure};
pub use self::network::{Faults, Net, NetState};
#[cfg(test)]
pub(crate) use self::relays::ScriptedRelays;
pub use self::storage::{Disk, Fault, MemoryStorage, State};
pub use self::world::{Heard, Node, Process, SeededRandom, World, account, address, key, mail_text, tox_id};
