//! The sending half of the stream: what has a number and is not known to have arrived.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::number::{FIRST, narrow, widen};
use super::pace::Mark;
use crate::limits;
use crate::packet::request::Request;

/// Sent packets, from the oldest that the peer may still lack.
#[derive(Debug)]
pub(super) struct Window {
    /// The peer's ack: everything below has arrived.
    first: u64,
    /// The number the next packet gets.
    next: u64,
    /// One place for each number from `first` to `next`, empty where the packet has arrived.
    sent: VecDeque<Option<Sent>>,
    /// What is to be sent again.
    lost: BTreeSet<u64>,
    /// Places that are not empty.
    waiting: usize,
    /// Bytes that are on their way as far as we know.
    in_flight: usize,
    /// One above the highest number that has arrived.
    arrived: u64,
}

#[derive(Debug)]
struct Sent {
    data: Vec<u8>,
    at: Duration,
    mark: Mark,
    again: bool,
}

/// What an ack or a request packet told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// Bytes that arrived, as [`packet_bytes`] counts them.
    pub(super) delivered: usize,
    /// The mark of the packet among them that left last, of those that left only once.
    pub(super) newest: Option<Mark>,
    /// How long ago that was.
    pub(super) round_trip: Option<Duration>,
    /// Packets that were found lost.
    pub(super) lost_packets: usize,
    /// Their bytes.
    pub(super) lost: usize,
}

/// How old a listed packet must be to count as lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// With later packets known to have arrived.
    pub(super) overtaken: Duration,
    /// Without, or if it was sent again already.
    pub(super) otherwise: Duration,
}

/// What a packet with so much data weighs on the network.
pub(super) fn packet_bytes(data: usize) -> usize {
    data + limits::PACKET_OVERHEAD_BYTES
}

impl Window {
    /// Numbers begin at `first` on the wire: 0, except in tests.
    pub(super) fn new(first: u32) -> Self {
        let first = FIRST + u64::from(first);
        Self {
            first,
            next: first,
            sent: VecDeque::new(),
            lost: BTreeSet::new(),
            waiting: 0,
            in_flight: 0,
            arrived: first,
        }
    }

    /// The number the next packet gets, as on the wire.
    pub(super) fn next(&self) -> u32 {
        narrow(self.next)
    }

    /// Bytes on the way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Packets that are not known to have arrived.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether the peer, which may hold back its ack, can take another number.
    pub(super) fn has_room(&self) -> bool {
        self.sent.len() < limits::SENT_PACKETS
    }

    /// Keeps a new packet that leaves now; gives its number.
    pub(super) fn push(&mut self, now: Duration, data: Vec<u8>, mark: Mark) -> u32 {
        let number = self.next;
        self.in_flight += packet_bytes(data.len());
        self.sent.push_back(Some(Sent { data, at: now, mark, again: false }));
        self.next += 1;
        self.waiting += 1;
        narrow(number)
    }

    /// Whether anything is to be sent again.
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// The oldest packet to be sent again, which leaves now.
    pub(super) fn resend(&mut self, now: Duration, mark: Mark) -> Option<(u32, &[u8])> {
        while let Some(number) = self.lost.pop_first() {
            if self.place(number).is_some_and(|place| matches!(self.sent.get(place), Some(Some(_)))) {
                return self.again(number, now, mark);
            }
        }
        None
    }

    /// The last packet, again and now, whatever became of it.
    pub(super) fn resend_last(&mut self, now: Duration, mark: Mark) -> Option<(u32, &[u8])> {
        let place = self.sent.iter().rposition(Option::is_some)?;
        let number = self.first + place as u64;
        if !self.lost.remove(&number) {
            self.forget_flight(place);
        }
        self.again(number, now, mark)
    }

    /// Takes everything as lost that was sent only once: for a short burst, which can afford that.
    pub(super) fn give_up_young(&mut self) {
        for place in 0..self.sent.len() {
            if matches!(self.sent.get(place), Some(Some(sent)) if !sent.again) {
                self.mark_lost(place);
            }
        }
    }

    fn again(&mut self, number: u64, now: Duration, mark: Mark) -> Option<(u32, &[u8])> {
        let place = self.place(number)?;
        let sent = self.sent.get_mut(place)?.as_mut()?;
        sent.at = now;
        sent.mark = mark;
        sent.again = true;
        self.in_flight += packet_bytes(sent.data.len());
        Some((narrow(number), &sent.data))
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    fn forget_flight(&mut self, place: usize) {
        if let Some(Some(sent)) = self.sent.get(place) {
            self.in_flight = self.in_flight.saturating_sub(packet_bytes(sent.data.len()));
        }
    }

    /// Moves a packet from those on the way to the lost ones; gives its bytes, 0 where it is among them already.
    fn mark_lost(&mut self, place: usize) -> usize {
        let Some(Some(sent)) = self.sent.get(place) else { return 0 };
        let bytes = packet_bytes(sent.data.len());
        if !self.lost.insert(self.first + place as u64) {
            return 0;
        }
        self.in_flight = self.in_flight.saturating_sub(bytes);
        bytes
    }

    /// Whether an ack can be from a sound peer: nothing is acknowledged that was not sent.
    pub(super) fn is_possible(&self, ack: u32) -> bool {
        widen(self.first, ack) <= self.next
    }

    /// Takes in an ack. An old one is no news.
    pub(super) fn acknowledged(&mut self, now: Duration, ack: u32, news: &mut News) {
        let ack = widen(self.first, ack).min(self.next);
        self.arrived_until(now, ack, news);
        while self.first < ack {
            self.sent.pop_front();
            self.first += 1;
        }
    }

    fn arrived_until(&mut self, now: Duration, end: u64, news: &mut News) {
        for number in self.first..end {
            self.arrive(now, number, news);
        }
    }

    fn arrive(&mut self, now: Duration, number: u64, news: &mut News) {
        let Some(place) = self.place(number) else { return };
        let Some(sent) = self.sent.get_mut(place).and_then(Option::take) else { return };
        let bytes = packet_bytes(sent.data.len());
        self.waiting -= 1;
        if !self.lost.remove(&number) {
            self.in_flight = self.in_flight.saturating_sub(bytes);
        }
        news.delivered += bytes;
        self.arrived = self.arrived.max(number + 1);
        // Of a packet sent twice it is not known which one arrived.
        if !sent.again && news.newest.is_none_or(|mark| mark.sent_at <= sent.mark.sent_at) {
            news.newest = Some(sent.mark);
            news.round_trip = Some(now.saturating_sub(sent.at));
        }
    }

    /// Takes in a list of holes: what lies between them has arrived, what is listed may be lost.
    pub(super) fn listed(
        &mut self,
        now: Duration,
        request: Request<'_>,
        patience: Patience,
        news: &mut News,
    ) {
        let mut from = self.first;
        for wire in request.missing() {
            let hole = widen(from, wire);
            if hole >= self.next {
                break;
            }
            for number in from..hole {
                self.arrive(now, number, news);
            }
            from = from.max(hole + 1);
        }
        let end = widen(from, request.covered().wrapping_add(1)).min(self.next);
        for number in from..end {
            self.arrive(now, number, news);
        }
        self.find_lost(now, request, patience, news);
    }

    fn find_lost(&mut self, now: Duration, request: Request<'_>, patience: Patience, news: &mut News) {
        for wire in request.missing() {
            let hole = widen(self.first, wire);
            let Some(place) = self.place(hole) else { continue };
            let Some(Some(sent)) = self.sent.get(place) else { continue };
            let overtaken = self.arrived.saturating_sub(hole) > limits::REORDERED_PACKETS && !sent.again;
            let patience = if overtaken { patience.overtaken } else { patience.otherwise };
            if now.saturating_sub(sent.at) < patience {
                continue;
            }
            let bytes = self.mark_lost(place);
            news.lost += bytes;
            news.lost_packets += usize::from(bytes > 0);
        }
    }
}
