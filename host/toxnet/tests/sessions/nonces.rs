//! No nonce seals twice under one key.

use std::time::Duration;

use proptest::prelude::*;

use crate::network::{DATA, GOOD, Link, Network};

/// The two bytes of its nonce that a data packet shows.
fn tail(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1], packet[2]])
}

/// Every data packet of a host, in the order they left, shows a nonce one further than the one before: so all of them
/// differ, wherever the two bytes that show begin anew.
fn assert_each_once(network: &Network, host: usize) {
    let seen = network.seen.as_ref().unwrap().iter();
    let tails: Vec<u16> = seen
        .filter(|seen| seen.from == host && seen.packet[0] == DATA)
        .map(|seen| tail(&seen.packet))
        .collect();
    assert!(tails.len() > 3);
    assert!(tails.windows(2).all(|two| two[1] == two[0].wrapping_add(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn over_losses_repetitions_another_path_and_the_end(
        seed: u64, loss_percent in 0_u32..25, first: u32, count in 1_usize..300, moves in 0_usize..300,
    ) {
        let mut network = Network::new(seed, 2, Link { loss_percent, jitter: Duration::from_millis(9), ..GOOD });
        network.seen = Some(Vec::new());
        for host in &mut network.hosts {
            host.sessions.number_from(first);
        }
        network.make_friends(0, 1);
        network.connect(0, 1);
        network.connect(1, 0);
        network.until_established(0, 1);
        for number in 0..count {
            if number == moves {
                let to = crate::network::address(7);
                network.hosts[0].at = to;
                let key = network.key(0);
                network.hosts[1].sessions.moved(&key, to);
            }
            network.send(0, 1, &[160; 500]);
            network.send(1, 0, &[160; 20]);
        }
        network.until(60, |network| network.packets(1).len() == count && network.packets(0).len() == count);
        let (now, key) = (network.now, network.key(1));
        network.hosts[0].sessions.close(now, &key);
        network.pass(Duration::from_secs(70));
        assert_each_once(&network, 0);
        assert_each_once(&network, 1);
    }
}

#[test]
fn over_the_end_of_the_two_bytes() {
    let mut network = Network::pair(9, Link { loss_percent: 2, ..GOOD });
    network.seen = Some(Vec::new());
    for _ in 0..70_000 {
        network.send(0, 1, &[160]);
    }
    network.until(60, |network| network.packets(1).len() == 70_000);
    assert_each_once(&network, 0);
}
