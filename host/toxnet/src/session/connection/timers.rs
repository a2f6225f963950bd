//! The timers of a session: signs of life both ways, the repeated handshake, and what follows silence.

use std::time::Duration;

use crate::limits;

/// All timers but those of acks and pace.
#[derive(Debug)]
pub(super) struct Timers {
    began: Duration,
    confirmed: bool,
    heard: Duration,
    /// When our handshake leaves next, and how often it has.
    handshake: (Duration, usize),
    /// A request packet is owed at once: it confirms us to the peer, or tells it where our end is.
    request_owed: bool,
    alive: Duration,
    tail: Tail,
    last_sent: Option<Duration>,
}

/// What is done when nothing comes back.
#[derive(Debug, Default)]
struct Tail {
    due: Option<Duration>,
    tries: u32,
    /// When a short burst after quiet is sent once more.
    burst: Option<Duration>,
}

impl Timers {
    pub(super) fn new(now: Duration, greeted: bool) -> Self {
        let handshake = if greeted { (now + limits::HANDSHAKE_INTERVAL, 1) } else { (now, 0) };
        Self {
            began: now,
            confirmed: false,
            heard: now,
            handshake,
            request_owed: true,
            alive: now,
            tail: Tail::default(),
            last_sent: None,
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    pub(super) fn heard(&self) -> Duration {
        self.heard
    }

    pub(super) fn hear(&mut self, now: Duration) {
        self.heard = now;
    }

    /// A data packet opened. `true` if it is the first.
    pub(super) fn confirm(&mut self, now: Duration) -> bool {
        if self.confirmed {
            return false;
        }
        self.confirmed = true;
        self.heard = now;
        self.alive = now;
        true
    }

    pub(super) fn is_over(&self, now: Duration) -> bool {
        now >= self.over_at()
    }

    fn over_at(&self) -> Duration {
        if self.confirmed {
            self.heard + limits::SILENCE
        } else {
            self.began + limits::HANDSHAKE_INTERVAL * limits::HANDSHAKE_TRIES
        }
    }

    pub(super) fn repeat_handshake(&mut self, now: Duration) {
        if !self.confirmed {
            self.handshake.0 = self.handshake.0.min(now.max(self.began + limits::HANDSHAKE_AGAIN_LEAST));
            self.request_owed = true;
        }
    }

    pub(super) fn handshake_due(&mut self, now: Duration) -> bool {
        let due = !self.confirmed && self.handshake.0 <= now;
        if due {
            self.handshake = (now + limits::HANDSHAKE_INTERVAL, self.handshake.1 + 1);
            self.request_owed = true;
        }
        due
    }

    pub(super) fn alive_due(&mut self, now: Duration) -> bool {
        let due = self.confirmed && self.alive <= now;
        if due {
            self.alive = now + limits::ALIVE_INTERVAL;
        }
        due
    }

    pub(super) fn request_due(&self, due: Duration) -> Duration {
        if self.request_owed { Duration::ZERO } else { due }
    }

    pub(super) fn requested(&mut self) {
        self.request_owed = false;
    }

    /// Whether we sent data lately, so that our acks are in two kinds of packets.
    pub(super) fn sent_lately(&self, now: Duration) -> bool {
        self.last_sent.is_some_and(|at| now.saturating_sub(at) < limits::BOTH_WAYS)
    }

    /// A new packet left. `alone`: nothing else was on the way.
    pub(super) fn sent(
        &mut self,
        now: Duration,
        alone: bool,
        is_alive: bool,
        waiting: usize,
        tail_wait: Duration,
        burst_wait: Duration,
    ) {
        self.last_sent = Some(now);
        self.tail.due = Some(now + tail_wait);
        self.tail.tries = 0;
        if alone && !is_alive {
            self.tail.burst = Some(now + burst_wait);
        } else if waiting > limits::SHORT_BURST {
            self.tail.burst = None;
        }
    }

    /// Something arrived. `more`: how long to wait for the next news, if anything is on the way still.
    pub(super) fn progress(&mut self, now: Duration, more: Option<Duration>) {
        self.tail.tries = 0;
        self.tail.due = more.map(|wait| now + wait);
        if more.is_none() {
            self.tail.burst = None;
        }
    }

    pub(super) fn burst_due(&mut self, now: Duration) -> bool {
        let due = self.tail.burst.is_some_and(|at| at <= now);
        if due {
            self.tail.burst = None;
        }
        due
    }

    pub(super) fn tail_due(&self, now: Duration) -> bool {
        self.tail.due.is_some_and(|at| at <= now)
    }

    pub(super) fn tail_sent(&mut self, now: Duration, wait: Duration) {
        self.tail.tries += 1;
        let wait = wait.saturating_mul(1 << self.tail.tries.min(10)).min(limits::TAIL_MOST);
        self.tail.due = Some(now + wait);
        self.request_owed = true;
    }

    pub(super) fn deadline(&self, waiting: bool) -> Duration {
        let mut due = self.over_at();
        if self.confirmed {
            due = due.min(self.alive);
        } else {
            due = due.min(self.handshake.0);
        }
        if waiting {
            due = self.tail.due.into_iter().chain(self.tail.burst).fold(due, Duration::min);
        }
        due
    }
}
