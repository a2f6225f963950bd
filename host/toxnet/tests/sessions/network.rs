//! The network: links that lose, delay, reorder and duplicate, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use toxnet::session::{Event, SendError, Sessions, Urgency};
use toxnet::{KeyPair, PublicKey};

/// The kind of data packets, their first byte.
pub const DATA: u8 = 0x1b;

/// What happens to a packet on its way.
#[derive(Clone, Copy)]
pub struct Link {
    pub delay: Duration,
    /// Added at random, up to this: packets overtake each other.
    pub jitter: Duration,
    pub loss_percent: u32,
    pub double_percent: u32,
}

/// A slow line that all packets from some hosts pass, with a queue of limited length.
pub struct Line {
    pub bytes_per_second: u64,
    pub queue_bytes: u64,
    pub from: BTreeSet<usize>,
    pub free_at: Duration,
}

/// A packet seen as it left.
pub struct Seen {
    pub at: Duration,
    pub from: usize,
    pub packet: Vec<u8>,
}

pub struct Host {
    pub sessions: Sessions<ChaCha20Rng>,
    pub at: SocketAddr,
    /// What it was told, but for packets.
    pub events: Vec<Event>,
    /// The packets it was given.
    pub packets: Vec<Vec<u8>>,
    /// The application takes what comes.
    pub takes: bool,
    /// The process runs.
    pub awake: bool,
}

pub struct Network {
    pub now: Duration,
    random: ChaCha20Rng,
    pub hosts: Vec<Host>,
    pub link: Link,
    pub line: Option<Line>,
    /// Everything that left, where a test wants to see it.
    pub seen: Option<Vec<Seen>>,
    /// The next packets from this host are lost.
    pub lose_next: Option<(usize, usize)>,
    on_the_way: BTreeMap<(Duration, u64), (usize, SocketAddr, Vec<u8>)>,
    count: u64,
}

pub const GOOD: Link =
    Link { delay: Duration::from_millis(20), jitter: Duration::ZERO, loss_percent: 0, double_percent: 0 };

pub fn address(host: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, u8::try_from(host).unwrap(), 1], 33_445))
}

impl Network {
    /// So many hosts. Nobody knows anybody.
    pub fn new(seed: u64, hosts: usize, link: Link) -> Self {
        let mut network = Self {
            now: Duration::from_secs(1000),
            random: ChaCha20Rng::seed_from_u64(seed),
            hosts: Vec::new(),
            link,
            line: None,
            seen: None,
            lose_next: None,
            on_the_way: BTreeMap::new(),
            count: 0,
        };
        for host in 0..hosts {
            let real = KeyPair::generate(&mut network.random);
            let sessions = network.start(real);
            network.hosts.push(Host {
                sessions,
                at: address(host),
                events: Vec::new(),
                packets: Vec::new(),
                takes: true,
                awake: true,
            });
        }
        network
    }

    /// A process that starts: the DHT key is new.
    pub fn start(&mut self, real: KeyPair) -> Sessions<ChaCha20Rng> {
        let dht = KeyPair::generate(&mut self.random);
        let random = ChaCha20Rng::seed_from_u64(self.random.next_u64());
        Sessions::new(real, dht, random)
    }

    pub fn key(&self, host: usize) -> PublicKey {
        self.hosts[host].sessions.real_key()
    }

    pub fn make_friends(&mut self, a: usize, b: usize) {
        let (key_a, key_b) = (self.key(a), self.key(b));
        self.hosts[a].sessions.allow(key_b).unwrap();
        self.hosts[b].sessions.allow(key_a).unwrap();
    }

    pub fn connect(&mut self, from: usize, to: usize) {
        let (key, dht, at) = (self.key(to), self.hosts[to].sessions.dht_key(), self.hosts[to].at);
        self.hosts[from].sessions.connect(self.now, &key, dht, at).unwrap();
    }

    /// Two friends with a session.
    pub fn pair(seed: u64, link: Link) -> Self {
        let mut network = Self::new(seed, 2, link);
        network.make_friends(0, 1);
        network.connect(0, 1);
        network.until_established(0, 1);
        network
    }

    pub fn until_established(&mut self, a: usize, b: usize) {
        let (key_a, key_b) = (self.key(a), self.key(b));
        self.until(20, |network| {
            network.hosts[a].sessions.is_established(&key_b)
                && network.hosts[b].sessions.is_established(&key_a)
        });
    }

    /// Sends, and lets the network run while the lane is full.
    pub fn send(&mut self, from: usize, to: usize, data: &[u8]) {
        let key = self.key(to);
        loop {
            match self.hosts[from].sessions.send(&key, Urgency::Bulk, data.to_vec()) {
                Ok(()) => return,
                Err(SendError::Full) => assert!(self.step(), "nothing happens and the lane is full"),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The data that a host has been given.
    pub fn packets(&self, host: usize) -> &[Vec<u8>] {
        &self.hosts[host].packets
    }

    pub fn has(&self, host: usize, event: &Event) -> bool {
        self.hosts[host].events.contains(event)
    }

    /// Lets time pass until something is so, for so many seconds at most.
    pub fn until(&mut self, seconds: u64, done: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(seconds);
        while !done(self) {
            assert!(self.now < end, "it did not happen within {seconds} s");
            assert!(self.step(), "nothing happens any more");
        }
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next().is_some_and(|next| next <= end) {
            self.step();
        }
        self.now = end;
        self.settle();
    }

    fn next(&self) -> Option<Duration> {
        let awake = self.hosts.iter().filter(|host| host.awake);
        let deadlines = awake.filter_map(|host| host.sessions.next_deadline());
        deadlines.chain(self.on_the_way.keys().next().map(|(at, _)| *at)).min()
    }

    /// What is due next happens.
    pub fn step(&mut self) -> bool {
        self.settle();
        let Some(next) = self.next() else { return false };
        self.now = self.now.max(next);
        while let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (from, to, mut packet) = entry.remove();
            let (now, from) = (self.now, self.hosts[from].at);
            if let Some(host) = self.hosts.iter_mut().find(|host| host.at == to && host.awake) {
                host.sessions.datagram(now, from, &mut packet);
            }
        }
        for host in self.hosts.iter_mut().filter(|host| host.awake) {
            host.sessions.timeout(self.now);
        }
        self.settle();
        true
    }

    fn settle(&mut self) {
        for number in 0..self.hosts.len() {
            let host = &mut self.hosts[number];
            while host.takes && host.awake {
                let Some(event) = host.sessions.poll_event() else { break };
                match event {
                    Event::Packet { data, .. } => host.packets.push(data),
                    other => host.events.push(other),
                }
            }
            let mut packet = Vec::new();
            while self.hosts[number].awake {
                let Some(to) = self.hosts[number].sessions.poll_transmit(self.now, &mut packet) else {
                    break;
                };
                self.transmit(number, to, std::mem::take(&mut packet));
            }
        }
    }

    fn transmit(&mut self, from: usize, to: SocketAddr, packet: Vec<u8>) {
        if let Some(seen) = &mut self.seen {
            seen.push(Seen { at: self.now, from, packet: packet.clone() });
        }
        if let Some((host, left @ 1..)) = &mut self.lose_next
            && *host == from
        {
            *left -= 1;
            return;
        }
        let mut departs = self.now;
        if let Some(line) = &mut self.line
            && line.from.contains(&from)
        {
            let waiting = line.free_at.saturating_sub(self.now);
            let waiting = u64::try_from(waiting.as_micros()).unwrap() * line.bytes_per_second / 1_000_000;
            let bytes = packet.len() as u64 + 28;
            if waiting + bytes > line.queue_bytes {
                return;
            }
            let takes = Duration::from_nanos(bytes * 1_000_000_000 / line.bytes_per_second);
            line.free_at = line.free_at.max(self.now) + takes;
            departs = line.free_at;
        }
        let copies = 1 + u32::from(self.chance(self.link.double_percent));
        for _ in 0..copies {
            if !self.chance(self.link.loss_percent) {
                let jitter = self.below(u32::try_from(self.link.jitter.as_micros()).unwrap());
                let arrives = departs + self.link.delay + Duration::from_micros(jitter.into());
                self.count += 1;
                self.on_the_way.insert((arrives, self.count), (from, to, packet.clone()));
            }
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        percent > 0 && self.below(100) < percent
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 { 0 } else { self.random.next_u32() % bound }
    }
}
