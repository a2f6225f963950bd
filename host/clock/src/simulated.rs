use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mail::{Clock, Monotonic, Wall};
use tokio::time::Instant;

/// 22 November 2026, in milliseconds since 1970.
const START: i64 = 1_795_349_568_000;

/// The time of the tokio runtime, which tests pause: it then jumps to whatever is waited for next.
#[derive(Debug)]
pub struct SimulatedClock {
    start: Instant,
    /// The time of day at `start`, in milliseconds since 1970.
    wall: AtomicI64,
}

impl SimulatedClock {
    /// A clock that starts now, on 22 November 2026.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), wall: AtomicI64::new(START) }
    }

    /// Sets the time of day ahead (or back) by so many seconds, as the clock of a machine jumps.
    pub fn jump(&self, seconds: i64) {
        self.wall.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Sets the time of day this much ahead of the right one; zero corrects it.
    pub fn set_ahead(&self, time: Duration) {
        let ahead = i64::try_from(time.as_millis()).unwrap_or(i64::MAX - START);
        self.wall.store(START + ahead, Ordering::Relaxed);
    }
}

impl Default for SimulatedClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn wall(&self) -> Wall {
        let start = self.wall.load(Ordering::Relaxed);
        Wall(u64::try_from(start).unwrap_or_default()).plus(self.start.elapsed())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.start.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
