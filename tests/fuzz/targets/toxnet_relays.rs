#![no_main]
//! A relay with two clients of ours and one that has a key and sends what it likes; and one of our clients at such a
//! relay. Nobody else is cut off, and what is kept stays bounded.

use std::time::Duration;

use fuzz::toxnet::{Seeded, fresh, pair};
use fuzz::{byte, pieces, run};
use libfuzzer_sys::fuzz_target;
use toxnet::packet::relay::frame;
use toxnet::packet::relay::hello::Hello;
use toxnet::relay::{Client, ClientEvent, Server, ServerEvent};
use toxnet::{SendingNonces, SharedKey};

const NOW: Duration = Duration::from_secs(1000);

/// Brings what each has to say to the other.
fn exchange(server: &mut Server<Seeded>, clients: &mut [(u64, Client<Seeded>)], seed: u8) {
    for _ in 0..8 {
        for (connection, client) in clients.iter_mut() {
            while let Some(bytes) = client.poll_transmit() {
                pieces(&bytes, seed).for_each(|piece| server.received(NOW, *connection, piece));
            }
            while let Some(bytes) = server.poll_transmit(*connection) {
                pieces(&bytes, seed).for_each(|piece| client.received(NOW, piece));
            }
        }
    }
}

/// What somebody seals who has shaken hands by himself.
fn frames(rest: &mut &[u8], key: &SharedKey, nonces: &mut SendingNonces) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while !rest.is_empty() && frames.len() < 64 {
        let (raw, packet) = (byte(rest) == 0, run(rest, 2100));
        let mut out = Vec::new();
        let nonce = nonces.take().expect("a nonce");
        if raw || frame::seal(packet, key, nonce, &mut out).is_err() {
            out = packet.to_vec();
        }
        frames.push(out);
    }
    frames
}

fn at_our_relay(bytes: &[u8], seed: u8) {
    let mut rest = bytes;
    let mut server = Server::new(pair(1), Seeded::default());
    let mut clients: Vec<(u64, Client<Seeded>)> = Vec::new();
    for number in [2, 3] {
        let connection = server.accept(NOW, ([20, number, 1, 1], 1).into()).expect("room");
        let client =
            Client::new(NOW, &pair(number), &pair(1).public(), Seeded::default()).expect("a good key");
        clients.push((connection, client));
    }
    let keys = [pair(2).public(), pair(3).public()];
    clients[0].1.open_route(keys[1]);
    clients[1].1.open_route(keys[0]);
    exchange(&mut server, &mut clients, seed);

    let raw = server.accept(NOW, ([20, 9, 1, 1], 1).into()).expect("room");
    let (own, temporary) = (pair(4), pair(5));
    let shared = own.secret().shared_with(&pair(1).public()).expect("a good key");
    let mut nonces = SendingNonces::random(&mut Seeded::default());
    let hello = Hello { temporary: temporary.public(), base_nonce: nonces.base() };
    server.received(NOW, raw, &hello.seal_client(&own.public(), &shared, fresh()));
    let mut answer = server.poll_transmit(raw).expect("an answer");
    let answer = Hello::open_server(&mut answer, &shared).expect("ours");
    let key = temporary.secret().shared_with(&answer.temporary).expect("a good key");
    for frame in frames(&mut rest, &key, &mut nonces) {
        pieces(&frame, seed).for_each(|piece| server.received(NOW, raw, piece));
    }
    while let Some(event) = server.poll_event() {
        match event {
            ServerEvent::Close { connection, .. } => assert_eq!(connection, raw, "somebody else was cut off"),
            ServerEvent::Onion { connection, .. } => assert_eq!(connection, raw),
        }
    }
    exchange(&mut server, &mut clients, seed);
    clients.iter_mut().for_each(|(_, client)| while client.poll_event().is_some() {});
    clients[0].1.send(&keys[1], b"still there").expect("the route stands");
    exchange(&mut server, &mut clients, seed);
    assert_eq!(
        clients[1].1.poll_event(),
        Some(ClientEvent::Data { from: keys[0], data: b"still there".to_vec() })
    );
}

fn at_their_relay(bytes: &[u8], seed: u8) {
    let mut rest = bytes;
    let (relay, temporary, own) = (pair(1), pair(5), pair(2));
    let mut client = Client::new(NOW, &own, &relay.public(), Seeded::default()).expect("a good key");
    for number in 6..10 {
        client.open_route(pair(number).public());
    }
    client.close_route(&pair(6).public());
    let shared = relay.secret().shared_with(&own.public()).expect("a good key");
    let mut hello = client.poll_transmit().expect("a hello");
    let hello = Hello::open_client(&mut hello, &shared).expect("ours");
    let mut nonces = SendingNonces::random(&mut Seeded::default());
    let answer = Hello { temporary: temporary.public(), base_nonce: nonces.base() };
    pieces(&answer.seal_server(&shared, fresh()), seed).for_each(|piece| client.received(NOW, piece));
    assert!(client.is_open());
    let key = temporary.secret().shared_with(&hello.temporary).expect("a good key");
    for frame in frames(&mut rest, &key, &mut nonces) {
        pieces(&frame, seed).for_each(|piece| client.received(NOW, piece));
        // An answer for each packet of theirs, and what was asked for at the start.
        let sent = std::iter::from_fn(|| client.poll_transmit()).count();
        assert!(sent <= 2 + 4, "{sent} frames");
    }
    let events = std::iter::from_fn(|| client.poll_event()).count();
    assert!(events <= 64 + 2, "{events} events");
}

fuzz_target!(|bytes: &[u8]| {
    let Some((seed, rest)) = bytes.split_first() else { return };
    at_our_relay(rest, *seed);
    at_their_relay(rest, *seed);
});
