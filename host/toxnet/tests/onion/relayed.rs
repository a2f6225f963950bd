//! People without UDP: everything goes over a relay.

use std::time::Duration;

use toxnet::node::{Event, Identity};
use toxnet::{Node as NodeAddress, Transport};

use crate::world::*;

/// A person without UDP, whose onion packets go over the relay of node 0. Gives the number.
fn join_over_relay(network: &mut Network, number: u64) -> usize {
    let relay = network.nodes[0].contact();
    let node = network.add();
    network.nodes[node].silent = true;
    let now = network.now;
    let place = &mut network.nodes[node].dht;
    place.identify(now, Identity { real: person(number), nospam: NOSPAM, unix: seconds(1_700_000_000) });
    let address = NodeAddress { transport: Transport::Tcp, address: relay.address, key: relay.key };
    place.set_relays(now, &[(number, address)]);
    place.add_path_node(now, relay);
    node
}

/// Carries packets between the relay and whoever uses it until something is so.
fn until_relayed(
    network: &mut Network,
    guests: &[(u64, usize)],
    most: Duration,
    what: &str,
    done: impl Fn(&Network) -> bool,
) {
    let end = network.now + most;
    while !done(network) {
        assert!(network.now < end, "this did not happen in {most:?}: {what}");
        network.run(Duration::from_millis(10));
        let now = network.now;
        for (number, guest) in guests {
            while let Some((connection, content)) = network.nodes[*guest].dht.poll_over_relay() {
                assert_eq!(connection, *number);
                network.nodes[0].dht.onion_from_relay(now, connection, false, &content);
            }
        }
        while let Some((connection, mut answer)) = network.nodes[0].dht.poll_relay_answer() {
            let (_, guest) = guests.iter().find(|(number, _)| *number == connection).unwrap();
            network.nodes[*guest].dht.onion_answer(now, connection, &mut answer);
        }
    }
}

#[test]
fn friends_without_udp_are_announced_and_tell_each_other_their_relays() {
    let mut network = nodes(20, 40);
    network.run(seconds(2));
    let one = join_over_relay(&mut network, 1);
    let other = join_over_relay(&mut network, 2);
    let guests = [(1, one), (2, other)];
    until_relayed(&mut network, &guests, seconds(12), "both are announced", |network| {
        guests.iter().all(|(_, guest)| network.nodes[*guest].dht.is_online(network.now))
    });
    let now = network.now;
    network.nodes[one].dht.request_friend(now, &tox_id(2), b"over a relay").unwrap();
    until_relayed(&mut network, &guests, seconds(5), "the request comes", |network| {
        !requests(network, other).is_empty()
    });
    network.nodes[other].dht.add_friend(network.now, person(1).public()).unwrap();
    until_relayed(&mut network, &guests, seconds(5), "both know each other's relays", |network| {
        guests.iter().all(|(_, guest)| {
            network.nodes[*guest].events.iter().any(|event| {
                matches!(event, Event::DhtKey { relays, .. } if relays.len() == 1 && relays[0].key == network.nodes[0].dht.key())
            })
        })
    });
}

#[test]
fn a_relay_that_is_gone_is_not_used() {
    let mut network = nodes(10, 41);
    network.run(seconds(2));
    let one = join_over_relay(&mut network, 1);
    until_relayed(&mut network, &[(1, one)], seconds(12), "announced", |network| {
        network.nodes[one].dht.is_online(network.now)
    });
    let now = network.now;
    network.nodes[one].dht.set_relays(now, &[]);
    while network.nodes[one].dht.poll_over_relay().is_some() {}
    network.run(seconds(200));
    assert_eq!(network.nodes[one].dht.poll_over_relay(), None);
}
