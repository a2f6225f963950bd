//! A world for the tests: real gateways with a disk that survives them, real boards in memory,
//! one simulated clock.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod boards;
mod core;
mod disk;
mod node;
mod selector;
mod workers;
mod world;

pub(crate) use boards::Host;
pub(crate) use gateway::testing::account;
pub(crate) use node::Node;
pub(crate) use workers::Held;
pub(crate) use world::{Sim, World, tox_id};

use std::time::Duration;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn simulated<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run)
}

/// The change to die at after the n-th: first each one, where processes start and mails set out,
/// then ever fewer.
pub(crate) fn next_death(n: u64) -> u64 {
    n + 1 + n / 16
}
