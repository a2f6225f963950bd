//! Whether the other end of a connection is still there.

use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::limits;

/// Our pings on one connection.
#[derive(Debug)]
pub(super) struct Pings {
    last: Duration,
    /// What the answer has to bring.
    open: Option<[u8; 8]>,
}

impl Pings {
    /// The first is sent after the usual time.
    pub(super) fn new(now: Duration) -> Self {
        Self { last: now, open: None }
    }

    /// The id of a ping to send now.
    pub(super) fn begin(&mut self, now: Duration, random: &mut impl CryptoRngCore) -> [u8; 8] {
        let mut id = [0; 8];
        random.fill_bytes(&mut id);
        // Zero is no id.
        id[0] |= 1;
        (self.last, self.open) = (now, Some(id));
        id
    }

    /// An answer came.
    pub(super) fn answered(&mut self, id: [u8; 8]) {
        if self.open == Some(id) {
            self.open = None;
        }
    }

    /// Whether a ping is to be sent now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.open.is_none() && self.next() <= now
    }

    /// Whether an answer has not come in time.
    pub(super) fn is_lost(&self, now: Duration) -> bool {
        self.open.is_some() && self.next() <= now
    }

    /// When one of these becomes so.
    pub(super) fn next(&self) -> Duration {
        let wait = if self.open.is_some() { limits::RELAY_PING_ANSWER } else { limits::RELAY_PING };
        self.last + wait
    }
}
