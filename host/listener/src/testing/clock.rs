use std::time::Duration;

use async_trait::async_trait;
use mail::{Clock, Monotonic, Wall};
use tokio::sync::watch;
use tokio::time::Instant;

/// Time stands still but for [`ManualClock::advance`].
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Duration>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(watch::Sender::new(Duration::ZERO))
    }
}

impl ManualClock {
    /// Lets `duration` pass at once.
    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now += duration);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn wall(&self) -> Wall {
        Wall(0)
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(*self.0.borrow())
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.0.subscribe();
        let until = *now.borrow() + duration;
        now.wait_for(|now| *now >= until).await.expect("the clock lives as long as the server");
    }
}

/// The machine's monotonic time, for benches; its wall clock stands still.
#[derive(Debug)]
pub struct RealClock(Instant);

impl RealClock {
    /// A clock at zero.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for RealClock {
    fn wall(&self) -> Wall {
        Wall(0)
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.0.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
