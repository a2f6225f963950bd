//! The receiving half of the stream: what came is put in order, what is missing is listed.

use std::collections::VecDeque;
use std::time::Duration;

use super::number::{FIRST, narrow, widen};
use crate::limits;
use crate::packet::request;

/// What a lossless packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It was missing until now.
    New,
    /// It came before, or lies where nothing is expected.
    Useless,
}

/// Puts packets in order and decides when the sender is told what came.
#[derive(Debug)]
pub(super) struct Receiver {
    /// The lowest number that is not yet in order.
    next: u64,
    /// One above the highest number that the sender is known to have used.
    end: u64,
    /// When `end` last grew.
    end_at: Duration,
    /// What came ahead of its turn, from `next` on.
    ahead: VecDeque<Option<Vec<u8>>>,
    ahead_bytes: usize,
    /// In order, not yet taken by the application.
    ready: VecDeque<Vec<u8>>,
    ready_bytes: usize,
    acks: Acks,
}

/// What the sender was told.
#[derive(Debug)]
struct Acks {
    /// The ack that was last shown. It never goes back.
    shown: u64,
    shown_at: Duration,
    /// The sender repeats what came before: it lacks our ack.
    repeat: bool,
    /// When the last request packet was sent.
    request_at: Duration,
    /// All holes below this number have been listed; there is one at it, unless it is the end.
    listed: u64,
    /// Something came since the last request packet.
    moved: bool,
}

impl Receiver {
    /// Expects the number `first` on the wire: 0, except in tests.
    pub(super) fn new(now: Duration, first: u32) -> Self {
        let next = FIRST + u64::from(first);
        let acks =
            Acks { shown: next, shown_at: now, repeat: false, request_at: now, listed: next, moved: false };
        Self {
            next,
            end: next,
            end_at: now,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            ready: VecDeque::new(),
            ready_bytes: 0,
            acks,
        }
    }

    /// Takes a lossless packet in.
    pub(super) fn lossless(&mut self, now: Duration, wire: u32, data: &[u8]) -> Arrival {
        let number = widen(self.next, wire);
        let Some(place) = number.checked_sub(self.next).and_then(|place| usize::try_from(place).ok()) else {
            return self.useless();
        };
        if place >= limits::WINDOW_PACKETS || self.bytes() + data.len() > limits::UNDELIVERED_BYTES {
            return Arrival::Useless;
        }
        if place >= self.ahead.len() {
            self.ahead.resize(place + 1, None);
        }
        match self.ahead.get_mut(place) {
            Some(slot @ None) => *slot = Some(data.to_vec()),
            _ => return self.useless(),
        }
        self.ahead_bytes += data.len();
        self.acks.moved = true;
        self.reaches(now, number + 1);
        self.put_in_order();
        self.skip_arrived();
        Arrival::New
    }

    /// A packet that came before means that the sender does not know it: it is told again.
    fn useless(&mut self) -> Arrival {
        self.acks.repeat = true;
        Arrival::Useless
    }

    /// A packet without a number of its own says which number comes next.
    pub(super) fn announced(&mut self, now: Duration, wire: u32) {
        let end = widen(self.next, wire);
        if end.saturating_sub(self.next) <= limits::WINDOW_PACKETS as u64 {
            self.reaches(now, end);
        }
    }

    fn reaches(&mut self, now: Duration, end: u64) {
        if end > self.end {
            self.end = end;
            self.end_at = now;
        }
    }

    /// Moves what is in order to the application's side, while that has room. Where it has none the ack stays
    /// behind, and the sender slows down.
    fn put_in_order(&mut self) {
        while self.ready_bytes < limits::READY_BYTES
            && let Some(slot @ Some(_)) = self.ahead.front_mut()
            && let Some(data) = slot.take()
        {
            self.ahead.pop_front();
            self.ahead_bytes -= data.len();
            self.ready_bytes += data.len();
            self.ready.push_back(data);
            self.next += 1;
        }
    }

    /// The next packet in order.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let data = self.ready.pop_front()?;
        self.ready_bytes -= data.len();
        self.put_in_order();
        self.skip_arrived();
        Some(data)
    }

    /// Whether something waits to be taken.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Bytes out of order or not taken.
    pub(super) fn bytes(&self) -> usize {
        self.ahead_bytes + self.ready_bytes
    }

    /// The ack for a packet that leaves now. Where data flows both ways it moves seldom, because C drops a packet
    /// with an older ack than one it has seen: reordering would be loss.
    pub(super) fn ack(&mut self, now: Duration, both_ways: bool) -> u32 {
        let (wait, most) = ack_rules(both_ways);
        if !both_ways
            || now.saturating_sub(self.acks.shown_at) >= wait
            || self.next - self.acks.shown >= most.into()
        {
            self.acks.shown = self.next;
            self.acks.shown_at = now;
        }
        narrow(self.acks.shown)
    }

    /// When the next request packet is due.
    pub(super) fn request_due(&self, both_ways: bool, round_trip: Duration) -> Duration {
        let mut due = self.acks.request_at + limits::REQUEST_INTERVAL;
        let (wait, most) = ack_rules(both_ways);
        if self.next - self.acks.shown >= most.into() {
            return Duration::ZERO;
        }
        if self.next != self.acks.shown || self.acks.repeat {
            due = due.min(self.acks.shown_at.max(self.acks.request_at) + wait);
        }
        if self.acks.listed < self.end {
            let ripe = self.ripe_at(self.acks.listed, round_trip);
            due = due.min(ripe.max(self.acks.request_at + limits::HOLES_INTERVAL));
        }
        if self.has_listed_holes() {
            let again =
                if self.acks.moved { limits::HOLES_INTERVAL } else { round_trip.max(limits::HOLES_AGAIN) };
            due = due.min(self.acks.request_at + again);
        }
        due
    }

    /// The packet at `next` is a hole wherever anything later came, unless the application is slow.
    fn has_listed_holes(&self) -> bool {
        self.next < self.acks.listed && !self.is_here(self.next)
    }

    /// When a missing packet counts as a hole: at once with some later ones here, else after a while, since it may
    /// only have been overtaken.
    fn ripe_at(&self, hole: u64, round_trip: Duration) -> Duration {
        if self.end - hole > limits::REORDERED_PACKETS {
            Duration::ZERO
        } else {
            self.end_at + (round_trip / 4).max(limits::ACK_INTERVAL)
        }
    }

    /// What is here need not be listed.
    fn skip_arrived(&mut self) {
        self.acks.listed = self.acks.listed.max(self.next);
        while self.acks.listed < self.end && self.is_here(self.acks.listed) {
            self.acks.listed += 1;
        }
    }

    fn is_here(&self, number: u64) -> bool {
        number
            .checked_sub(self.next)
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| self.ahead.get(place))
            .is_some_and(Option::is_some)
    }

    /// The body of a request packet that leaves now, and its ack. It adds few holes to those that were listed
    /// before, because C answers many at once by sending more slowly.
    pub(super) fn request(&mut self, now: Duration, both_ways: bool, round_trip: Duration) -> (u32, Vec<u8>) {
        let ack = self.ack(now, both_ways);
        let listed = self.acks.listed;
        let mut ripe: Vec<u64> = (self.next..self.end)
            .filter(|number| !self.is_here(*number))
            .take_while(|number| *number < listed || self.ripe_at(*number, round_trip) <= now)
            .take(limits::DATA_BYTES)
            .collect();
        let old = ripe.partition_point(|number| *number < listed);
        // Where very much is missing the sender has to slow down, and should know everything at once.
        if ripe.len() - old <= limits::HOLES_MANY {
            ripe.truncate(old + limits::HOLES_AT_ONCE);
        }
        if let Some(last) = ripe.last() {
            self.acks.listed = listed.max(last + 1);
            self.skip_arrived();
        }
        self.acks.request_at = now;
        self.acks.moved = false;
        self.acks.repeat = false;
        // A list says nothing about what lies behind its last hole. Naming the next number too, which is on its way,
        // tells that all before it has arrived; the sender knows that it is too young to be lost.
        if !ripe.is_empty() && self.acks.listed == self.end && !ripe.contains(&(self.end - 1)) {
            ripe.push(self.end);
        }
        (ack, request::write(ack, ripe.into_iter().map(narrow)))
    }
}

/// How long a new ack may wait, and for how many packets.
fn ack_rules(both_ways: bool) -> (Duration, u32) {
    if both_ways {
        (limits::ACK_INTERVAL_BOTH_WAYS, limits::ACK_PACKETS_BOTH_WAYS)
    } else {
        (limits::ACK_INTERVAL, limits::ACK_PACKETS)
    }
}
