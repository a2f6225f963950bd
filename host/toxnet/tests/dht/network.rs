//! A network in memory. Time passes only when there is nothing to do now, and one seed decides
//! everything.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use toxnet::dht::{Dht, Event};
use toxnet::{KeyPair, UdpNode};

/// One way over the network.
const DELAY: Duration = Duration::from_millis(20);

pub struct Node {
    pub dht: Dht<ChaCha20Rng>,
    pub at: SocketAddr,
    /// It neither sends nor receives.
    pub silent: bool,
    pub events: Vec<Event>,
}

impl Node {
    pub fn contact(&self) -> UdpNode {
        UdpNode { address: self.at.into(), key: self.dht.key() }
    }
}

pub struct Network {
    pub nodes: Vec<Node>,
    pub now: Duration,
    /// Packets that were sent.
    pub sent: usize,
    /// Of a hundred packets, so many are lost.
    pub loss: u32,
    random: ChaCha20Rng,
    /// By the time they arrive, and a number that keeps their order.
    under_way: BTreeMap<(Duration, usize), (SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            now: Duration::from_secs(1000),
            sent: 0,
            loss: 0,
            random: ChaCha20Rng::seed_from_u64(seed),
            under_way: BTreeMap::new(),
        }
    }

    /// A new node; gives its number.
    pub fn add(&mut self) -> usize {
        let number = self.nodes.len();
        let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
        let random = ChaCha20Rng::seed_from_u64(self.random.next_u64());
        let keys = KeyPair::generate(&mut self.random);
        let node = Node {
            dht: Dht::new(keys, random),
            at: SocketAddr::from(([10, high, low, 1], 33445)),
            silent: false,
            events: Vec::new(),
        };
        self.nodes.push(node);
        number
    }

    fn collect(&mut self) {
        for node in &mut self.nodes {
            while let Some((to, packet)) = node.dht.poll_transmit() {
                self.sent += 1;
                if !node.silent && self.random.next_u32() % 100 >= self.loss {
                    self.under_way.insert((self.now + DELAY, self.sent), (node.at, to, packet));
                }
            }
            node.events.extend(std::iter::from_fn(|| node.dht.poll_event()));
        }
    }

    /// Lets time pass until `end`.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.collect();
            let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let deadlines = self.nodes.iter().filter_map(|node| node.dht.next_deadline());
            let Some(next) = deadlines.chain(arrival).min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (from, to, mut packet) = entry.remove();
                let node = self.nodes.iter_mut().find(|node| node.at == to && !node.silent);
                if let Some(node) = node {
                    node.dht.datagram(self.now, from, &mut packet);
                }
            }
            for node in &mut self.nodes {
                node.dht.timeout(self.now);
            }
        }
        self.now = end;
    }

    /// Whether `node` was told where `other` is.
    pub fn found(&self, node: usize, other: usize) -> bool {
        let other = &self.nodes[other];
        let event = Event::Found { key: other.dht.key(), at: other.at };
        self.nodes[node].events.contains(&event)
    }
}
