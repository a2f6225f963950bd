//! Ports in memory, for tests: storage that forgets what is not durable, a network of several gateways, scripted decisions,
//! a clock on tokio's paused time, randomness from a seed.

mod boards;
mod decisions;
mod network;
mod relays;
mod storage;
mod world;

pub(crate) use self::boards::SimBoards;
pub(crate) use self::decisions::{busy, failure};
pub(crate) use self::network::Faults;
pub(crate) use self::relays::ScriptedRelays;
pub(crate) use self::storage::Fault;
pub(crate) use self::world::{SeededRandom, World, account, address, key, mail_text, tox_id};
