//! What a relay bounds, and what its clients can do to each other.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::limits;
use toxnet::packet::relay::frame;
use toxnet::packet::relay::hello::{Hello, SERVER_BYTES};
use toxnet::relay::{ClientEvent, Closed, NotSent, Refused, Server};
use toxnet::{FreshNonce, SendingNonces, SharedKey};

use crate::world::*;

const NOW: Duration = Duration::from_secs(1000);

/// A client that sends whatever a test wants.
struct Raw {
    key: SharedKey,
    nonces: SendingNonces,
    connection: u64,
}

impl Raw {
    fn connect(world: &mut World, number: u64) -> Self {
        let mut random = ChaCha20Rng::seed_from_u64(number);
        let own = pair(number);
        let shared = own.secret().shared_with(&key(0)).unwrap();
        let (temporary, nonces) = (pair(number + 1000), SendingNonces::random(&mut random));
        let hello = Hello { temporary: temporary.public(), base_nonce: nonces.base() };
        let hello = hello.seal_client(&own.public(), &shared, FreshNonce::random(&mut random));
        let connection = world.server.accept(world.now, ([203, 99, 99, 1], 1).into()).unwrap();
        world.server.received(world.now, connection, &hello);
        let mut answer = world.server.poll_transmit(connection).unwrap();
        assert_eq!(answer.len(), SERVER_BYTES);
        let answer = Hello::open_server(&mut answer, &shared).unwrap();
        let key = temporary.secret().shared_with(&answer.temporary).unwrap();
        Self { key, nonces, connection }
    }

    fn send(&mut self, world: &mut World, packet: &[u8]) {
        let mut out = Vec::new();
        frame::seal(packet, &self.key, self.nonces.take().unwrap(), &mut out).unwrap();
        world.server.received(world.now, self.connection, &out);
        world.run();
    }
}

/// With C's relay each of these ends the connection, though C's own clients send them; and with it
/// goes everything else on it.
#[test]
fn numbers_that_are_not_in_use_harm_nobody() {
    let mut world = World::with(1, 1..=2);
    world.join(1, 2);
    let mut raw = Raw::connect(&mut world, 3);
    for packet in [&[3, 16][..], &[3, 255], &[16, 1, 2], &[255, 1], &[10, 1, 2, 3], &[15]] {
        raw.send(&mut world, packet);
    }
    raw.send(&mut world, &[&[6][..], &key(1).0, b"still here"].concat());
    let blind = ClientEvent::Blind { from: key(3), data: b"still here".to_vec() };
    assert_eq!((world.take(1), world.closed.len()), (vec![blind], 0));
}

#[test]
fn broken_packets_end_the_connection_of_whoever_sent_them_alone() {
    let mut world = World::with(2, 1..=2);
    world.join(1, 2);
    for packet in [&[0, 1][..], &[3, 1], &[4, 1], &[6, 1, 2]] {
        let mut raw = Raw::connect(&mut world, 3);
        raw.send(&mut world, packet);
        assert_eq!(world.closed.pop(), Some((raw.connection, Closed::Broken)), "{packet:?}");
    }
    let raw = Raw::connect(&mut world, 3);
    world.server.received(world.now, raw.connection, &[0; 40]);
    world.run();
    assert_eq!(world.closed.pop(), Some((raw.connection, Closed::Broken)));
    assert_eq!((world.take(1), world.take(2)), (vec![], vec![]));
}

/// Somebody who repeats a hello that was seen on the line cannot send a frame, and so does not push
/// out whom it belongs to.
#[test]
fn a_repeated_hello_replaces_nobody_and_ends_after_four_seconds() {
    let mut world = World::with(3, 1..=1);
    let raw = Raw::connect(&mut world, 1);
    world.run();
    assert!(world.client(1).is_open());
    world.pass(limits::RELAY_HELLO_TIME);
    assert_eq!(world.closed, [(raw.connection, Closed::Silence)]);
    assert!(world.client(1).is_open());
}

#[test]
fn half_a_hello_has_four_seconds() {
    let mut world = World::new(4);
    let connection = world.server.accept(NOW, ([203, 1, 1, 1], 1).into()).unwrap();
    world.server.received(NOW, connection, &[1; 100]);
    assert_eq!(world.server.next_deadline(), Some(NOW + limits::RELAY_HELLO_TIME));
    world.pass(limits::RELAY_HELLO_TIME);
    assert_eq!(world.closed, [(connection, Closed::Silence)]);
    assert_eq!(world.server.connections(), 0);
}

#[test]
fn connections_are_bounded_for_each_network_and_for_all() {
    let mut server = Server::new(pair(0), ChaCha20Rng::seed_from_u64(1));
    let from = |network: usize, host: u8| -> SocketAddr {
        let [.., high, low] = network.to_be_bytes();
        ([203, high, low, host], 1).into()
    };
    for host in 0..limits::RELAY_HALF_OPEN_PER_NETWORK {
        server.accept(NOW, from(0, u8::try_from(host).unwrap())).unwrap();
    }
    assert_eq!(server.accept(NOW, from(0, 99)), Err(Refused::Network));
    // Not so local ones: behind a proxy everybody is.
    for _ in 0..limits::RELAY_HALF_OPEN_PER_NETWORK * 2 {
        server.accept(NOW, ([127, 0, 0, 1], 1).into()).unwrap();
    }
    let mut network = 1;
    while server.accept(NOW, from(network, 1)).is_ok() {
        network += 1;
    }
    assert_eq!(server.accept(NOW, from(network, 1)), Err(Refused::Full));
    assert_eq!(server.connections(), limits::RELAY_HALF_OPEN);
}

#[test]
fn clients_of_one_network_are_bounded() {
    let mut world = World::new(5);
    let from: SocketAddr = ([203, 1, 1, 1], 1).into();
    for number in 1.. {
        if world.guests.len() == limits::RELAY_CLIENTS_PER_NETWORK {
            assert_eq!(world.server.accept(world.now, from), Err(Refused::Network));
            break;
        }
        world.connect_from(number, from);
        world.run();
        // Strangers have a budget each second.
        world.now += Duration::from_millis(50);
    }
    assert_eq!(world.server.connections(), limits::RELAY_CLIENTS_PER_NETWORK);
}

#[test]
fn a_client_that_does_not_read_loses_data_and_keeps_nobody_waiting() {
    let mut world = World::with(6, 1..=3);
    world.join(1, 2);
    world.join(3, 2);
    world.guests.get_mut(&2).unwrap().stuck = true;
    let piece = [5; 2000];
    for _ in 0..1000 {
        // The client's own line to the relay is not full: it is read at once.
        world.client(1).send(&key(2), &piece).unwrap();
        world.run();
    }
    world.client(3).send_blind(key(1), b"for another").unwrap();
    world.run();
    assert_eq!(world.take(1).len(), 1);
    // What the relay kept comes, the rest is lost, and the connection goes on.
    world.guests.get_mut(&2).unwrap().stuck = false;
    world.client(3).send(&key(2), b"fits again").unwrap();
    world.run();
    let kept = world
        .take(2)
        .into_iter()
        .filter(|event| *event == ClientEvent::Data { from: key(1), data: piece.to_vec() });
    assert_eq!(kept.count(), limits::RELAY_DATA_WAITING_BYTES / 2001);
    world.client(1).send(&key(2), b"after").unwrap();
    world.run();
    assert_eq!(world.take(2), [ClientEvent::Data { from: key(1), data: b"after".to_vec() }]);
}

#[test]
fn a_client_that_never_reads_its_answers_is_closed() {
    let mut world = World::with(7, 1..=1);
    let mut raw = Raw::connect(&mut world, 2);
    for _ in 0..=limits::RELAY_CONTROL_PACKETS {
        raw.send(&mut world, &[4, 1, 1, 1, 1, 1, 1, 1, 1]);
    }
    assert_eq!(world.closed, [(raw.connection, Closed::Full)]);
    assert!(world.client(1).is_open());
}

#[test]
fn a_client_has_as_many_routes_as_there_are_numbers() {
    let mut world = World::with(8, 1..=1);
    for other in 0..240 {
        assert!(world.client(1).open_route(key(2000 + other)));
    }
    assert!(!world.client(1).open_route(key(3000)));
    world.run();
    assert!(world.client(1).is_open());
    // The relay refuses one more, and one to oneself.
    let mut raw = Raw::connect(&mut world, 5);
    for other in 0..241_u64 {
        raw.send(&mut world, &[&[0][..], &key(2000 + other).0].concat());
    }
    raw.send(&mut world, &[&[0][..], &key(5).0].concat());
    assert_eq!(world.closed, []);
}

#[test]
fn the_line_to_the_relay_is_bounded() {
    let mut world = World::with(9, 1..=2);
    world.join(1, 2);
    let mut sent = 0;
    while world.client(1).send(&key(2), &[1; 1000]).is_ok() {
        sent += 1001;
    }
    assert!(sent <= limits::RELAY_DATA_WAITING_BYTES);
    assert_eq!(world.client(1).send(&key(2), &[1; 1000]), Err(NotSent::Full));
    world.run();
    assert_eq!(world.client(1).send(&key(2), &[1; 1000]), Ok(()));
}
