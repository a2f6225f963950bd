//! A world for the tests: boards in memory, gateways with a fake core and a disk that survives them, one simulated clock.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod boards;
mod disk;
mod node;

pub(crate) use boards::{Host, TestBoards};
pub(crate) use disk::{Disk, Life};
pub(crate) use node::{Held, Node, World, account};

use std::time::Duration;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn simulated<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run)
}
