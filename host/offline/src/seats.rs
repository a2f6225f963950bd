//! Seats for sessions with boards. One is kept for boards the user named: whatever the boards of contacts do, those are reached.

use tokio::sync::{Semaphore, SemaphorePermit};

/// A bound on the sessions at one time.
pub(crate) struct Seats {
    /// The bound for all boards.
    open: Semaphore,
    /// The bound for boards that the user named.
    kept: Semaphore,
}

impl Seats {
    /// `all` seats, at least two.
    pub fn new(all: usize) -> Self {
        Self { open: Semaphore::new(all.saturating_sub(1).max(1)), kept: Semaphore::new(1) }
    }

    /// Waits for a seat.
    pub async fn take(&self, is_named: bool) -> Option<SemaphorePermit<'_>> {
        if !is_named {
            return self.open.acquire().await.ok();
        }
        let permit = tokio::select! {
            biased;
            permit = self.open.acquire() => permit,
            permit = self.kept.acquire() => permit,
        };
        permit.ok()
    }
}
