use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mail::{Clock, Monotonic, Wall};
use tokio::sync::watch;

/// Time that stands still until a test advances it; whoever sleeps wakes up by that alone.
#[derive(Debug)]
pub struct ManualClock {
    passed: watch::Sender<Duration>,
    /// The time of day when nothing has passed, in milliseconds since 1970.
    start: AtomicU64,
}

impl ManualClock {
    /// A clock at this time of day.
    #[must_use]
    pub fn at(wall: Wall) -> Self {
        Self { passed: watch::Sender::new(Duration::ZERO), start: AtomicU64::new(wall.0) }
    }

    /// Lets `duration` pass at once.
    pub fn advance(&self, duration: Duration) {
        self.passed.send_modify(|passed| *passed += duration);
    }

    /// Sets the time of day; monotonic time takes no notice.
    pub fn set_wall(&self, wall: Wall) {
        let passed = Wall(0).plus(*self.passed.borrow());
        self.start.store(wall.0.saturating_sub(passed.0), Ordering::Relaxed);
    }
}

impl Default for ManualClock {
    /// A clock at the beginning of 1970.
    fn default() -> Self {
        Self::at(Wall(0))
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn wall(&self) -> Wall {
        Wall(self.start.load(Ordering::Relaxed)).plus(*self.passed.borrow())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(*self.passed.borrow())
    }

    async fn sleep(&self, duration: Duration) {
        let mut passed = self.passed.subscribe();
        let until = *passed.borrow() + duration;
        // The sender is ours: waiting ends by time alone.
        let _ = passed.wait_for(|passed| *passed >= until).await;
    }
}
