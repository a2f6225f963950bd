//! How fast packets leave: a rate that follows what arrives, and a bound on what is on the way.
//!
//! The rate comes first, because a C peer acknowledges in lumps 50 to 100 ms apart: whoever sends when acks come
//! sends in lumps too, and overflows the receiver's socket. The bound comes second, because a C peer that is slower
//! than the sender sends no acks at all until its socket is empty.

mod bandwidth;
mod times;

use std::time::Duration;

use bandwidth::Bandwidth;
use times::Times;

use super::window::{News, Patience};
use crate::limits;

/// What is remembered with each sent packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Bytes that had arrived when it left.
    delivered: u64,
    /// When it left.
    pub(super) sent_at: Duration,
}

/// Where a session is in the search for its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The rate doubles each round, until rounds bring nothing more.
    Start { best: u64, poor_rounds: u32 },
    /// What the start put into queues drains.
    Drain,
    /// The rate is kept, and tried a little higher one round in eight.
    Steady { round: u32 },
}

/// A round: from a packet's leaving to its arrival, and not shorter than a few milliseconds.
#[derive(Clone, Copy, Debug)]
struct Round {
    began: Duration,
    /// Bytes that had arrived when it began.
    delivered: u64,
    /// A packet that left with so many bytes arrived ends it.
    ends: u64,
    lost: u64,
    lost_packets: usize,
    /// The application had nothing to send at times, so the round tells only what is possible at least.
    limited: bool,
    most_in_flight: u64,
}

/// The pace of one session.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Phase,
    bandwidth: Bandwidth,
    times: Times,
    delivered: u64,
    round: Round,
    /// What losses leave of the bound in flight.
    bound: u64,
    /// The round before was lossy: what this one loses was sent too early to know.
    yielded: bool,
    /// When the next packet may leave.
    free_at: Duration,
    /// Which of the steady rounds comes first.
    offset: u32,
}

const PACKET: u64 = limits::PACKET_BYTES as u64;

impl Pace {
    /// Begins at `remembered` bytes per second, or else with the few packets that Tox starts with. `offset` shifts the
    /// probing, so that sessions do not all probe at once.
    pub(super) fn new(now: Duration, round_trip: Duration, remembered: Option<u64>, offset: u32) -> Self {
        let spread = round_trip.clamp(limits::START_SPREAD_LEAST, limits::START_SPREAD_MOST);
        let guess = limits::START_PACKETS * PACKET * 1000 / millis(spread);
        let phase = match remembered {
            Some(_) => Phase::Steady { round: offset % limits::PROBE_ROUNDS },
            None => Phase::Start { best: 0, poor_rounds: 0 },
        };
        Self {
            phase,
            bandwidth: Bandwidth::guess(remembered.map_or(guess, |rate| rate.max(guess))),
            times: Times::new(now, round_trip),
            delivered: 0,
            round: Round::begin(now, 0, true),
            bound: u64::MAX,
            yielded: false,
            free_at: now,
            offset,
        }
    }

    /// Bytes per second that arrive at best.
    pub(super) fn bandwidth(&self) -> u64 {
        self.bandwidth.get()
    }

    /// The least round trip of late, which leaves out the peer's wait.
    pub(super) fn round_trip(&self) -> Duration {
        self.times.least()
    }

    /// How long to wait for news before the last packet is sent again.
    pub(super) fn tail_wait(&self) -> Duration {
        (self.times.smooth() * 3 / 2).max(limits::TAIL_LEAST) + self.times.feedback()
    }

    /// How old listed packets must be to count as lost.
    pub(super) fn patience(&self) -> Patience {
        let margin = limits::JITTER;
        Patience {
            overtaken: self.times.least() + margin,
            otherwise: self.times.smooth() * 5 / 4 + self.times.feedback() + margin,
        }
    }

    /// Whether another packet fits with what is on the way.
    pub(super) fn has_room(&self, in_flight: usize) -> bool {
        in_flight as u64 + PACKET <= self.most_in_flight()
    }

    /// When the next packet may leave.
    pub(super) fn free_at(&self) -> Duration {
        self.free_at
    }

    fn most_in_flight(&self) -> u64 {
        let way = micros(self.times.least() + self.times.feedback());
        let product = self.bandwidth.get().saturating_mul(way) / 1_000_000;
        let wanted = match self.phase {
            Phase::Drain => product,
            _ => 2 * product,
        };
        let least = limits::START_PACKETS * PACKET;
        (wanted + least).min(self.bound.max(least)).min(limits::SENT_PACKETS as u64 * PACKET)
    }

    /// Bytes per second to send now.
    fn rate(&self) -> u64 {
        let bandwidth = self.bandwidth.get();
        match self.phase {
            Phase::Start { .. } => bandwidth * 2,
            Phase::Drain => bandwidth / 2,
            // Two rounds, because one with a loss in it is measured together with the next.
            Phase::Steady { round: 0 | 1 } => bandwidth + bandwidth / 4,
            Phase::Steady { round: 2 } => bandwidth - bandwidth / 4,
            Phase::Steady { .. } => bandwidth,
        }
    }

    /// A packet leaves.
    pub(super) fn sent(&mut self, now: Duration, bytes: usize, in_flight: usize) -> Mark {
        if in_flight == 0 {
            self.round = Round::begin(now, self.delivered, true);
        }
        let rate = self.rate();
        let burst = time_of(limits::BURST_PACKETS * PACKET, rate);
        self.free_at = self.free_at.max(now.saturating_sub(burst)) + time_of(bytes as u64, rate);
        self.round.most_in_flight = self.round.most_in_flight.max((in_flight + bytes) as u64);
        Mark { delivered: self.delivered, sent_at: now }
    }

    /// The application had nothing more to send.
    pub(super) fn ran_dry(&mut self) {
        self.round.limited = true;
    }

    /// Something arrived, or was found lost.
    pub(super) fn news(&mut self, now: Duration, news: &News, in_flight: usize) {
        self.round.lost += news.lost as u64;
        self.round.lost_packets += news.lost_packets;
        if news.delivered > 0 {
            self.times.news(now, in_flight == 0);
            self.delivered += news.delivered as u64;
        }
        if let Some(age) = news.round_trip {
            self.times.round_trip(now, age);
        }
        let Some(newest) = news.newest else { return };
        let took = now.saturating_sub(self.round.began);
        if newest.delivered >= self.round.ends && took >= limits::ROUND_LEAST {
            self.end_round(now, took, in_flight as u64);
        }
    }

    fn end_round(&mut self, now: Duration, took: Duration, in_flight: u64) {
        let round = std::mem::replace(&mut self.round, Round::begin(now, self.delivered, false));
        let arrived = self.delivered - round.delivered;
        let rate = arrived.saturating_mul(1_000_000) / micros(took);
        let known = self.bandwidth.get();
        if !round.limited || rate > known {
            self.bandwidth.round(rate);
        }
        let lossy = round.lost_packets >= limits::LOSS_PACKETS_LEAST
            && round.lost * 100 > (round.lost + arrived) * limits::LOSS_PERCENT;
        let yielded = self.yielded;
        self.yielded = lossy && !yielded;
        if lossy && !yielded {
            self.yield_to_loss(rate, round.most_in_flight);
        } else if lossy {
            // Nothing more to do.
        } else if !round.limited && matches!(self.phase, Phase::Steady { .. }) {
            self.bound = self.grown().min(2 * self.drained());
        }
        let grew = rate > known + known / 10;
        self.next_phase(round.limited, lossy, grew, in_flight);
    }

    fn yield_to_loss(&mut self, rate: u64, most_in_flight: u64) {
        self.bandwidth.forget_above(rate);
        self.bound = (self.bound.min(most_in_flight) / 10 * 7).max(limits::START_PACKETS * PACKET);
    }

    /// The bound in flight after a round without loss. It grows by half the square root of the packets, so that small
    /// shares of a line grow faster than large ones, and yet large ones soon.
    fn grown(&self) -> u64 {
        let packets = self.bound / PACKET;
        self.bound.saturating_add((packets.isqrt() / 2).max(1).saturating_mul(PACKET))
    }

    fn next_phase(&mut self, limited: bool, lossy: bool, grew: bool, in_flight: u64) {
        let bandwidth = self.bandwidth.get();
        self.phase = match self.phase {
            Phase::Start { .. } if lossy => Phase::Drain,
            Phase::Start { best, .. } if bandwidth >= best + best / 4 => {
                Phase::Start { best: bandwidth, poor_rounds: 0 }
            }
            start @ Phase::Start { .. } if limited => start,
            Phase::Start { poor_rounds, .. } if poor_rounds + 1 >= limits::POOR_ROUNDS => Phase::Drain,
            Phase::Start { best, poor_rounds } => Phase::Start { best, poor_rounds: poor_rounds + 1 },
            Phase::Drain if in_flight > self.drained() => Phase::Drain,
            Phase::Drain => Phase::Steady { round: self.offset % limits::PROBE_ROUNDS },
            // What has just brought more may bring more still.
            Phase::Steady { .. } if grew && !lossy => Phase::Steady { round: 0 },
            Phase::Steady { round } => Phase::Steady { round: (round + 1) % limits::PROBE_ROUNDS },
        };
    }

    /// Once so much is on the way, no queue stands that we filled.
    fn drained(&self) -> u64 {
        let way = micros(self.times.least() + self.times.feedback());
        self.bandwidth.get().saturating_mul(way) / 1_000_000 + limits::BURST_PACKETS * PACKET
    }
}

impl Round {
    fn begin(now: Duration, delivered: u64, limited: bool) -> Self {
        Self { began: now, delivered, ends: delivered, lost: 0, lost_packets: 0, limited, most_in_flight: 0 }
    }
}

/// How long so many bytes take.
fn time_of(bytes: u64, rate: u64) -> Duration {
    Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / rate.max(1))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}
