//! The relays of one node: some of its own, and those where its friends are.
//!
//! A [`Pool`] says which relays its owner should connect to, and gives and takes the bytes of each
//! connection. A friend is reached over any of them.

mod line;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rand_core::{CryptoRngCore, SeedableRng};

use super::client::{Client, Event as ClientEvent, NotSent};
use crate::address::{Node, Transport};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use line::{Line, Stage};

/// Which relays are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relays {
    /// Those that were added, and those that friends name.
    Any,
    /// Only those that were added: the relays that friends name would see who comes.
    Only,
}

/// Something the owner should do or know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Connect to this relay, and tell with [`Pool::dialled`] or [`Pool::closed`] how that went.
    Dial {
        /// The number of the connection. It does not come again.
        connection: u64,
        /// The relay.
        relay: Node,
    },
    /// Close this connection's socket.
    Close(u64),
    /// Other relays are connected than before: see [`Pool::connected`].
    Changed,
    /// A friend is there, on a first relay.
    Connected(PublicKey),
    /// A friend is on no relay any more.
    Disconnected(PublicKey),
    /// Data came from a friend over a route.
    Data {
        /// The friend's DHT key.
        from: PublicKey,
        /// What: 1 to [`limits::RELAY_DATA_BYTES`].
        data: Vec<u8>,
    },
    /// Data came from somebody without a route.
    Blind {
        /// The connection, where an answer goes.
        connection: u64,
        /// Their DHT key: the relay has checked it.
        from: PublicKey,
        /// What: 1 to [`limits::BLIND_BYTES`].
        data: Vec<u8>,
    },
    /// An answer came through the onion, for [`crate::node::Node::onion_answer`].
    Onion {
        /// The connection.
        connection: u64,
        /// What.
        packet: Vec<u8>,
    },
}

/// A friend, by the DHT key.
#[derive(Debug, Default)]
struct Friend {
    /// Where it is, as it said itself.
    relays: Vec<Node>,
    /// The connections where its end of the route is there.
    on: BTreeSet<u64>,
}

/// The relays of one node.
#[derive(Debug)]
pub struct Pool<R> {
    own: KeyPair,
    random: R,
    relays: Relays,
    /// The relays that were added, and when each may be dialled again.
    added: Vec<(Node, Backoff)>,
    friends: BTreeMap<PublicKey, Friend>,
    lines: BTreeMap<u64, Line<R>>,
    /// Numbers are never used twice.
    dialled: u64,
    /// When relays are looked at again.
    next: Option<Duration>,
    events: VecDeque<Event>,
}

/// When a relay that could not be reached is tried again.
#[derive(Clone, Copy, Debug, Default)]
struct Backoff {
    until: Duration,
    wait: Duration,
}

impl Backoff {
    fn failed(&mut self, now: Duration) {
        self.wait = (self.wait * 2).clamp(limits::RELAY_AGAIN_LEAST, limits::RELAY_AGAIN_MOST);
        self.until = now + self.wait;
    }
}

impl<R: CryptoRngCore + SeedableRng> Pool<R> {
    /// No relays yet. `own` is the pair of the DHT key.
    pub fn new(own: KeyPair, relays: Relays, random: R) -> Self {
        Self {
            own,
            random,
            relays,
            added: Vec::new(),
            friends: BTreeMap::new(),
            lines: BTreeMap::new(),
            dialled: 0,
            next: None,
            events: VecDeque::new(),
        }
    }

    /// A relay that may be used. At most [`limits::POOL_RELAYS`] are remembered.
    pub fn add(&mut self, now: Duration, relay: Node) {
        let known = self.added.iter().any(|(known, _)| *known == relay);
        let usable = relay.transport == Transport::Tcp && relay.key != self.own.public();
        if usable && !known && self.added.len() < limits::POOL_RELAYS {
            self.added.push((relay, Backoff::default()));
            self.dial(now);
        }
    }

    /// A friend is to be reached, who has this DHT key and is connected to these relays. At most
    /// [`limits::FRIENDS`] are.
    pub fn want(&mut self, now: Duration, friend: PublicKey, relays: &[Node]) {
        if friend == self.own.public()
            || (!self.friends.contains_key(&friend) && self.friends.len() >= limits::FRIENDS)
        {
            return;
        }
        let wanted = self.friends.entry(friend).or_default();
        if self.relays == Relays::Any {
            let tcp = relays.iter().filter(|relay| relay.transport == Transport::Tcp);
            let tcp: Vec<Node> = tcp.take(limits::SHARED_RELAYS).copied().collect();
            if !tcp.is_empty() {
                wanted.relays = tcp;
            }
        }
        for line in self.lines.values_mut() {
            line.open_route(friend);
        }
        self.dial(now);
    }

    /// A friend is no longer to be reached over relays.
    pub fn forget(&mut self, now: Duration, friend: &PublicKey) {
        if self.friends.remove(friend).is_some() {
            for line in self.lines.values_mut() {
                line.close_route(friend);
            }
            self.dial(now);
        }
    }

    /// The relays that are connected, for [`crate::node::Node::set_relays`].
    #[must_use]
    pub fn connected(&self) -> Vec<(u64, Node)> {
        let open = self.lines.iter().filter(|(_, line)| line.is_open());
        open.map(|(connection, line)| (*connection, line.relay)).collect()
    }

    /// Whether data reaches a friend.
    #[must_use]
    pub fn reaches(&self, friend: &PublicKey) -> bool {
        self.friends.get(friend).is_some_and(|friend| !friend.on.is_empty())
    }

    /// Sends data to a friend, over one relay where the friend is.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send(&mut self, friend: &PublicKey, data: &[u8]) -> Result<(), NotSent> {
        let on = self.friends.get(friend).ok_or(NotSent::NotConnected)?.on.iter();
        let mut failed = NotSent::NotConnected;
        for connection in on {
            let Some(client) = self.lines.get_mut(connection).and_then(Line::client) else { continue };
            match client.send(friend, data) {
                Ok(()) => return Ok(()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Sends data over all relays where a friend may be, whether it has a route for us or not. Gives
    /// over how many.
    ///
    /// # Errors
    /// [`NotSent`]: it was sent over none.
    pub fn send_blind(&mut self, friend: PublicKey, data: &[u8]) -> Result<usize, NotSent> {
        let (mut sent, mut failed) = (0, NotSent::NotConnected);
        for client in self.lines.values_mut().filter_map(Line::client) {
            match client.send_blind(friend, data) {
                Ok(()) => sent += 1,
                Err(error) => failed = error,
            }
        }
        if sent > 0 { Ok(sent) } else { Err(failed) }
    }

    /// Sends an onion packet over one relay.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send_onion(&mut self, connection: u64, content: &[u8]) -> Result<(), NotSent> {
        let client = self.lines.get_mut(&connection).and_then(Line::client);
        client.ok_or(NotSent::NotConnected)?.send_onion(content)
    }

    /// The next bytes to write to a connection: all of them, before any others.
    pub fn poll_transmit(&mut self, connection: u64) -> Option<Vec<u8>> {
        self.lines.get_mut(&connection)?.client()?.poll_transmit()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The socket of a connection is connected.
    pub fn dialled(&mut self, now: Duration, connection: u64) {
        let Some(line) = self.lines.get_mut(&connection) else { return };
        let Ok(random) = R::from_rng(&mut self.random) else { return };
        let wanted = self.friends.keys().copied();
        if line.begin(now, &self.own, random, wanted).is_err() {
            self.end(now, connection, true);
        }
    }

    /// The socket of a connection could not be connected, or is closed.
    pub fn closed(&mut self, now: Duration, connection: u64) {
        self.end(now, connection, false);
    }

    /// Takes bytes that came over a connection.
    pub fn received(&mut self, now: Duration, connection: u64, bytes: &[u8]) {
        if let Some(client) = self.lines.get_mut(&connection).and_then(Line::client) {
            client.received(now, bytes);
            self.take(now, connection);
        }
    }

    /// When [`Self::timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.lines.values().filter_map(Line::next_deadline).chain(self.next).min()
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        let due = |line: &Line<R>| line.next_deadline().is_some_and(|deadline| deadline <= now);
        let due: Vec<u64> =
            self.lines.iter().filter(|(_, line)| due(line)).map(|(connection, _)| *connection).collect();
        for connection in due {
            match self.lines.get_mut(&connection).map(|line| &mut line.stage) {
                Some(Stage::Client(client)) => {
                    client.timeout(now);
                    self.take(now, connection);
                }
                _ => self.end(now, connection, true),
            }
        }
        if self.next.is_some_and(|next| next <= now) {
            self.dial(now);
        }
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() < limits::RELAY_EVENTS {
            self.events.push_back(event);
        }
    }

    /// Takes what happened on a connection.
    fn take(&mut self, now: Duration, connection: u64) {
        loop {
            let client = self.lines.get_mut(&connection).and_then(Line::client);
            let Some(event) = client.and_then(Client::poll_event) else { return };
            match event {
                ClientEvent::Open => {
                    self.works(connection);
                    self.tell(Event::Changed);
                }
                ClientEvent::Connected(key) => self.joined(connection, key),
                ClientEvent::Disconnected(key) => self.left(connection, key),
                ClientEvent::Data { from, data } => self.tell(Event::Data { from, data }),
                ClientEvent::Blind { from, data } => self.tell(Event::Blind { connection, from, data }),
                ClientEvent::Onion(packet) => self.tell(Event::Onion { connection, packet }),
                ClientEvent::Closed => return self.end(now, connection, true),
            }
        }
    }

    fn joined(&mut self, connection: u64, key: PublicKey) {
        let Some(friend) = self.friends.get_mut(&key) else { return };
        let first = friend.on.is_empty();
        friend.on.insert(connection);
        if first {
            self.tell(Event::Connected(key));
        }
    }

    fn left(&mut self, connection: u64, key: PublicKey) {
        let Some(friend) = self.friends.get_mut(&key) else { return };
        if friend.on.remove(&connection) && friend.on.is_empty() {
            self.tell(Event::Disconnected(key));
        }
    }

    /// A relay has proved its key: it is not avoided any more.
    fn works(&mut self, connection: u64) {
        let Some(line) = self.lines.get_mut(&connection) else { return };
        line.was_open = true;
        let relay = line.relay;
        if let Some((_, backoff)) = self.added.iter_mut().find(|(known, _)| *known == relay) {
            *backoff = Backoff::default();
        }
    }

    /// A connection is over. `ours`: it is we who end it.
    fn end(&mut self, now: Duration, connection: u64, ours: bool) {
        let Some(line) = self.lines.remove(&connection) else { return };
        if ours {
            // One for each connection at most.
            self.events.push_back(Event::Close(connection));
        }
        if let Some((_, backoff)) = self.added.iter_mut().find(|(known, _)| *known == line.relay) {
            backoff.failed(now);
        }
        let friends: Vec<PublicKey> = self.friends.keys().copied().collect();
        for friend in friends {
            self.left(connection, friend);
        }
        // Relays of friends are named again, and are not dialled before.
        for friend in self.friends.values_mut() {
            friend.relays.retain(|relay| *relay != line.relay);
        }
        if line.was_open {
            self.tell(Event::Changed);
        }
        self.dial(now);
    }

    fn is_used(&self, relay: &Node) -> bool {
        self.lines.values().any(|line| line.relay.key == relay.key)
    }

    /// Dials what is missing, and leaves what nobody needs.
    fn dial(&mut self, now: Duration) {
        self.next = None;
        let own = self.lines.values().filter(|line| self.added.iter().any(|(known, _)| *known == line.relay));
        let missing = limits::OWN_RELAYS.saturating_sub(own.count());
        let free: Vec<(Node, Backoff)> =
            self.added.iter().filter(|(relay, _)| !self.is_used(relay)).copied().collect();
        let (ready, waiting): (Vec<_>, Vec<_>) =
            free.into_iter().partition(|(_, backoff)| backoff.until <= now);
        for (relay, _) in ready.into_iter().take(missing) {
            self.open(now, relay);
        }
        if missing > 0 {
            self.next = waiting.into_iter().map(|(_, backoff)| backoff.until).min();
        }
        let named: Vec<Node> =
            self.friends.values().flat_map(|friend| friend.relays.iter().copied()).collect();
        self.leave(now, &named);
        for relay in named {
            if !self.is_used(&relay) && relay.key != self.own.public() {
                self.open(now, relay);
            }
        }
    }

    fn open(&mut self, now: Duration, relay: Node) {
        if self.lines.len() < limits::POOL_CONNECTIONS {
            self.dialled += 1;
            self.lines.insert(self.dialled, Line::new(now, relay));
            // One for each connection at most.
            self.events.push_back(Event::Dial { connection: self.dialled, relay });
        }
    }

    /// Leaves relays of friends who are no longer wanted there.
    fn leave(&mut self, now: Duration, named: &[Node]) {
        let needed =
            |relay: &Node| named.contains(relay) || self.added.iter().any(|(known, _)| known == relay);
        let unneeded = self.lines.iter().filter(|(_, line)| !needed(&line.relay));
        let unneeded: Vec<u64> = unneeded.map(|(connection, _)| *connection).collect();
        for connection in unneeded {
            self.end(now, connection, true);
        }
    }
}
