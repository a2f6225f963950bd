//! Everything arrives once and in order, whatever the network does, and memory is bounded.

use std::time::Duration;

use proptest::prelude::*;
use toxnet::limits;
use toxnet::session::{Event, SendError, Urgency};

use crate::network::{GOOD, Link, Network};

fn numbered(number: u32, length: usize) -> Vec<u8> {
    let mut data = vec![160; length.max(5)];
    data[1..5].copy_from_slice(&number.to_be_bytes());
    data
}

fn assert_in_order(network: &Network, host: usize, count: u32) {
    let got: Vec<u32> =
        network.packets(host).iter().map(|data| u32::from_be_bytes(data[1..5].try_into().unwrap())).collect();
    assert!(got.iter().copied().eq(0..count), "{} of {count} came, or out of order", got.len());
}

/// Sends so many both ways and waits until they are there.
fn both_ways(network: &mut Network, count: u32, length: usize) {
    for number in 0..count {
        network.send(0, 1, &numbered(number, length));
        network.send(1, 0, &numbered(number, length));
    }
    network.until(600, |network| [0, 1].iter().all(|host| network.packets(*host).len() >= count as usize));
    network.pass(Duration::from_secs(2));
    assert_in_order(network, 0, count);
    assert_in_order(network, 1, count);
}

fn bad(loss_percent: u32) -> Link {
    Link { jitter: Duration::from_millis(8), loss_percent, double_percent: 3, ..GOOD }
}

#[test]
fn with_one_percent_loss_reordering_and_duplicates() {
    both_ways(&mut Network::pair(1, bad(1)), 4000, limits::DATA_BYTES);
}

#[test]
fn with_five_percent_loss_reordering_and_duplicates() {
    both_ways(&mut Network::pair(2, bad(5)), 4000, 700);
}

#[test]
fn past_the_end_of_32_bits() {
    let mut network = Network::new(3, 2, bad(3));
    for host in &mut network.hosts {
        host.sessions.number_from(u32::MAX - 700);
    }
    network.make_friends(0, 1);
    network.connect(0, 1);
    network.until_established(0, 1);
    both_ways(&mut network, 3000, 100);
}

#[test]
fn past_the_end_of_the_two_bytes_of_a_nonce_that_are_sent() {
    let mut network = Network::pair(4, bad(1));
    let count = 150_000;
    for number in 0..count {
        network.send(0, 1, &numbered(number, 5));
    }
    network.until(600, |network| network.packets(1).len() >= count as usize);
    assert_in_order(&network, 1, count);
}

#[test]
fn a_slow_reader_slows_the_sender_down_and_loses_nothing() {
    let mut network = Network::pair(5, GOOD);
    network.hosts[1].takes = false;
    let (key, count) = (network.key(1), 12_000);
    let mut sent = 0;
    let end = network.now + Duration::from_secs(5);
    while network.now < end {
        while sent < count
            && network.hosts[0].sessions.send(&key, Urgency::Bulk, numbered(sent, 1373))
                != Err(SendError::Full)
        {
            sent += 1;
        }
        network.step();
    }
    let kept = limits::SENT_PACKETS * limits::DATA_BYTES + limits::READY_BYTES + limits::BULK_BYTES_MOST;
    assert!(sent as usize * 1373 < kept + 100_000, "{sent} packets were taken in");
    network.hosts[1].takes = true;
    for number in sent..count {
        network.send(0, 1, &numbered(number, 1373));
    }
    network.until(60, |network| network.packets(1).len() >= count as usize);
    assert_in_order(&network, 1, count);
    let key = network.key(1);
    assert!(network.has(0, &Event::Room { peer: key }));
}

#[test]
fn an_urgent_packet_overtakes_what_waits() {
    let mut network = Network::pair(6, GOOD);
    let key = network.key(1);
    let sessions = &mut network.hosts[0].sessions;
    while sessions.send(&key, Urgency::Bulk, numbered(1, 1373)).is_ok() {}
    sessions.send(&key, Urgency::Urgent, vec![161]).unwrap();
    network.until(5, |network| !network.packets(1).is_empty());
    assert_eq!(network.packets(1)[0], [161]);
}

#[test]
fn a_lone_packet_takes_half_a_round_trip_and_its_loss_little_more() {
    let mut network = Network::pair(7, GOOD);
    network.pass(Duration::from_millis(500));
    for (lost, most) in [(0, 20), (1, 45)] {
        let (began, had) = (network.now, network.packets(1).len());
        network.lose_next = Some((0, lost));
        network.send(0, 1, &numbered(0, 50));
        network.until(5, |network| network.packets(1).len() > had);
        assert!(network.now - began <= Duration::from_millis(most), "{:?}", network.now - began);
        network.pass(Duration::from_millis(500));
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = || {
        let mut network = Network::new(8, 2, bad(5));
        network.seen = Some(Vec::new());
        network.make_friends(0, 1);
        network.connect(0, 1);
        network.until_established(0, 1);
        both_ways(&mut network, 100, 300);
        let seen = network.seen.take().unwrap();
        seen.into_iter().map(|seen| (seen.at, seen.from, seen.packet)).collect::<Vec<_>>()
    };
    assert_eq!(trace(), trace());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn on_any_network(
        seed: u64, delay in 0_u64..200, jitter in 0_u64..100, loss_percent in 0_u32..30,
        double_percent in 0_u32..50, count in 1_u32..400, length in 5_usize..1373, first: u32,
    ) {
        let link = Link {
            delay: Duration::from_millis(delay),
            jitter: Duration::from_millis(jitter),
            loss_percent,
            double_percent,
        };
        let mut network = Network::new(seed, 2, link);
        for host in &mut network.hosts {
            host.sessions.number_from(first);
        }
        network.make_friends(0, 1);
        network.connect(0, 1);
        network.until_established(0, 1);
        both_ways(&mut network, count, length);
    }
}
