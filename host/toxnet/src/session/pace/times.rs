//! What the network and the peer take: the round trip, and the peer's wait before it answers.

use std::time::Duration;

use crate::limits;

/// Times measured from the news that came.
#[derive(Debug)]
pub(super) struct Times {
    /// The smoothed age of the newest packet that news tell of: it contains the peer's wait.
    smooth: Duration,
    /// The least such age of late, and when it was seen.
    least: (Duration, Duration),
    /// The least of the window after that, which takes over.
    next: Duration,
    /// The smoothed time between two pieces of news while packets are on the way.
    feedback: Duration,
    news_at: Option<Duration>,
}

impl Times {
    /// Begins with what the handshake took.
    pub(super) fn new(now: Duration, round_trip: Duration) -> Self {
        Self {
            smooth: round_trip,
            least: (round_trip, now),
            next: Duration::MAX,
            feedback: limits::ACK_INTERVAL,
            news_at: None,
        }
    }

    /// The least round trip of the last seconds.
    pub(super) fn least(&self) -> Duration {
        self.least.0
    }

    /// The usual age of news.
    pub(super) fn smooth(&self) -> Duration {
        self.smooth
    }

    /// The usual time between news.
    pub(super) fn feedback(&self) -> Duration {
        self.feedback
    }

    /// The age of the newest packet that has arrived.
    pub(super) fn round_trip(&mut self, now: Duration, age: Duration) {
        self.smooth = self.smooth * 7 / 8 + age / 8;
        if now.saturating_sub(self.least.1) > limits::ROUND_TRIP_WINDOW {
            self.least = (self.next.min(age), now);
            self.next = Duration::MAX;
        }
        self.next = self.next.min(age);
        self.least.0 = self.least.0.min(age);
    }

    /// Something arrived. `idle`: nothing is on the way any more, so the time to the next news means nothing.
    pub(super) fn news(&mut self, now: Duration, idle: bool) {
        if let Some(before) = self.news_at {
            let gap = now.saturating_sub(before).clamp(limits::FEEDBACK_LEAST, limits::FEEDBACK_MOST);
            self.feedback = self.feedback * 7 / 8 + gap / 8;
        }
        self.news_at = (!idle).then_some(now);
    }
}
