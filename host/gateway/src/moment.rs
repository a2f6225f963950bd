//! Both clocks, read together.

use std::time::Duration;

use mail::Wall;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Monotonic, milliseconds.
    pub mono: u64,
    pub wall: Wall,
}

impl Moment {
    /// Monotonic milliseconds `duration` after this.
    pub fn after(self, duration: Duration) -> u64 {
        self.mono.saturating_add(millis(duration))
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
