//! The clock of tests: the machine's, or one that is set by hand.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use mail::{Clock, Monotonic, Wall};

/// Runs with the machine's, some days ahead where a test says so.
#[derive(Debug)]
pub struct TestClock {
    ahead_ms: AtomicU64,
}

impl TestClock {
    /// The machine's time.
    pub fn real() -> Self {
        Self { ahead_ms: AtomicU64::new(0) }
    }

    /// Lets `time` pass at once.
    #[allow(dead_code, reason = "the example only measures")]
    pub fn advance(&self, time: Duration) {
        self.ahead_ms.fetch_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

#[async_trait]
#[allow(clippy::disallowed_methods, reason = "this is where the time comes from")]
impl Clock for TestClock {
    fn wall(&self) -> Wall {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Wall(0).plus(since + self.ahead())
    }

    fn monotonic(&self) -> Monotonic {
        static START: OnceLock<Instant> = OnceLock::new();
        Monotonic(START.get_or_init(Instant::now).elapsed() + self.ahead())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
