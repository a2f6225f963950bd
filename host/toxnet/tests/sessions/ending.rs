//! How sessions end, and that both sides come to know.

use std::time::Duration;

use toxnet::session::{Ended, Event};

use crate::network::{GOOD, Link, Network};

#[test]
fn the_peer_is_told_and_gets_what_came_before() {
    let mut network = Network::pair(30, GOOD);
    for _ in 0..10 {
        network.send(0, 1, &[160; 100]);
    }
    network.pass(Duration::from_millis(100));
    let (now, key) = (network.now, network.key(1));
    network.hosts[0].sessions.close(now, &key);
    network.pass(Duration::from_millis(100));
    let peer = network.key(0);
    assert_eq!(network.packets(1).len(), 10);
    assert_eq!(network.hosts[1].events.last(), Some(&Event::Ended { peer, reason: Ended::ByPeer }));
    network.pass(Duration::from_secs(61));
    assert_eq!(network.hosts[0].sessions.next_deadline(), None);
    assert_eq!(network.hosts[1].sessions.next_deadline(), None);
}

#[test]
fn a_killed_peer_is_missed_after_six_seconds() {
    let mut network = Network::pair(31, GOOD);
    network.pass(Duration::from_secs(10));
    network.hosts[1].awake = false;
    let (began, peer) = (network.now, network.key(1));
    network.until(20, |network| network.has(0, &Event::Ended { peer, reason: Ended::Silence }));
    assert!(network.now - began <= Duration::from_millis(6100));
}

#[test]
fn a_peer_that_only_slept_is_told_and_can_begin_anew() {
    let mut network = Network::pair(32, GOOD);
    network.pass(Duration::from_secs(10));
    network.hosts[1].awake = false;
    network.pass(Duration::from_secs(20));
    // It thinks that no time has passed, as a stopped process does until its first timer.
    network.hosts[1].awake = true;
    let peer = network.key(0);
    network.pass(Duration::from_secs(1));
    let ends: Vec<&Event> =
        network.hosts[1].events.iter().filter(|event| matches!(event, Event::Ended { .. })).collect();
    assert_eq!(ends.len(), 1, "{ends:?} of {peer:?}");
    network.connect(1, 0);
    network.until_established(0, 1);
}

#[test]
fn loss_of_four_seconds_is_survived() {
    let mut network = Network::pair(33, GOOD);
    network.pass(Duration::from_secs(3));
    network.link.loss_percent = 100;
    network.send(0, 1, &[160; 100]);
    network.pass(Duration::from_secs(4));
    network.link = Link { ..GOOD };
    network.until(5, |network| network.packets(1).len() == 1);
}

#[test]
fn who_is_forgotten_gets_no_session_again() {
    let mut network = Network::pair(34, GOOD);
    let (now, key) = (network.now, network.key(1));
    network.hosts[0].sessions.forget(now, &key);
    network.pass(Duration::from_secs(1));
    network.connect(1, 0);
    network.pass(Duration::from_secs(70));
    assert!(!network.hosts[0].sessions.is_established(&key));
    network.make_friends(0, 1);
    network.connect(1, 0);
    network.until_established(0, 1);
}
