//! When something is sent again: soon at first, since packets get lost, then seldom.

use std::time::Duration;

/// A list of times, then a wait between all further ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    start: Duration,
    done: usize,
    next: Duration,
    first: &'static [Duration],
    wait: Duration,
}

impl Schedule {
    /// Begins now. `first` are times from now on.
    pub(super) fn new(now: Duration, first: &'static [Duration], wait: Duration) -> Self {
        let next = now + first.first().copied().unwrap_or_default();
        Self { start: now, done: 0, next, first, wait }
    }

    /// When it is time.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// It has happened.
    pub(super) fn done(&mut self, now: Duration) {
        self.done += 1;
        self.next = match self.first.get(self.done) {
            Some(after) => now.max(self.start + *after),
            None => now + self.wait,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soon_at_first_then_seldom() {
        const FIRST: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];
        let mut schedule = Schedule::new(Duration::from_secs(10), &FIRST, Duration::from_secs(30));
        let mut times = Vec::new();
        for _ in 0..5 {
            times.push(schedule.next().as_secs());
            schedule.done(schedule.next());
        }
        assert_eq!(times, [10, 11, 13, 43, 73]);
    }
}
