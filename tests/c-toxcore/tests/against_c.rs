//! Sessions of `toxnet` with the unmodified library: no DHT, no onion, no relay.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may panic, and sockets need the clock.

use std::time::Duration;

use c_toxcore::{C, R};
use tox::{Connection, Event as CEvent};
use toxnet::KeyPair;
use toxnet::session::{Ended, Event, Urgency};

/// A pair of friends; the library does not know R's DHT key or address.
fn friends() -> (R, C) {
    let (r, c) = (R::start(), C::start());
    c.befriend(&r.key());
    (r, c)
}

fn connect(r: &mut R, c: &C) {
    r.connect(&c.key(), c.dht_key(), c.address());
    let key = r.key();
    r.until(30, |r| r.online.contains(&c.key()) && c.is_online(&key));
}

fn numbered(number: u32, length: usize) -> Vec<u8> {
    let mut data = vec![160; length];
    data[1..5].copy_from_slice(&number.to_be_bytes());
    data
}

fn number(data: &[u8]) -> u32 {
    u32::from_be_bytes(data[1..5].try_into().unwrap())
}

/// What the library was given of numbered packets, and what R was.
#[derive(Default)]
struct Got {
    c: Vec<u32>,
    r: Vec<u32>,
}

impl Got {
    fn take(&mut self, r: &mut R, c: &C) {
        for event in c.events() {
            if let CEvent::Packet { bytes, .. } = event {
                self.c.push(number(&bytes));
            }
        }
        self.r.extend(r.packets.drain(..).filter(|data| data[0] == 160).map(|data| number(&data)));
    }
}

/// Sends so many packets both ways at once; all arrive, once and in order.
fn both_ways(r: &mut R, c: &C, count: u32, length: usize, seconds: u64) {
    c.send_all(&r.key(), (0..count).map(move |number| numbered(number, length)));
    let (mut got, mut next) = (Got::default(), 0);
    r.until(seconds, |r| {
        while next < count && r.sessions.send(&c.key(), Urgency::Bulk, numbered(next, length)).is_ok() {
            next += 1;
        }
        got.take(r, c);
        got.c.len() >= count as usize && got.r.len() >= count as usize
    });
    assert!(got.c.iter().copied().eq(0..count) && got.r.iter().copied().eq(0..count));
}

#[test]
fn they_meet_and_talk_in_order() {
    let (mut r, c) = friends();
    let began = r.now();
    connect(&mut r, &c);
    assert!(r.now() - began < Duration::from_secs(3), "{:?}", r.now() - began);
    both_ways(&mut r, &c, 3000, 1373, 60);
}

#[test]
fn with_one_percent_of_all_packets_lost() {
    let (mut r, c) = friends();
    r.loss = 1;
    connect(&mut r, &c);
    both_ways(&mut r, &c, 3000, 1000, 90);
}

#[test]
fn with_five_percent_of_all_packets_lost() {
    let (mut r, c) = friends();
    r.loss = 5;
    connect(&mut r, &c);
    both_ways(&mut r, &c, 1500, 1000, 120);
}

#[test]
fn past_the_end_of_the_two_bytes_of_a_nonce_that_are_sent() {
    let (mut r, c) = friends();
    connect(&mut r, &c);
    // Only R's way: the library paces small packets like large ones, and would take minutes.
    let (count, mut got, mut next) = (70_000, Got::default(), 0);
    r.until(120, |r| {
        while next < count && r.sessions.send(&c.key(), Urgency::Bulk, numbered(next, 5)).is_ok() {
            next += 1;
        }
        got.take(r, &c);
        got.c.len() >= count as usize
    });
    assert!(got.c.iter().copied().eq(0..count));
    both_ways(&mut r, &c, 10, 100, 10);
}

#[test]
fn signs_of_life_keep_an_idle_session_beyond_32_seconds() {
    let (mut r, c) = friends();
    connect(&mut r, &c);
    let end = r.now() + Duration::from_secs(36);
    let key = r.key();
    r.until(60, |r| {
        assert!(c.is_online(&key), "the library gave up after {:?}", r.now());
        assert!(r.online.contains(&c.key()), "{:?}", r.events);
        r.now() >= end
    });
    both_ways(&mut r, &c, 10, 100, 10);
}

#[test]
fn an_end_is_told_and_a_new_session_stands_at_once() {
    let (mut r, c) = friends();
    connect(&mut r, &c);
    let (now, key) = (r.now(), r.key());
    let _ = c.events();
    r.sessions.close(now, &c.key());
    let mut offline = false;
    r.until(5, |_| {
        offline |= c
            .events()
            .iter()
            .any(|event| matches!(event, CEvent::FriendConnection { connection: Connection::None, .. }));
        offline
    });
    r.online.clear();
    let began = r.now();
    r.connect(&c.key(), c.dht_key(), c.address());
    r.until(5, |r| r.online.contains(&c.key()) && c.is_online(&key));
    assert!(r.now() - began < Duration::from_secs(2), "{:?}", r.now() - began);
    both_ways(&mut r, &c, 10, 100, 10);
}

#[test]
fn the_library_ends_a_session_and_r_hears_of_it() {
    let (mut r, c) = friends();
    connect(&mut r, &c);
    let peer = c.key();
    drop(c);
    r.until(10, |r| r.events.contains(&Event::Ended { peer, reason: Ended::ByPeer }));
}

#[test]
fn after_a_restart_with_a_new_dht_key_the_library_takes_the_new_session_at_once() {
    let real = KeyPair::generate(&mut rand_core::OsRng);
    let (mut r, c) = (R::with_identity(real.clone()), C::start());
    c.befriend(&r.key());
    connect(&mut r, &c);
    // It is gone without a word.
    drop(r);
    let _ = c.events();
    let mut r = R::with_identity(real);
    let began = r.now();
    connect(&mut r, &c);
    r.until(10, |r| r.online.contains(&c.key()));
    assert!(r.now() - began < Duration::from_secs(3), "{:?}", r.now() - began);
    both_ways(&mut r, &c, 10, 100, 10);
}
