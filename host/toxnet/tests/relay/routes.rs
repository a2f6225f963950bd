//! What clients reach over a relay.

use std::time::Duration;

use toxnet::limits;
use toxnet::relay::{ClientEvent, Closed, NotSent};

use crate::world::*;

fn data(from: u64, bytes: &[u8]) -> ClientEvent {
    ClientEvent::Data { from: key(from), data: bytes.to_vec() }
}

#[test]
fn data_passes_once_both_have_asked() {
    let mut world = World::with(1, 1..=2);
    world.client(1).open_route(key(2));
    world.run();
    assert_eq!(world.take(1), []);
    assert_eq!(world.client(1).send(&key(2), b"early"), Err(NotSent::NotConnected));
    world.client(2).open_route(key(1));
    world.run();
    assert_eq!(world.take(1), [ClientEvent::Connected(key(2))]);
    assert_eq!(world.take(2), [ClientEvent::Connected(key(1))]);
    let longest = vec![7; limits::RELAY_DATA_BYTES];
    world.client(1).send(&key(2), b"one").unwrap();
    world.client(1).send(&key(2), &longest).unwrap();
    world.client(2).send(&key(1), b"back").unwrap();
    assert!(matches!(world.client(1).send(&key(2), &[]), Err(NotSent::Length(_))));
    assert!(matches!(
        world.client(1).send(&key(2), &[0; limits::RELAY_DATA_BYTES + 1]),
        Err(NotSent::Length(_))
    ));
    world.run();
    assert_eq!(world.take(2), [data(1, b"one"), data(1, &longest)]);
    assert_eq!(world.take(1), [data(2, b"back")]);
}

#[test]
fn routes_asked_for_before_the_relay_answers_are_not_lost() {
    let mut world = World::new(2);
    world.connect(1);
    world.connect(2);
    world.client(1).open_route(key(2));
    world.client(2).open_route(key(1));
    world.run();
    assert_eq!(world.take(1), [ClientEvent::Open, ClientEvent::Connected(key(2))]);
}

#[test]
fn whoever_leaves_a_route_or_the_relay_is_missed_and_comes_back() {
    let mut world = World::with(3, 1..=2);
    world.join(1, 2);
    world.client(1).close_route(&key(2));
    world.run();
    assert_eq!(world.take(2), [ClientEvent::Disconnected(key(1))]);
    world.client(1).open_route(key(2));
    world.run();
    assert_eq!(
        (world.take(1), world.take(2)),
        (vec![ClientEvent::Connected(key(2))], vec![ClientEvent::Connected(key(1))],)
    );
    let connection = world.guests[&1].connection;
    world.server.closed(connection);
    world.run();
    assert_eq!(world.take(2), [ClientEvent::Disconnected(key(1))]);
    world.connect(1);
    world.client(1).open_route(key(2));
    world.run();
    assert_eq!(world.take(2), [ClientEvent::Connected(key(1))]);
}

#[test]
fn a_client_that_connects_again_replaces_itself() {
    let mut world = World::with(4, 1..=2);
    world.join(1, 2);
    let before = world.guests[&1].connection;
    world.connect(1);
    world.client(1).open_route(key(2));
    world.run();
    assert_eq!(world.closed, [(before, Closed::Replaced)]);
    assert_eq!(world.take(2), [ClientEvent::Disconnected(key(1)), ClientEvent::Connected(key(1))]);
    world.client(2).send(&key(1), b"still").unwrap();
    world.run();
    assert_eq!(world.take(1), [ClientEvent::Open, ClientEvent::Connected(key(2)), data(2, b"still")]);
}

#[test]
fn blind_data_reaches_whoever_is_there() {
    let mut world = World::with(5, 1..=2);
    world.client(1).send_blind(key(2), b"hello").unwrap();
    world.client(1).send_blind(key(3), b"nobody").unwrap();
    assert!(matches!(world.client(1).send_blind(key(2), &[0; 1025]), Err(NotSent::Length(_))));
    world.run();
    assert_eq!(world.take(2), [ClientEvent::Blind { from: key(1), data: b"hello".to_vec() }]);
    assert_eq!(world.take(1), []);
}

#[test]
fn onion_packets_go_to_the_node_and_answers_come_back() {
    let mut world = World::with(6, 1..=1);
    world.client(1).send_onion(&[1; 300]).unwrap();
    world.run();
    let connection = world.guests[&1].connection;
    assert_eq!(world.onion, [(connection, vec![1; 300])]);
    world.server.onion_answer(connection, &[0x84; 90]);
    world.server.onion_answer(connection + 1, &[0x84; 90]);
    world.run();
    assert_eq!(world.take(1), [ClientEvent::Onion(vec![0x84; 90])]);
}

#[test]
fn a_route_given_up_before_its_number_is_known_is_taken_back_with_that_number() {
    let mut world = World::with(7, 1..=3);
    world.join(1, 2);
    world.client(1).open_route(key(3));
    world.client(1).close_route(&key(3));
    assert_eq!(world.client(1).route(&key(3)), None);
    world.run();
    world.client(3).open_route(key(1));
    world.run();
    // Only that one is gone.
    assert_eq!((world.take(1), world.take(3)), (vec![], vec![]));
    world.client(2).send(&key(1), b"still").unwrap();
    world.run();
    assert_eq!(world.take(1), [data(2, b"still")]);
}

#[test]
fn an_idle_connection_stays_and_a_silent_one_ends() {
    let mut world = World::with(8, 1..=2);
    world.join(1, 2);
    world.pass(Duration::from_secs(600));
    assert_eq!((world.take(1), world.take(2)), (vec![], vec![]));
    // The relay hears nothing of the first any more.
    let guest = world.guests.get_mut(&1).unwrap();
    let connection = std::mem::replace(&mut guest.connection, u64::MAX);
    world.pass(limits::RELAY_PING + limits::RELAY_PING_ANSWER);
    assert_eq!(world.closed, [(connection, Closed::Silence)]);
    assert_eq!(world.take(2), [ClientEvent::Disconnected(key(1))]);
    // Nor the first of the relay.
    assert_eq!(world.take(1), [ClientEvent::Closed]);
}

#[test]
fn a_relay_that_is_another_one_is_not_believed() {
    let mut world = World::new(9);
    let random = rand_chacha::rand_core::SeedableRng::seed_from_u64(1);
    world.connect(1);
    let client = toxnet::relay::Client::new(world.now, &pair(1), &key(99), random).unwrap();
    world.guests.get_mut(&1).unwrap().client = client;
    world.run();
    assert_eq!(world.take(1), [ClientEvent::Closed]);
    assert_eq!(world.closed.len(), 1);
}
