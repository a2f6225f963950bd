//! What the library does, seen by a peer that builds every packet by itself. The rules of `toxnet` rest on these; if one
//! fails with a later version of the library, PROTOCOL.md has to change.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may panic, and sockets need the clock.

use std::time::{Duration, Instant};

use c_toxcore::{C, Probe};
use toxnet::packet::id;
use toxnet::packet::request::Request;

const SOON: Duration = Duration::from_secs(3);

/// A friend of a library that does not know the friend's DHT key, with a session.
fn met() -> (Probe, C) {
    let (mut probe, c) = (Probe::new(), C::start());
    c.befriend(&probe.real.public());
    assert!(probe.shake(&c, SOON));
    // Data that opens with the nonce of our own handshake confirms us.
    probe.send(0, 0, &[id::REQUEST]);
    (probe, c)
}

fn is_request(data: &[u8]) -> bool {
    data.first() == Some(&id::REQUEST)
}

#[test]
fn a_friend_with_an_unknown_dht_key_is_taken() {
    let (mut probe, c) = met();
    probe.send(0, 0, &[id::ONLINE]);
    assert!(probe.wait_for(SOON, |came| came.data == [id::ONLINE]).is_some());
    let end = Instant::now() + SOON;
    while !c.is_online(&probe.real.public()) {
        assert!(probe.next(end.saturating_duration_since(Instant::now())).is_some(), "not online");
    }
}

#[test]
fn a_stranger_gets_a_cookie_but_no_handshake() {
    let (mut probe, c) = (Probe::new(), C::start());
    assert!(!probe.shake(&c, Duration::from_secs(1)));
}

#[test]
fn an_idle_session_brings_a_request_a_second() {
    let (mut probe, _c) = met();
    let mut times = Vec::new();
    // The first ones come early.
    while times.len() < 6 {
        let came = probe.wait_for(SOON, |came| is_request(&came.data)).unwrap();
        probe.send(came.header.number, 0, &[id::REQUEST]);
        times.push(came.at);
    }
    let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).skip(2).collect();
    let second = Duration::from_millis(900)..Duration::from_millis(1300);
    assert!(gaps.iter().all(|gap| second.contains(gap)), "{gaps:?}");
}

#[test]
fn a_missing_tail_that_a_request_announces_is_asked_for() {
    let (mut probe, _c) = met();
    probe.send(0, 2, &[id::REQUEST]);
    let missing = |data: &[u8]| Request::parse(0, data).map_or(0, |request| request.missing().count());
    let came = probe.wait_for(SOON, |came| is_request(&came.data) && missing(&came.data) == 2);
    assert!(came.is_some());
}

#[test]
fn a_packet_with_an_older_ack_is_lost_and_the_same_one_with_the_present_ack_is_taken() {
    let (mut probe, _c) = met();
    // It sends something itself, which is acknowledged.
    let own = probe.wait_for(SOON, |came| !is_request(&came.data)).unwrap();
    let ack = own.header.number + 1;
    probe.send(ack, 0, &[id::REQUEST]);
    probe.send(ack - 1, 0, &[id::ALIVE]);
    let old = probe.wait_for(Duration::from_millis(1500), |came| came.header.ack == 1);
    assert!(old.is_none(), "{old:?}");
    probe.send(ack, 0, &[id::ALIVE]);
    assert!(probe.wait_for(SOON, |came| came.header.ack == 1).is_some());
}

#[test]
fn ids_that_mean_nothing_do_no_harm() {
    let (mut probe, _c) = met();
    probe.send(0, 0, &[3, 1, 2]);
    probe.send(0, 0, &[15]);
    probe.send(0, 0, &[255]);
    probe.send(0, 0, &[id::ALIVE]);
    assert!(probe.wait_for(SOON, |came| came.header.ack == 1).is_some());
}

#[test]
fn a_second_handshake_is_taken_at_once_only_with_another_dht_key_from_another_address() {
    let (mut probe, c) = met();
    let confirmed = probe.wait_for(SOON, |came| is_request(&came.data));
    assert!(confirmed.is_some());
    let within = Duration::from_secs(1);
    assert!(!probe.shake(&c, within));
    let mut same_address = probe.beside();
    same_address.real = probe.real.clone();
    assert!(!same_address.shake(&c, within));
    let mut same_key = Probe::new();
    (same_key.real, same_key.dht) = (probe.real.clone(), probe.dht.clone());
    assert!(!same_key.shake(&c, within));
    let mut neither = Probe::new();
    neither.real = probe.real.clone();
    assert!(neither.shake(&c, SOON));
}

#[test]
fn after_a_kill_a_new_session_stands_at_once() {
    let (mut probe, c) = met();
    probe.send(0, 0, &[id::KILL]);
    let began = Instant::now();
    while !probe.shake(&c, Duration::from_millis(300)) {
        assert!(began.elapsed() < SOON);
    }
}

#[test]
fn without_signs_of_life_a_session_ends_after_32_seconds() {
    let (mut probe, _c) = met();
    let (began, mut ack) = (Instant::now(), 0);
    loop {
        let came = probe.next(SOON).unwrap();
        if came.data == [id::KILL] {
            break;
        }
        // Requests alone, and acks, so that nothing else can be the reason.
        ack = ack.max(came.header.number + u32::from(!is_request(&came.data)));
        probe.send(ack, 0, &[id::REQUEST]);
        assert!(began.elapsed() < Duration::from_secs(45));
    }
    assert!(began.elapsed() > Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_second_friend_with_the_same_dht_key_or_address_gets_no_answer() {
    let (probe, c) = met();
    let mut same_address = probe.beside();
    c.befriend(&same_address.real.public());
    assert!(!same_address.shake(&c, Duration::from_secs(1)));
    let mut same_key = Probe::new();
    same_key.dht = probe.dht.clone();
    c.befriend(&same_key.real.public());
    assert!(!same_key.shake(&c, Duration::from_secs(1)));
    let mut neither = Probe::new();
    c.befriend(&neither.real.public());
    assert!(neither.shake(&c, SOON));
}
