//! A relay: it tells its clients of each other, and passes on what they send.

mod guest;
mod packets;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::budget::{Budget, network};
use crate::dht::is_lan;
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::shared::SharedKeys;
use guest::{Guest, Stage};

/// Something the owner should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Close this connection's socket. Its number does not come again.
    Close {
        /// The connection.
        connection: u64,
        /// Why.
        why: Closed,
    },
    /// A client sent an onion packet, for [`crate::node::Node::onion_from_relay`].
    Onion {
        /// The connection, where the answer goes with [`Server::onion_answer`].
        connection: u64,
        /// Whether the client is on a local network.
        local: bool,
        /// What it sent.
        content: Vec<u8>,
    },
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// What came is no hello, or no frame.
    Broken,
    /// The hello did not come in time, or a ping was not answered.
    Silence,
    /// The client does not read.
    Full,
    /// The same client has a new connection.
    Replaced,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There are [`limits::RELAY_CLIENTS`] already, or [`limits::RELAY_HALF_OPEN`] without a hello.
    #[error("the relay is full")]
    Full,
    /// The client's network has [`limits::RELAY_CLIENTS_PER_NETWORK`] already, or
    /// [`limits::RELAY_HALF_OPEN_PER_NETWORK`] without a hello.
    #[error("there are too many clients of the same network")]
    Network,
}

/// A relay.
#[derive(Debug)]
pub struct Server<R> {
    keys: SharedKeys,
    random: R,
    /// What strangers may cost.
    budget: Budget,
    guests: BTreeMap<u64, Guest>,
    /// Those who have sent a first frame.
    known: BTreeMap<PublicKey, u64>,
    /// Numbers are never used twice.
    accepted: u64,
    /// Connections that have something to be written.
    ready: BTreeSet<u64>,
    /// Data that waits, of all together.
    waiting: usize,
    /// Clients that do not read, to be closed before anything else.
    full: Vec<u64>,
    events: VecDeque<Event>,
}

impl<R: CryptoRngCore> Server<R> {
    /// A relay without clients. Its key is that of its DHT node.
    pub fn new(keys: KeyPair, random: R) -> Self {
        Self {
            keys: SharedKeys::new(keys, limits::SHARED_KEYS),
            random,
            budget: Budget::default(),
            guests: BTreeMap::new(),
            known: BTreeMap::new(),
            accepted: 0,
            ready: BTreeSet::new(),
            waiting: 0,
            full: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes a connection; gives its number.
    ///
    /// # Errors
    /// [`Refused`]: the owner closes the socket.
    pub fn accept(&mut self, now: Duration, from: SocketAddr) -> Result<u64, Refused> {
        let network = network(from.ip());
        // Proxies make everybody local.
        let counts = |guest: &Guest| guest.network == network && !is_lan(from.ip());
        let half = |guest: &&Guest| !guest.is_known();
        let (all, half_all) = (self.guests.len(), self.guests.values().filter(half).count());
        let own = self.guests.values().filter(|guest| counts(guest));
        let half_own = own.clone().filter(half).count();
        if all >= limits::RELAY_CLIENTS || half_all >= limits::RELAY_HALF_OPEN {
            return Err(Refused::Full);
        }
        if own.count() >= limits::RELAY_CLIENTS_PER_NETWORK || half_own >= limits::RELAY_HALF_OPEN_PER_NETWORK
        {
            return Err(Refused::Network);
        }
        self.accepted += 1;
        self.guests.insert(self.accepted, Guest::new(now, from.ip(), network));
        Ok(self.accepted)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.guests.len()
    }

    /// The socket of a connection is closed.
    pub fn closed(&mut self, connection: u64) {
        self.remove(connection);
        self.close_full();
    }

    fn remove(&mut self, connection: u64) {
        let Some(guest) = self.guests.remove(&connection) else { return };
        self.ready.remove(&connection);
        self.waiting -= guest.data_bytes();
        if let Some(key) = guest.key()
            && self.known.get(&key) == Some(&connection)
        {
            self.known.remove(&key);
        }
        for (other, number) in guest.ends() {
            self.part(other, number, connection);
        }
    }

    fn close(&mut self, connection: u64, why: Closed) {
        if self.guests.contains_key(&connection) {
            self.remove(connection);
            // One for each connection at most.
            self.events.push_back(Event::Close { connection, why });
        }
    }

    /// Whoever is closed may fill another one with the news.
    fn close_full(&mut self) {
        while let Some(connection) = self.full.pop() {
            self.close(connection, Closed::Full);
        }
    }

    /// A connection that has something to be written: take it with [`Self::poll_transmit`], now or
    /// when its socket is writable.
    pub fn poll_ready(&mut self) -> Option<u64> {
        self.ready.pop_first()
    }

    /// The next bytes to write to a connection: all of them, before any others.
    pub fn poll_transmit(&mut self, connection: u64) -> Option<Vec<u8>> {
        let guest = self.guests.get_mut(&connection)?;
        let before = guest.data_bytes();
        let frame = guest.poll_transmit();
        self.waiting -= before - guest.data_bytes();
        frame
    }

    /// The next thing to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.guests.values().map(Guest::next).min()
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        let due = self.guests.iter().filter(|(_, guest)| guest.next() <= now);
        let due: Vec<u64> = due.map(|(connection, _)| *connection).collect();
        for connection in due {
            let Some(guest) = self.guests.get_mut(&connection) else { continue };
            match guest.ping(now, &mut self.random) {
                Some(ping) => self.control(connection, ping),
                None => self.close(connection, Closed::Silence),
            }
        }
        self.close_full();
    }

    /// Takes bytes that came over a connection.
    pub fn received(&mut self, now: Duration, connection: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.close_full();
            let Some(guest) = self.guests.get_mut(&connection) else { return };
            let done = match &mut guest.stage {
                Stage::Hello(_) => self.hello(now, connection, &mut bytes),
                Stage::Open(open) => match open.channel.receive(&mut bytes) {
                    Ok(Some(packet)) => self.packet(now, connection, &packet),
                    Ok(None) => Ok(()),
                    Err(_) => Err(Closed::Broken),
                },
            };
            if let Err(why) = done {
                self.close(connection, why);
            }
        }
        self.close_full();
    }

    /// Brings the answer to an onion packet back to a client.
    pub fn onion_answer(&mut self, connection: u64, answer: &[u8]) {
        if let Ok(content) = crate::packet::relay::OnionContent::new(answer) {
            self.data(connection, crate::packet::relay::RelayPacket::OnionAnswer(content).to_vec());
        }
    }

    /// Sends what must not be lost.
    fn control(&mut self, connection: u64, packet: Vec<u8>) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        if guest.send_control(packet) {
            self.ready.insert(connection);
        } else {
            self.full.push(connection);
        }
    }

    /// Sends what may be lost.
    fn data(&mut self, connection: u64, packet: Vec<u8>) {
        let bytes = packet.len();
        if self.waiting + bytes > limits::RELAY_WAITING_BYTES {
            return;
        }
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        if guest.send_data(packet) {
            self.waiting += bytes;
            self.ready.insert(connection);
        }
    }

    fn is_local(&self, connection: u64) -> bool {
        self.guests.get(&connection).is_some_and(|guest| is_lan(guest.ip))
    }

    fn may_spend(&mut self, now: Duration, ip: IpAddr) -> bool {
        self.budget.spend(now, ip)
    }
}
