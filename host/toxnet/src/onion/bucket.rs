//! How much the onion may be used: a search sends a dozen packets at once, then little, and 1 400
//! friends that are away must not fill a line.

use std::time::Duration;

use crate::limits;

/// Rights to send, which come back with time.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// When all rights are there again.
    full: Duration,
}

/// All rights but the one in use.
const SPAN: Duration = limits::ONION_INTERVAL.saturating_mul(limits::ONION_BURST - 1);

impl Bucket {
    /// Whether a packet may be sent; if so it is counted.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let may = self.next() <= now;
        if may {
            self.full = self.full.max(now) + limits::ONION_INTERVAL;
        }
        may
    }

    /// When the next packet may be sent.
    pub(super) fn next(&self) -> Duration {
        self.full.saturating_sub(SPAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_at_once_then_twenty_a_second() {
        let mut bucket = Bucket::default();
        let mut taken = |now: u64| (0..200).filter(|_| bucket.take(Duration::from_millis(now))).count();
        assert_eq!([10_000, 10_000, 10_100, 11_100, 20_000].map(&mut taken), [60, 0, 2, 20, 60]);
        assert!(!bucket.take(Duration::from_secs(20)) && bucket.next() > Duration::from_secs(20));
        let next = bucket.next();
        assert!(bucket.take(next));
    }
}
