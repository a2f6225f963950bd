//! A friend: the session, the attempt to begin one, and what is left of the last.

use std::net::SocketAddr;
use std::time::Duration;

use super::connection::Connection;
use super::dial::Dial;
use super::farewell::Farewell;
use crate::boxes::SharedKey;
use crate::limits;

/// Somebody whose handshakes are taken.
#[derive(Debug)]
pub(super) struct Friend {
    /// The key of both real keys.
    pub(super) shared: SharedKey,
    pub(super) dial: Option<Dial>,
    pub(super) open: Option<Connection>,
    pub(super) farewell: Option<Farewell>,
    /// The rate of the last session, and when that ended.
    remembered: Option<(u64, Duration)>,
    /// Stands in the list of those who may have something to send.
    pub(super) busy: bool,
    /// Stands in the list of those whose packets wait.
    pub(super) readable: bool,
    /// Is kept only until the farewell is over.
    pub(super) forgotten: bool,
}

impl Friend {
    pub(super) fn new(shared: SharedKey) -> Self {
        Self {
            shared,
            dial: None,
            open: None,
            farewell: None,
            remembered: None,
            busy: false,
            readable: false,
            forgotten: false,
        }
    }

    /// Half the rate of the last session, if it ended lately.
    pub(super) fn remembered(&self, now: Duration) -> Option<u64> {
        let (rate, at) = self.remembered?;
        (now.saturating_sub(at) < limits::RATE_MEMORY).then_some(rate / 2)
    }

    /// Ends the session; the peer will be told.
    pub(super) fn say_farewell(&mut self, now: Duration) {
        if let Some(open) = self.open.take() {
            self.remembered = Some((open.bandwidth(), now));
            let (channel, header, at) = open.end(now);
            self.farewell = Some(Farewell::new(now, channel, header, at));
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if let Some(to) = self.farewell.as_mut().and_then(|farewell| farewell.poll_transmit(now, out)) {
            return Some(to);
        }
        if let Some(to) = self.dial.as_mut().and_then(|dial| dial.poll_transmit(now, out)) {
            return Some(to);
        }
        let open = self.open.as_mut()?;
        open.poll_transmit(now, out).then_some(open.at)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let dial = self.dial.as_ref().map(Dial::deadline);
        let open = self.open.as_ref().map(Connection::deadline);
        let farewell = self.farewell.as_ref().map(Farewell::deadline);
        dial.into_iter().chain(open).chain(farewell).min()
    }
}
