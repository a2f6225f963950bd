//! Notices clients that are silent or too slow, with one timer per session.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mail::{Clock, Monotonic};

/// Expires when [`touch`](Self::touch) was not called for `limit`. The timer is not restarted at every touch, only when it
/// fires early: touching costs one look at the clock.
pub(crate) struct Watchdog {
    clock: Arc<dyn Clock>,
    limit: Duration,
    since: Monotonic,
    timer: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Watchdog {
    pub(crate) fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        let since = clock.monotonic();
        let timer = sleep(Arc::clone(&clock), limit);
        Self { clock, limit, since, timer }
    }

    /// The client got further.
    pub(crate) fn touch(&mut self) {
        self.since = self.clock.monotonic();
    }

    /// Returns when the client has had its time. May be dropped and called again.
    pub(crate) async fn expired(&mut self) {
        loop {
            let left = self.limit.saturating_sub(self.clock.monotonic().since(self.since));
            if left.is_zero() {
                return;
            }
            self.timer.as_mut().await;
            let left = self.limit.saturating_sub(self.clock.monotonic().since(self.since));
            self.timer = sleep(Arc::clone(&self.clock), left);
        }
    }
}

fn sleep(clock: Arc<dyn Clock>, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move { clock.sleep(duration).await })
}
