//! The pace: slow lines are filled and shared, and nothing floods them.

use std::collections::BTreeSet;
use std::time::Duration;

use toxnet::session::Urgency;

use crate::network::{GOOD, Line, Link, Network};

/// Several pairs; what the first hosts send passes one line.
fn pairs(seed: u64, number: usize, link: Link, bytes_per_second: u64, queue: Duration) -> Network {
    let mut network = Network::new(seed, 2 * number, link);
    let queue_bytes = bytes_per_second * u64::try_from(queue.as_millis()).unwrap() / 1000;
    let from: BTreeSet<usize> = (0..number).map(|pair| 2 * pair).collect();
    network.line = Some(Line { bytes_per_second, queue_bytes, from, free_at: Duration::ZERO });
    for pair in 0..number {
        network.make_friends(2 * pair, 2 * pair + 1);
        network.connect(2 * pair, 2 * pair + 1);
    }
    for pair in 0..number {
        network.until_established(2 * pair, 2 * pair + 1);
    }
    network
}

/// Keeps the senders busy for a while; gives the bytes that each receiver got.
fn load(network: &mut Network, number: usize, time: Duration) -> Vec<usize> {
    let before: Vec<usize> = (0..number).map(|pair| network.packets(2 * pair + 1).len()).collect();
    let end = network.now + time;
    while network.now < end {
        for pair in 0..number {
            let key = network.key(2 * pair + 1);
            let sessions = &mut network.hosts[2 * pair].sessions;
            while sessions.send(&key, Urgency::Bulk, vec![160; 1373]).is_ok() {}
        }
        network.step();
    }
    (0..number).map(|pair| (network.packets(2 * pair + 1).len() - before[pair]) * 1373).collect()
}

fn share(bytes: usize, bytes_per_second: u64, time: Duration) -> f64 {
    bytes as f64 / (bytes_per_second as f64 * time.as_secs_f64())
}

#[test]
fn a_line_with_one_percent_loss_is_filled() {
    // Headers and padding leave 0.96 for data. The slowest line has room for 16 packets, fewer than a session may
    // always have on the way.
    for (megabits, least) in [(2, 0.75), (10, 0.8), (100, 0.88)] {
        let rate = megabits * 125_000;
        let link = Link { loss_percent: 1, ..GOOD };
        let mut network = pairs(40, 1, link, rate, Duration::from_millis(50));
        load(&mut network, 1, Duration::from_secs(3));
        let time = Duration::from_secs(5);
        let share = share(load(&mut network, 1, time)[0], rate, time);
        assert!(share > least, "{megabits} Mbit/s: {share}");
    }
}

#[test]
fn a_line_without_loss_is_filled() {
    for megabits in [10, 100] {
        let rate = megabits * 125_000;
        let mut network = pairs(45, 1, GOOD, rate, Duration::from_millis(50));
        load(&mut network, 1, Duration::from_secs(3));
        let time = Duration::from_secs(3);
        let share = share(load(&mut network, 1, time)[0], rate, time);
        assert!(share > 0.92, "{megabits} Mbit/s: {share}");
    }
}

#[test]
fn the_start_finds_the_rate_within_a_second() {
    let rate = 12_500_000;
    let mut network = pairs(41, 1, GOOD, rate, Duration::from_millis(50));
    let time = Duration::from_secs(1);
    let share = share(load(&mut network, 1, time)[0], rate, time);
    assert!(share > 0.5, "{share}");
}

#[test]
fn four_sessions_share_a_line_fairly() {
    let rate = 5_000_000;
    let mut network = pairs(42, 4, GOOD, rate, Duration::from_millis(60));
    load(&mut network, 4, Duration::from_secs(10));
    let time = Duration::from_secs(20);
    let got = load(&mut network, 4, time);
    let all: usize = got.iter().sum();
    assert!(share(all, rate, time) > 0.85, "{got:?}");
    for bytes in &got {
        let fair = *bytes as f64 * 4.0 / all as f64;
        assert!((0.8..=1.2).contains(&fair), "{got:?}");
    }
}

#[test]
fn bursts_and_what_is_on_the_way_are_bounded() {
    let mut network = pairs(43, 1, GOOD, 125_000_000, Duration::from_millis(50));
    network.seen = Some(Vec::new());
    load(&mut network, 1, Duration::from_secs(1));
    let seen = network.seen.take().unwrap();
    let times: Vec<Duration> = seen.iter().filter(|seen| seen.from == 0).map(|seen| seen.at).collect();
    let most = times.iter().map(|at| times.iter().filter(|other| *other == at).count()).max().unwrap();
    assert!(most <= 36, "{most} packets at once");
}

#[test]
fn an_urgent_packet_waits_no_longer_than_the_queue() {
    let rate = 1_250_000;
    let queue = Duration::from_millis(60);
    let mut network = pairs(44, 1, GOOD, rate, queue);
    load(&mut network, 1, Duration::from_secs(3));
    let key = network.key(1);
    let mut times = Vec::new();
    for number in 0..21_u8 {
        let began = network.now;
        network.hosts[0].sessions.send(&key, Urgency::Urgent, vec![161, number]).unwrap();
        network.until(5, |network| {
            network.packets(1).iter().rev().take(200).any(|data| data[..] == [161, number])
        });
        times.push(network.now - began);
        load(&mut network, 1, Duration::from_millis(100));
    }
    times.sort();
    assert!(times[10] < GOOD.delay + queue, "{times:?}");
    // Behind a packet that overflowed the queue it waits for that to come again.
    assert!(times[20] < 3 * (GOOD.delay + queue), "{times:?}");
}
