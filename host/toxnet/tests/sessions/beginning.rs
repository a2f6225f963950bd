//! How sessions begin: cookies, handshakes, who is let in.

use std::time::Duration;

use toxnet::session::{Ended, Event};

use crate::network::{GOOD, Link, Network, address};

const HANDSHAKE: u8 = 0x1a;

#[test]
fn it_takes_two_round_trips() {
    let mut network = Network::new(20, 2, GOOD);
    network.make_friends(0, 1);
    let began = network.now;
    network.connect(0, 1);
    network.until_established(0, 1);
    assert!(network.now - began <= Duration::from_millis(100), "{:?}", network.now - began);
    let (a, b) = (network.key(0), network.key(1));
    assert_eq!(network.hosts[0].events, [Event::Established { peer: b }]);
    assert_eq!(network.hosts[1].events, [Event::Established { peer: a }]);
}

#[test]
fn both_may_begin_at_once() {
    for seed in 0..20 {
        let mut network =
            Network::new(seed, 2, Link { jitter: Duration::from_millis(30), loss_percent: 20, ..GOOD });
        network.seen = Some(Vec::new());
        network.make_friends(0, 1);
        network.connect(0, 1);
        network.pass(Duration::from_millis(seed * 5));
        network.connect(1, 0);
        network.until_established(0, 1);
        network.send(0, 1, &[160, 1]);
        network.send(1, 0, &[160, 2]);
        network.until(10, |network| !network.packets(0).is_empty() && !network.packets(1).is_empty());
        // Repetitions are unchanged.
        let seen = network.seen.as_ref().unwrap();
        for host in [0, 1] {
            let mut handshakes: Vec<&[u8]> = seen
                .iter()
                .filter(|seen| seen.from == host && seen.packet[0] == HANDSHAKE)
                .map(|seen| &seen.packet[..])
                .collect();
            handshakes.dedup();
            assert_eq!(handshakes.len(), 1);
        }
    }
}

#[test]
fn a_cookie_is_asked_for_at_first_often_then_every_second_and_then_no_more() {
    let mut network = Network::new(21, 2, GOOD);
    network.make_friends(0, 1);
    network.hosts[1].awake = false;
    network.seen = Some(Vec::new());
    let began = network.now;
    network.connect(0, 1);
    network.pass(Duration::from_secs(30));
    let times: Vec<u128> =
        network.seen.as_ref().unwrap().iter().map(|seen| (seen.at - began).as_millis()).collect();
    assert_eq!(times, [0, 300, 1000, 2000, 3000, 4000, 5000, 6000]);
    let peer = network.key(1);
    assert_eq!(network.hosts[0].events, [Event::Ended { peer, reason: Ended::Unanswered }]);
}

#[test]
fn strangers_get_a_cookie_but_no_session() {
    let mut network = Network::new(22, 2, GOOD);
    let key = network.key(1);
    network.hosts[0].sessions.allow(key).unwrap();
    network.seen = Some(Vec::new());
    network.connect(0, 1);
    network.pass(Duration::from_secs(20));
    let answers: Vec<u8> = network
        .seen
        .as_ref()
        .unwrap()
        .iter()
        .filter(|seen| seen.from == 1)
        .map(|seen| seen.packet[0])
        .collect();
    assert_eq!(answers, [0x19]);
    assert!(network.hosts[1].events.is_empty());
}

#[test]
fn a_peer_that_restarted_replaces_its_session_at_once() {
    let mut network = Network::new(23, 2, GOOD);
    let real = toxnet::KeyPair::generate(&mut rand_chacha::rand_core::OsRng);
    network.hosts[0].sessions = network.start(real.clone());
    network.make_friends(0, 1);
    network.connect(0, 1);
    network.until_established(0, 1);
    network.hosts[0].sessions = network.start(real);
    network.make_friends(0, 1);
    let began = network.now;
    network.connect(0, 1);
    let key = network.key(1);
    network.until(5, |network| network.hosts[0].sessions.is_established(&key));
    assert!(network.now - began < Duration::from_millis(150));
    network.pass(Duration::from_secs(1));
    let peer = network.key(0);
    assert_eq!(
        network.hosts[1].events,
        [
            Event::Established { peer },
            Event::Ended { peer, reason: Ended::Replaced },
            Event::Established { peer }
        ]
    );
}

#[test]
fn recorded_packets_played_again_change_nothing() {
    let mut network = Network::new(24, 2, GOOD);
    network.seen = Some(Vec::new());
    network.make_friends(0, 1);
    network.connect(0, 1);
    network.until_established(0, 1);
    network.send(0, 1, &[160, 1]);
    network.pass(Duration::from_secs(4));
    let (now, peer) = (network.now, network.key(0));
    for seen in network.seen.take().unwrap().iter().filter(|seen| seen.from == 0) {
        for from in [address(0), address(9)] {
            network.hosts[1].sessions.datagram(now, from, &mut seen.packet.clone());
        }
    }
    network.send(1, 0, &[160, 2]);
    network.pass(Duration::from_secs(4));
    assert_eq!(network.hosts[1].events, [Event::Established { peer }]);
    assert_eq!(network.packets(1), [[160, 1]]);
    assert_eq!(network.packets(0), [[160, 2]]);
}

#[test]
fn a_session_follows_its_peer_to_another_address() {
    let mut network = Network::pair(25, GOOD);
    network.pass(Duration::from_secs(1));
    network.hosts[0].at = address(5);
    let (key, now) = (network.key(0), network.now);
    network.hosts[1].sessions.moved(&key, address(5));
    network.send(0, 1, &[160, 1]);
    network.send(1, 0, &[160, 2]);
    network.until(5, |network| !network.packets(0).is_empty() && !network.packets(1).is_empty());
    assert!(network.now - now < Duration::from_millis(100));
}

#[test]
fn a_flood_of_cookie_requests_is_answered_within_bounds() {
    let mut network = Network::new(26, 60, GOOD);
    network.seen = Some(Vec::new());
    for host in 1..60 {
        network.make_friends(0, host);
        network.connect(host, 0);
        // All from one network.
        network.hosts[host].at =
            std::net::SocketAddr::from(([10, 1, 1, u8::try_from(host).unwrap()], 33_445));
    }
    network.pass(Duration::from_millis(250));
    let answers = network.seen.as_ref().unwrap().iter();
    assert_eq!(answers.filter(|seen| seen.from == 0 && seen.packet[0] == 0x19).count(), 50);
    // Who was refused asks again, and comes in.
    network.until(10, |network| {
        (1..60).all(|host| network.hosts[0].sessions.is_established(&network.key(host)))
    });
}
