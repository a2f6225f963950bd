//! The pacer against a model of c-toxcore's congestion control.
//!
//! What happened: with 1 % of the packets lost, a sender that used up all its rights fell from 0.4 MB/s to
//! 20 KB/s within 20 s and stayed there; without loss, two peers that sent to each other at once did the same.

use super::*;

/// The rules of `send_crypto_packets` in c-toxcore 0.2.18, at one turn per millisecond, over a network
/// where peers ask for what they miss every 60 ms.
struct Model {
    now: u64,
    sent: Vec<u64>,
    resent: Vec<u64>,
    slice_at: u64,
    rate: f64,
    rate_requested: f64,
    left: f64,
    left_at: u64,
    requested: f64,
    requested_at: u64,
    congested_at: Option<u64>,
    /// Lost, not yet asked for; then asked for.
    lost: u64,
    missing: u64,
    loss_percent: u64,
    random: u64,
}

impl Model {
    fn new(loss_percent: u64) -> Self {
        Self {
            now: 0,
            sent: vec![0; 13],
            resent: vec![0; 13],
            slice_at: 0,
            rate: 4.0,
            rate_requested: 4.0,
            left: 64.0,
            left_at: 0,
            requested: 64.0,
            requested_at: 0,
            congested_at: None,
            lost: 0,
            missing: 0,
            loss_percent,
            random: 1,
        }
    }

    fn turn(&mut self) {
        self.now += 1;
        if self.now.is_multiple_of(60) {
            self.missing += std::mem::take(&mut self.lost);
        }
        if self.slice_at + 50 < self.now {
            self.slice_at = self.now;
            let total: u64 = self.sent[1..].iter().sum();
            let again: u64 = self.resent[1..].iter().sum();
            self.sent.remove(0);
            self.sent.push(0);
            self.resent.remove(0);
            self.resent.push(0);
            let least = (total as f64 / 0.6).max(4.0);
            let congested = self.congested_at.is_some_and(|at| at + 1000 >= self.now);
            self.rate = (least * if congested { 0.9 } else { 1.2 }).max(4.0);
            self.rate_requested = ((total + again) as f64 / 0.6 * 1.2).max(self.rate);
        }
        if (1000.0 / self.rate + 0.5) as u64 + self.left_at <= self.now {
            let renewed = self.rate * (self.now - self.left_at) as f64 / 1000.0;
            self.left = (self.left + renewed).min(renewed * 4.0 + 64.0);
            self.left_at = self.now;
        }
        if (1000.0 / self.rate_requested + 0.5) as u64 + self.requested_at <= self.now {
            self.requested = self.rate_requested * (self.now - self.requested_at) as f64 / 1000.0;
            self.requested_at = self.now;
        }
        self.requested = self.requested.max(self.left);
        self.resend();
    }

    fn resend(&mut self) {
        if self.requested < 1.0 {
            return;
        }
        let again = self.missing.min(self.requested as u64);
        self.missing -= again;
        self.requested -= again as f64;
        *self.resent.last_mut().unwrap() += again;
        if again < self.left as u64 {
            self.left -= again as f64;
        } else {
            self.congested_at = Some(self.now);
            self.left = 0.0;
        }
    }

    /// Whether a packet is taken.
    fn send(&mut self) -> bool {
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        self.requested -= 1.0;
        *self.sent.last_mut().unwrap() += 1;
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.lost += u64::from((self.random >> 33) % 100 < self.loss_percent);
        true
    }
}

/// Packets sent in the last of so many seconds, by a sender that always has more.
fn last_second(loss_percent: u64, seconds: u64, paced: bool) -> u64 {
    let mut model = Model::new(loss_percent);
    let mut pacer = Pacer::new(Duration::ZERO);
    let mut last = 0;
    for millisecond in 0..seconds * 1000 {
        model.turn();
        let now = Duration::from_millis(model.now);
        // What the link carries in a millisecond: 27 MB/s.
        let allowance = if paced { pacer.allowance(now).min(20) } else { 20 };
        let taken = (0..allowance).take_while(|_| model.send()).count();
        pacer.sent(taken);
        if taken < allowance {
            pacer.refused(now);
        }
        if millisecond >= (seconds - 1) * 1000 {
            last += taken as u64;
        }
    }
    last
}

#[test]
fn a_paced_sender_grows_without_loss() {
    assert!(last_second(0, 15, true) > 8000, "{}", last_second(0, 15, true));
}

#[test]
fn a_paced_sender_grows_in_spite_of_loss_where_a_greedy_one_starves() {
    let (paced, greedy) = (last_second(1, 20, true), last_second(1, 20, false));
    assert!(paced > 2000, "{paced}");
    assert!(greedy < 300, "the model shows what was seen: {greedy}");
}

#[test]
fn a_pause_gives_no_more_than_an_idle_connection_has() {
    let mut pacer = Pacer::new(Duration::ZERO);
    let first = pacer.allowance(Duration::ZERO);
    assert_eq!(first, 56);
    pacer.sent(first);
    assert_eq!(pacer.allowance(Duration::ZERO), 0);
    assert_eq!(pacer.allowance(Duration::from_secs(3600)), 56);
}

#[test]
fn after_a_refusal_nothing_goes_for_a_while() {
    let mut pacer = Pacer::new(Duration::ZERO);
    pacer.refused(Duration::ZERO);
    assert_eq!(pacer.allowance(Duration::from_millis(249)), 0);
    let later: usize = (250..1000).map(|now| pacer.allowance(Duration::from_millis(now))).max().unwrap();
    assert!(later > 0, "the least rate goes on");
}
