//! A network in memory. Time passes only when there is nothing to do now, and one seed decides
//! everything.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use toxnet::{KeyPair, PublicKey, UdpNode};

/// One way over the network.
const DELAY: Duration = Duration::from_millis(20);

/// What is at an address.
pub trait Machine {
    type Event: PartialEq;
    fn start(now: Duration, keys: KeyPair, random: ChaCha20Rng) -> Self;
    fn key(&self) -> PublicKey;
    fn datagram(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]);
    fn timeout(&mut self, now: Duration);
    fn next_deadline(&self) -> Option<Duration>;
    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)>;
    fn poll_event(&mut self) -> Option<Self::Event>;
}

pub struct Place<M: Machine> {
    pub dht: M,
    pub at: SocketAddr,
    /// It neither sends nor receives.
    pub silent: bool,
    pub events: Vec<M::Event>,
    /// The first bytes of what it sent.
    pub kinds: BTreeMap<u8, usize>,
}

impl<M: Machine> Place<M> {
    pub fn contact(&self) -> UdpNode {
        UdpNode { address: self.at.into(), key: self.dht.key() }
    }
}

pub struct Network<M: Machine> {
    pub nodes: Vec<Place<M>>,
    pub now: Duration,
    /// The first byte of all addresses.
    pub network: u8,
    /// Packets that were sent.
    pub sent: usize,
    /// Of a hundred packets, so many are lost.
    pub loss: u32,
    random: ChaCha20Rng,
    /// By the time they arrive, and a number that keeps their order.
    under_way: BTreeMap<(Duration, usize), (SocketAddr, SocketAddr, Vec<u8>)>,
}

impl<M: Machine> Network<M> {
    pub fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            now: Duration::from_secs(1000),
            network: 10,
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
        let node = Place {
            dht: M::start(self.now, keys, random),
            at: SocketAddr::from(([self.network, low, high, 1], 33445)),
            silent: false,
            events: Vec::new(),
            kinds: BTreeMap::new(),
        };
        self.nodes.push(node);
        number
    }

    fn collect(&mut self) {
        for node in &mut self.nodes {
            while let Some((to, packet)) = node.dht.poll_transmit() {
                self.sent += 1;
                *node.kinds.entry(packet[0]).or_default() += 1;
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
}
