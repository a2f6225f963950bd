//! Time, handed in: nothing in the gateway asks the machine for it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Wall-clock time: milliseconds since 1970-01-01 UTC. May jump, and may differ by a day between peers:
/// used in headers, for durable deadlines and for people; never to measure how long something took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Wall(pub u64);

/// Monotonic time since some fixed moment of this process: for time limits and measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Monotonic(pub Duration);

/// The only source of time in the gateway.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of day.
    fn wall(&self) -> Wall;

    /// Time that never goes back.
    fn monotonic(&self) -> Monotonic;

    /// Returns when `duration` of monotonic time has passed.
    async fn sleep(&self, duration: Duration);
}

impl Wall {
    /// This time and `duration` more; at the end of the range it stays there.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero where the clock went back in between.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl Monotonic {
    /// How long after `earlier` this is; zero if it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
