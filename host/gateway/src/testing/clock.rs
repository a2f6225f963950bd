//! A clock on tokio's (paused) time, whose wall clock can be set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mail::{Clock, Monotonic, Wall};
use tokio::time::Instant;

/// 22 November 2026.
const START: i64 = 1_795_349_568_000;

#[derive(Debug)]
pub(crate) struct SimClock {
    start: Instant,
    offset: AtomicI64,
}

impl SimClock {
    pub fn new() -> Self {
        Self { start: Instant::now(), offset: AtomicI64::new(START) }
    }

    /// Sets the wall clock ahead (or back) by so many seconds.
    pub fn jump(&self, seconds: i64) {
        self.offset.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for SimClock {
    fn wall(&self) -> Wall {
        let elapsed = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        Wall(u64::try_from(self.offset.load(Ordering::Relaxed) + elapsed).unwrap())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.start.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
