//! Thirty nodes on public addresses, some of which have identities.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::node::{Event, Identity, Node};
use toxnet::{KeyPair, Nospam, PublicKey, ToxId};

use crate::network::Machine;

pub type Network = crate::network::Network<Node<ChaCha20Rng>>;

impl Machine for Node<ChaCha20Rng> {
    type Event = Event;

    fn start(now: Duration, keys: KeyPair, random: ChaCha20Rng) -> Self {
        Self::new(now, keys, random)
    }

    fn key(&self) -> PublicKey {
        self.key()
    }

    fn datagram(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) {
        self.datagram(now, from, packet);
    }

    fn timeout(&mut self, now: Duration) {
        self.timeout(now);
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.next_deadline()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.poll_transmit()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }
}

pub const NOSPAM: Nospam = Nospam([1, 2, 3, 4]);

pub fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// The person with this number.
pub fn person(number: u64) -> KeyPair {
    KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(1_000_000 + number))
}

pub fn tox_id(number: u64) -> ToxId {
    ToxId { key: person(number).public(), nospam: NOSPAM }
}

/// So many nodes that know only the first.
pub fn nodes(count: usize, seed: u64) -> Network {
    let mut network = Network::new(seed);
    network.network = 50;
    for _ in 0..count {
        join(&mut network);
    }
    network
}

/// A node joins; gives its number.
pub fn join(network: &mut Network) -> usize {
    let number = network.add();
    if number > 0 {
        let first = network.nodes[0].contact();
        let now = network.now;
        network.nodes[number].dht.bootstrap(now, first);
    }
    number
}

/// A person joins with a new node; gives its number.
pub fn join_as(network: &mut Network, number: u64) -> usize {
    let node = join(network);
    let identity = Identity { real: person(number), nospam: NOSPAM, unix: seconds(1_700_000_000) };
    let now = network.now;
    network.nodes[node].dht.identify(now, identity);
    node
}

/// Runs until something is so; gives how long that took.
pub fn until(network: &mut Network, most: Duration, what: &str, done: impl Fn(&Network) -> bool) -> Duration {
    let begin = network.now;
    while !done(network) {
        assert!(network.now - begin < most, "this did not happen in {most:?}: {what}");
        network.run(Duration::from_millis(10));
    }
    network.now - begin
}

/// Whether the node was told where this person is, and that is where the other node is.
pub fn found(network: &Network, node: usize, number: u64, other: usize) -> bool {
    let (friend, dht, at) =
        (person(number).public(), network.nodes[other].dht.key(), network.nodes[other].at);
    network.nodes[node].events.contains(&Event::Friend { friend, dht, at })
}

/// The texts of friend requests that came.
pub fn requests(network: &Network, node: usize) -> Vec<(PublicKey, Vec<u8>)> {
    let requests = network.nodes[node].events.iter().filter_map(|event| match event {
        Event::FriendRequest { from, text } => Some((*from, text.clone())),
        _ => None,
    });
    requests.collect()
}

/// Onion packets that a node sent as the one who made the path.
pub fn onion_packets(network: &Network, node: usize) -> usize {
    network.nodes[node].kinds.get(&0x80).copied().unwrap_or_default()
}
