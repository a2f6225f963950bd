//! A relay and its clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use toxnet::relay::{Client, ClientEvent, Closed, Server, ServerEvent};
use toxnet::{KeyPair, PublicKey};

pub fn pair(number: u64) -> KeyPair {
    KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(number))
}

pub fn key(number: u64) -> PublicKey {
    pair(number).public()
}

pub struct Guest {
    pub client: Client<ChaCha20Rng>,
    pub connection: u64,
    pub events: Vec<ClientEvent>,
    /// Its socket takes nothing.
    pub stuck: bool,
}

pub struct World {
    pub server: Server<ChaCha20Rng>,
    pub guests: BTreeMap<u64, Guest>,
    pub now: Duration,
    /// Onion packets that came, by connection.
    pub onion: Vec<(u64, Vec<u8>)>,
    pub closed: Vec<(u64, Closed)>,
    random: ChaCha20Rng,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            server: Server::new(pair(0), ChaCha20Rng::seed_from_u64(seed)),
            guests: BTreeMap::new(),
            now: Duration::from_secs(1000),
            onion: Vec::new(),
            closed: Vec::new(),
            random: ChaCha20Rng::seed_from_u64(seed + 1),
        }
    }

    /// A client from an address of its own.
    pub fn connect(&mut self, number: u64) {
        let [.., high, low] = number.to_be_bytes();
        self.connect_from(number, ([203, high, low, 1], 1000).into());
    }

    pub fn connect_from(&mut self, number: u64, from: SocketAddr) {
        let random = ChaCha20Rng::seed_from_u64(self.random.next_u64());
        let client = Client::new(self.now, &pair(number), &key(0), random).unwrap();
        let connection = self.server.accept(self.now, from).unwrap();
        self.guests.insert(number, Guest { client, connection, events: Vec::new(), stuck: false });
    }

    /// These clients, connected.
    pub fn with(seed: u64, guests: std::ops::RangeInclusive<u64>) -> Self {
        let mut world = Self::new(seed);
        guests.clone().for_each(|number| world.connect(number));
        world.run();
        for number in guests {
            assert_eq!(world.take(number), [ClientEvent::Open]);
        }
        world
    }

    pub fn client(&mut self, number: u64) -> &mut Client<ChaCha20Rng> {
        &mut self.guests.get_mut(&number).unwrap().client
    }

    /// Both want a route to each other.
    pub fn join(&mut self, one: u64, other: u64) {
        assert!(self.client(one).open_route(key(other)) && self.client(other).open_route(key(one)));
        self.run();
        assert_eq!(self.take(one), [ClientEvent::Connected(key(other))]);
        assert_eq!(self.take(other), [ClientEvent::Connected(key(one))]);
    }

    pub fn take(&mut self, number: u64) -> Vec<ClientEvent> {
        std::mem::take(&mut self.guests.get_mut(&number).unwrap().events)
    }

    /// Brings all bytes to where they go, in pieces.
    pub fn run(&mut self) {
        loop {
            let mut moved = false;
            for guest in self.guests.values_mut() {
                while let Some(bytes) = guest.client.poll_transmit() {
                    moved = true;
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        let length = (self.random.next_u32() as usize % 200 + 1).min(rest.len());
                        let (piece, after) = rest.split_at(length);
                        self.server.received(self.now, guest.connection, piece);
                        rest = after;
                    }
                }
            }
            while let Some(connection) = self.server.poll_ready() {
                let guest = self.guests.values_mut().find(|guest| guest.connection == connection);
                let Some(guest) = guest.filter(|guest| !guest.stuck) else { continue };
                while let Some(bytes) = self.server.poll_transmit(connection) {
                    moved = true;
                    bytes.chunks(100).for_each(|piece| guest.client.received(self.now, piece));
                }
            }
            while let Some(event) = self.server.poll_event() {
                match event {
                    ServerEvent::Close { connection, why } => {
                        self.closed.push((connection, why));
                        let closed = |guest: &&mut Guest| guest.connection == connection;
                        self.guests.values_mut().filter(closed).for_each(|guest| guest.client.close());
                    }
                    ServerEvent::Onion { connection, content, .. } => self.onion.push((connection, content)),
                }
            }
            if !moved {
                break;
            }
        }
        for guest in self.guests.values_mut() {
            guest.events.extend(std::iter::from_fn(|| guest.client.poll_event()));
        }
    }

    /// Lets time pass, from one deadline to the next.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let clients = self.guests.values().filter_map(|guest| guest.client.next_deadline());
            let next = clients.chain(self.server.next_deadline()).min().unwrap_or(end).min(end);
            self.now = self.now.max(next);
            self.guests.values_mut().for_each(|guest| guest.client.timeout(self.now));
            self.server.timeout(self.now);
            self.run();
            if self.now >= end {
                break;
            }
        }
    }
}
