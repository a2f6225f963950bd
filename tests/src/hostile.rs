//! Peers that mean harm, in this process: a contact and a board, each a real Tox identity that speaks our protocols and misuses them.
//! Beside them, what it may cost a gateway, as numbers.

pub mod board;
pub mod contact;
mod measure;

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

pub use measure::{Bounds, Watch};

/// How long the short run lasts, in seconds.
const SECONDS: u64 = 60;

/// How long they go on: `TOXMAIL_HOSTILE_SECONDS`, or a minute.
///
/// # Panics
/// If the variable is no number.
#[must_use]
pub fn length() -> Duration {
    let seconds = std::env::var("TOXMAIL_HOSTILE_SECONDS").ok();
    Duration::from_secs(seconds.map_or(SECONDS, |text| text.parse().expect("a number of seconds")))
}

/// Whether the time is over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// After this time from now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "tests run in real time")]
    pub fn set(after: Duration) -> Self {
        Self(Instant::now() + after)
    }

    /// It is.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "tests run in real time")]
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Where they live; they end with it.
pub struct Den {
    runtime: Runtime,
    tasks: Vec<JoinHandle<()>>,
}

impl Default for Den {
    fn default() -> Self {
        Self { runtime: Runtime::new().expect("a runtime"), tasks: Vec::new() }
    }
}

impl Den {
    /// Does something now.
    pub fn now<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Goes on with something.
    pub fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(self.runtime.spawn(work));
    }

    /// Ends what goes on.
    ///
    /// # Panics
    /// If something of it failed by itself: what the gateway said to it was wrong.
    pub fn end(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            match self.runtime.block_on(task) {
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                _ => {}
            }
        }
    }
}
