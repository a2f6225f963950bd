//! One session from the peer's handshake to its end: the channel, both halves of the stream, the pace, the timers.

mod timers;

use std::net::SocketAddr;
use std::time::Duration;

use timers::Timers;

use super::channel::Channel;
use super::lanes::{Lanes, Urgency};
use super::pace::Pace;
use super::receive::{Arrival, Receiver};
use super::window::{News, Window, packet_bytes};
use crate::key::PublicKey;
use crate::limits;
use crate::packet::data::Header;
use crate::packet::id::{self, Class};
use crate::packet::request::Request;

/// A session with a peer whose handshake has come.
#[derive(Debug)]
pub(super) struct Connection {
    channel: Channel,
    /// Where the peer is.
    pub(super) at: SocketAddr,
    /// The peer's DHT key.
    pub(super) dht: PublicKey,
    /// The peer's key for this session.
    pub(super) session: PublicKey,
    /// When the cookie in the peer's handshake was made.
    pub(super) cookie_made: u64,
    /// Our handshake, repeated unchanged.
    handshake: Vec<u8>,
    receiver: Receiver,
    window: Window,
    lanes: Lanes,
    pace: Pace,
    timers: Timers,
    /// Data flows in both directions at present.
    both_ways: bool,
    /// The application was refused a packet, and hears when there is room.
    refused: bool,
}

/// What is known when a session begins.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) channel: Channel,
    pub(super) at: SocketAddr,
    pub(super) dht: PublicKey,
    pub(super) session: PublicKey,
    pub(super) cookie_made: u64,
    pub(super) handshake: Vec<u8>,
    /// What the cookie took, if we asked for one.
    pub(super) round_trip: Option<Duration>,
    /// The rate of the last session with this peer.
    pub(super) remembered: Option<u64>,
    /// Where probing begins.
    pub(super) offset: u32,
    /// First number of both directions.
    pub(super) first: u32,
    /// Our handshake has left already.
    pub(super) greeted: bool,
}

/// What a packet did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// It was the first that opened.
    pub(super) confirmed: bool,
    /// The peer ended the session.
    pub(super) killed: bool,
}

impl Connection {
    pub(super) fn new(now: Duration, begin: Beginning) -> Self {
        let round_trip = begin.round_trip.unwrap_or(limits::ROUND_TRIP_GUESS);
        Self {
            channel: begin.channel,
            at: begin.at,
            dht: begin.dht,
            session: begin.session,
            cookie_made: begin.cookie_made,
            handshake: begin.handshake,
            receiver: Receiver::new(now, begin.first),
            window: Window::new(begin.first),
            lanes: Lanes::default(),
            pace: Pace::new(now, round_trip, begin.remembered, begin.offset),
            timers: Timers::new(now, begin.greeted),
            both_ways: false,
            refused: false,
        }
    }

    /// Whether a data packet of the peer has been opened.
    pub(super) fn is_confirmed(&self) -> bool {
        self.timers.is_confirmed()
    }

    /// When the peer was last heard.
    pub(super) fn heard(&self) -> Duration {
        self.timers.heard()
    }

    /// Whether the peer counts as gone, and so the session as ended.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.timers.is_over(now)
    }

    /// Bytes per second that the way carried.
    pub(super) fn bandwidth(&self) -> u64 {
        self.pace.bandwidth()
    }

    /// Our handshake is wanted again: the peer repeats its own.
    pub(super) fn repeat_handshake(&mut self, now: Duration) {
        self.timers.repeat_handshake(now);
    }

    /// Takes a data packet. `None` where it is not of this session.
    pub(super) fn datagram(&mut self, now: Duration, packet: &mut [u8]) -> Option<Effect> {
        let (header, data) = self.channel.open(packet).ok()?;
        self.both_ways = self.timers.sent_lately(now);
        let mut effect = Effect { confirmed: self.timers.confirm(now), killed: false };
        if !self.window.is_possible(header.ack) {
            return Some(effect);
        }
        let mut news = News::default();
        self.window.acknowledged(now, header.ack, &mut news);
        let class = Class::of(data.first().copied().unwrap_or_default());
        match class {
            Class::Lossless => {
                if self.receiver.lossless(now, header.number, data) == Arrival::New {
                    self.timers.hear(now);
                }
            }
            Class::Request => {
                self.receiver.announced(now, header.number);
                if let Ok(request) = Request::parse(header.ack, data) {
                    self.window.listed(now, request, self.pace.patience(), &mut news);
                }
                self.timers.hear(now);
            }
            Class::Lossy => {
                self.receiver.announced(now, header.number);
                self.timers.hear(now);
            }
            Class::Kill => effect.killed = true,
            Class::Padding | Class::Ignored => {}
        }
        self.take_news(now, &news);
        Some(effect)
    }

    fn take_news(&mut self, now: Duration, news: &News) {
        self.pace.news(now, news, self.window.in_flight());
        if news.delivered > 0 {
            self.timers.progress(now, (self.window.waiting() > 0).then(|| self.pace.tail_wait()));
        }
    }

    /// Puts a packet into its lane; `false` where that is full.
    pub(super) fn send(&mut self, urgency: Urgency, data: Vec<u8>) -> bool {
        let room = self.room();
        if !self.lanes.has_room(urgency, room) {
            self.refused = true;
            return false;
        }
        self.lanes.push(urgency, data);
        true
    }

    /// What the bulk lane may hold.
    fn room(&self) -> usize {
        let waiting = self.pace.bandwidth().saturating_mul(limits::BULK_MILLIS) / 1000;
        usize::try_from(waiting)
            .unwrap_or(usize::MAX)
            .clamp(limits::BULK_BYTES_LEAST, limits::BULK_BYTES_MOST)
    }

    /// Whether the application, once refused, may go on. Says so once.
    pub(super) fn has_room_again(&mut self) -> bool {
        let again = self.refused && self.lanes.has_room(Urgency::Bulk, self.room() / 2);
        self.refused &= !again;
        again
    }

    /// The next packet in order. The peer's signs of life are not for the application.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        loop {
            let data = self.receiver.take()?;
            if data.first() != Some(&id::ALIVE) {
                return Some(data);
            }
        }
    }

    /// Whether the application has something to take.
    pub(super) fn has_ready(&self) -> bool {
        self.receiver.has_ready()
    }

    /// Appends the next packet that is due to `out`. `false` where none is.
    pub(super) fn poll_transmit(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        if self.timers.handshake_due(now) {
            out.extend_from_slice(&self.handshake);
            return true;
        }
        if self.timers.alive_due(now) {
            self.lanes.push_first(vec![id::ALIVE]);
        }
        if self.request_due() <= now {
            return self.send_request(now, out);
        }
        if let Some(sent) = self.send_tail(now, out) {
            return sent;
        }
        if self.pace.free_at() > now {
            return false;
        }
        self.send_lost(now, out) || self.send_new(now, out)
    }

    fn request_due(&self) -> Duration {
        self.timers.request_due(self.receiver.request_due(self.both_ways, self.pace.round_trip()))
    }

    fn send_request(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        let (ack, body) = self.receiver.request(now, self.both_ways, self.pace.round_trip());
        self.timers.requested();
        self.channel.seal(Header { ack, number: self.window.next() }, &body, out)
    }

    /// After silence: the last packet again, then a request packet, which tells the peer where the end is.
    fn send_tail(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<bool> {
        if self.timers.burst_due(now) {
            self.window.give_up_young();
        }
        if self.window.waiting() == 0 || !self.timers.tail_due(now) {
            return None;
        }
        self.timers.tail_sent(now, self.pace.tail_wait());
        let mark = self.pace.sent(now, 0, self.window.in_flight());
        let ack = self.receiver.ack(now, true);
        let (number, data) = self.window.resend_last(now, mark)?;
        Some(self.channel.seal(Header { ack, number }, data, out))
    }

    fn send_lost(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        // The bound in flight does not hold here: what was lost has left it, and nothing else ends the wait.
        if !self.window.has_lost() {
            return false;
        }
        let mark = self.pace.sent(now, limits::PACKET_BYTES, self.window.in_flight());
        let ack = self.receiver.ack(now, self.both_ways);
        let Some((number, data)) = self.window.resend(now, mark) else { return false };
        self.channel.seal(Header { ack, number }, data, out)
    }

    fn send_new(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        if !self.is_confirmed() || !self.window.has_room() || !self.pace.has_room(self.window.in_flight()) {
            return false;
        }
        let Some(data) = self.lanes.pop() else {
            self.pace.ran_dry();
            return false;
        };
        let alone = self.window.waiting() == 0;
        let mark = self.pace.sent(now, packet_bytes(data.len()), self.window.in_flight());
        let header = Header { ack: self.receiver.ack(now, self.both_ways), number: self.window.next() };
        let sealed = self.channel.seal(header, &data, out);
        let is_alive = data.first() == Some(&id::ALIVE);
        self.window.push(now, data, mark);
        self.timers.sent(
            now,
            alone,
            is_alive,
            self.window.waiting(),
            self.pace.tail_wait(),
            self.burst_wait(),
        );
        sealed
    }

    fn burst_wait(&self) -> Duration {
        (self.pace.round_trip() / 2).max(limits::BURST_WAIT_LEAST)
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Duration {
        let mut due = self.timers.deadline(self.window.waiting() > 0).min(self.request_due());
        let has_new = self.is_confirmed() && self.window.has_room() && !self.lanes.is_empty();
        if self.window.has_lost() || (has_new && self.pace.has_room(self.window.in_flight())) {
            due = due.min(self.pace.free_at());
        }
        due
    }

    /// Ends it: what is left is the channel, and the header its last packets carry.
    pub(super) fn end(mut self, now: Duration) -> (Channel, Header, SocketAddr) {
        let header = Header { ack: self.receiver.ack(now, true), number: self.window.next() };
        (self.channel, header, self.at)
    }
}
