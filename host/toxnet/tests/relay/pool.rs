//! Pools of relays: which they connect to, and how friends are reached over them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::relay::{NotSent, Pool, PoolEvent, Relays, Server, ServerEvent};
use toxnet::{Address, Node, PublicKey, Transport, limits};

use crate::world::{key, pair};

/// The relay with this number.
fn relay(number: u8) -> Node {
    let address = Address::new([203, 0, 113, number].into(), 33445);
    Node { transport: Transport::Tcp, address, key: key(9000 + u64::from(number)) }
}

/// Some relays, some nodes with pools, and the connections between them.
struct Net {
    now: Duration,
    servers: BTreeMap<Address, Server<ChaCha20Rng>>,
    /// Relays that cannot be reached.
    down: BTreeSet<Address>,
    pools: Vec<Pool<ChaCha20Rng>>,
    events: Vec<Vec<PoolEvent>>,
    /// By pool and its number: the relay, and its number.
    sockets: BTreeMap<(usize, u64), (Address, u64)>,
}

impl Net {
    /// Pools of the nodes 1, 2, ..
    fn new(relays: std::ops::RangeInclusive<u8>, pools: &[Relays]) -> Self {
        let server = |number| {
            let keys = pair(9000 + u64::from(number));
            (relay(number).address, Server::new(keys, ChaCha20Rng::seed_from_u64(number.into())))
        };
        let pool = |(number, relays): (u64, &Relays)| {
            Pool::new(pair(number), *relays, ChaCha20Rng::seed_from_u64(500 + number))
        };
        Self {
            now: Duration::from_secs(1000),
            servers: relays.map(server).collect(),
            down: BTreeSet::new(),
            pools: (1..).zip(pools).map(pool).collect(),
            events: vec![Vec::new(); pools.len()],
            sockets: BTreeMap::new(),
        }
    }

    fn take(&mut self, pool: usize) -> Vec<PoolEvent> {
        std::mem::take(&mut self.events[pool])
    }

    fn socket_of(&self, server: Address, connection: u64) -> Option<(usize, u64)> {
        let is_it = |(_, end): &(&(usize, u64), &(Address, u64))| **end == (server, connection);
        self.sockets.iter().find(is_it).map(|(socket, _)| *socket)
    }

    /// Does what the pools say, and carries bytes until there are none.
    fn run(&mut self) {
        loop {
            let mut moved = false;
            for index in 0..self.pools.len() {
                while let Some(event) = self.pools[index].poll_event() {
                    moved = true;
                    self.happened(index, event);
                }
            }
            for ((pool, number), (server, connection)) in self.sockets.clone() {
                while let Some(bytes) = self.pools[pool].poll_transmit(number) {
                    moved = true;
                    self.servers.get_mut(&server).unwrap().received(self.now, connection, &bytes);
                }
                while let Some(bytes) = self.servers.get_mut(&server).unwrap().poll_transmit(connection) {
                    moved = true;
                    self.pools[pool].received(self.now, number, &bytes);
                }
            }
            let servers: Vec<Address> = self.servers.keys().copied().collect();
            for server in servers {
                while let Some(event) = self.servers.get_mut(&server).unwrap().poll_event() {
                    let ServerEvent::Close { connection, .. } = event else { continue };
                    if let Some((pool, number)) = self.socket_of(server, connection) {
                        self.sockets.remove(&(pool, number));
                        self.pools[pool].closed(self.now, number);
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn happened(&mut self, pool: usize, event: PoolEvent) {
        match &event {
            PoolEvent::Dial { connection, relay } => {
                let up = !self.down.contains(&relay.address);
                match self.servers.get_mut(&relay.address).filter(|_| up) {
                    Some(server) => {
                        let number = server.accept(self.now, ([127, 0, 0, 1], 1).into()).unwrap();
                        self.sockets.insert((pool, *connection), (relay.address, number));
                        self.pools[pool].dialled(self.now, *connection);
                    }
                    None => self.pools[pool].closed(self.now, *connection),
                }
            }
            PoolEvent::Close(connection) => {
                if let Some((server, number)) = self.sockets.remove(&(pool, *connection)) {
                    self.servers.get_mut(&server).unwrap().closed(number);
                }
            }
            _ => {}
        }
        self.events[pool].push(event);
    }

    /// A relay goes away: all its connections end.
    fn take_down(&mut self, number: u8) {
        let at = relay(number).address;
        self.down.insert(at);
        let ended: Vec<(usize, u64)> =
            self.sockets.iter().filter(|(_, (server, _))| *server == at).map(|(socket, _)| *socket).collect();
        for (pool, number) in ended {
            let (_, connection) = self.sockets.remove(&(pool, number)).unwrap();
            self.servers.get_mut(&at).unwrap().closed(connection);
            self.pools[pool].closed(self.now, number);
        }
        self.run();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let pools = self.pools.iter().filter_map(Pool::next_deadline);
            let servers = self.servers.values().filter_map(Server::next_deadline);
            self.now = pools.chain(servers).min().unwrap_or(end).clamp(self.now, end);
            self.pools.iter_mut().for_each(|pool| pool.timeout(self.now));
            self.servers.values_mut().for_each(|server| server.timeout(self.now));
            self.run();
        }
    }

    fn add(&mut self, pool: usize, relays: impl Iterator<Item = u8>) {
        relays.for_each(|number| self.pools[pool].add(self.now, relay(number)));
        self.run();
    }

    /// Both want each other, and each knows where the other is.
    fn join(&mut self) {
        for (pool, other) in [(0, 1), (1, 0)] {
            let relays: Vec<Node> =
                self.pools[other].connected().into_iter().map(|(_, relay)| relay).collect();
            self.pools[pool].want(self.now, node(other), &relays);
        }
        self.run();
    }

    fn connected(&self, pool: usize) -> BTreeSet<PublicKey> {
        self.pools[pool].connected().into_iter().map(|(_, relay)| relay.key).collect()
    }
}

/// The key of the node with the pool of this number.
fn node(pool: usize) -> PublicKey {
    key(u64::try_from(pool).unwrap() + 1)
}

fn dials(events: &[PoolEvent]) -> usize {
    events.iter().filter(|event| matches!(event, PoolEvent::Dial { .. })).count()
}

#[test]
fn three_relays_are_dialled_and_another_one_for_each_that_goes() {
    let mut net = Net::new(1..=6, &[Relays::Any]);
    net.add(0, 1..=6);
    assert_eq!((net.connected(0).len(), dials(&net.take(0))), (3, 3));
    net.take_down(1);
    assert_eq!(net.connected(0), (2..=4).map(|number| relay(number).key).collect());
    assert_eq!(dials(&net.take(0)), 1);
    net.pass(Duration::from_secs(300));
    assert_eq!(dials(&net.take(0)), 0);
}

#[test]
fn relays_that_cannot_be_reached_are_tried_less_and_less() {
    let mut net = Net::new(1..=1, &[Relays::Any]);
    net.down.insert(relay(1).address);
    net.add(0, 1..=1);
    net.pass(Duration::from_secs(600));
    // At 0, 1, 3, 7, 15, 31, 63 seconds and each minute.
    let tried = dials(&net.take(0));
    assert!((10..=17).contains(&tried), "{tried}");
    net.down.clear();
    net.pass(Duration::from_secs(60));
    assert_eq!(net.connected(0).len(), 1);
}

#[test]
fn friends_with_other_relays_meet_on_those_of_both() {
    let mut net = Net::new(1..=6, &[Relays::Any, Relays::Any]);
    net.add(0, 1..=3);
    net.add(1, 4..=6);
    net.join();
    assert_eq!((net.connected(0).len(), net.connected(1).len()), (6, 6));
    assert!(net.take(0).contains(&PoolEvent::Connected(node(1))));
    net.pools[0].send(&node(1), b"hello").unwrap();
    net.run();
    let data = PoolEvent::Data { from: node(0), data: b"hello".to_vec() };
    assert_eq!(net.take(1).into_iter().filter(|event| *event == data).count(), 1);
    // Relays of friends are left with them.
    let now = net.now;
    net.pools[0].forget(now, &node(1));
    net.run();
    assert_eq!(net.connected(0), (1..=3).map(|number| relay(number).key).collect());
    assert!(net.take(1).contains(&PoolEvent::Disconnected(node(0))));
    assert_eq!(net.pools[0].send(&node(1), b"hello"), Err(NotSent::NotConnected));
}

#[test]
fn whoever_uses_only_its_own_relays_goes_to_no_others() {
    let mut net = Net::new(1..=6, &[Relays::Only, Relays::Any]);
    net.add(0, 1..=3);
    net.add(1, 4..=6);
    net.join();
    assert_eq!(net.connected(0).len(), 3);
    // The friend comes to them.
    assert!(net.pools[0].reaches(&node(1)) && net.pools[1].reaches(&node(0)));
}

#[test]
fn a_friend_stays_while_any_relay_stays() {
    let mut net = Net::new(1..=2, &[Relays::Any, Relays::Any]);
    net.add(0, 1..=2);
    net.add(1, 1..=2);
    net.join();
    net.take(0);
    net.take_down(1);
    assert!(net.pools[0].reaches(&node(1)) && !net.take(0).contains(&PoolEvent::Disconnected(node(1))));
    net.pools[0].send(&node(1), b"still").unwrap();
    net.take_down(2);
    assert!(!net.pools[0].reaches(&node(1)) && net.take(0).contains(&PoolEvent::Disconnected(node(1))));
    net.down.clear();
    net.pass(Duration::from_secs(5));
    assert!(net.take(0).contains(&PoolEvent::Connected(node(1))));
}

#[test]
fn blind_data_goes_over_all_relays() {
    let mut net = Net::new(1..=2, &[Relays::Any, Relays::Any]);
    net.add(0, 1..=2);
    net.add(1, 1..=2);
    net.take(1);
    assert_eq!(net.pools[0].send_blind(node(1), b"cookie"), Ok(2));
    net.run();
    let blind = |event: &PoolEvent| matches!(event, PoolEvent::Blind { from, data, .. } if *from == node(0) && data == b"cookie");
    assert_eq!(net.take(1).iter().filter(|event| blind(event)).count(), 2);
}

#[test]
fn friends_cannot_make_a_pool_connect_without_bound() {
    let mut net = Net::new(1..=200, &[Relays::Any]);
    net.add(0, 1..=3);
    for friend in 0..60_u8 {
        let named: Vec<Node> = (0..4).map(|number| relay(friend * 3 + 4 + number)).collect();
        let now = net.now;
        net.pools[0].want(now, key(2000 + u64::from(friend)), &named);
    }
    net.run();
    assert_eq!(net.connected(0).len(), limits::POOL_CONNECTIONS);
    // Own relays and nodes of the DHT are no relays to go to.
    let (now, own) = (net.now, Node { key: node(0), ..relay(1) });
    let mut pool = Pool::new(pair(1), Relays::Any, ChaCha20Rng::seed_from_u64(1));
    pool.add(now, own);
    pool.add(now, Node { transport: Transport::Udp, ..relay(1) });
    pool.want(now, key(2000), &[own]);
    assert_eq!(pool.poll_event(), None);
}

#[test]
fn a_socket_that_never_connects_is_given_up() {
    let mut pool = Pool::new(pair(1), Relays::Any, ChaCha20Rng::seed_from_u64(1));
    let now = Duration::from_secs(1000);
    pool.add(now, relay(1));
    let Some(PoolEvent::Dial { connection, .. }) = pool.poll_event() else { panic!("nothing is dialled") };
    assert_eq!(pool.next_deadline(), Some(now + limits::RELAY_CONNECT_TIME));
    pool.timeout(now + limits::RELAY_CONNECT_TIME);
    assert_eq!(pool.poll_event(), Some(PoolEvent::Close(connection)));
}
