//! After the end of a session: its keys are kept for a while, so that a peer who does not know of the end is told.
//! A C peer would ignore our next handshake for as long as it believes in the old session.

use std::net::SocketAddr;
use std::time::Duration;

use super::channel::Channel;
use crate::limits;
use crate::packet::data::Header;
use crate::packet::id;

/// What is left of a session.
#[derive(Debug)]
pub(super) struct Farewell {
    channel: Channel,
    header: Header,
    at: SocketAddr,
    until: Duration,
    next: Duration,
    left: u32,
}

impl Farewell {
    /// Tells the peer a few times, and then as often as something comes.
    pub(super) fn new(now: Duration, channel: Channel, header: Header, at: SocketAddr) -> Self {
        Self { channel, header, at, until: now + limits::FAREWELL, next: now, left: limits::KILLS }
    }

    /// The peer still sends: it is told again, but not for every packet.
    pub(super) fn datagram(&mut self, now: Duration, packet: &mut [u8]) {
        let Ok((_, data)) = self.channel.open(packet) else { return };
        if data.first() == Some(&id::KILL) {
            self.left = 0;
            return;
        }
        if self.left == 0 {
            self.left = 1;
            self.next = self.next.max(now);
        }
    }

    /// Appends the packet that ends the session to `out`, if it is time for one.
    pub(super) fn poll_transmit(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if self.left == 0 || self.next > now {
            return None;
        }
        self.left -= 1;
        self.next = now + limits::KILL_INTERVAL;
        self.channel.seal(self.header, &[id::KILL], out).then_some(self.at)
    }

    /// Whether it may be forgotten.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        now >= self.until
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Duration {
        if self.left > 0 { self.until.min(self.next) } else { self.until }
    }
}
