//! A node of `toxnet` that has no UDP, only relays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng as _};
use toxnet::node::{Event, Identity, Node};
use toxnet::packet::{Kind, id};
use toxnet::relay::{Pool, PoolEvent, Relays};
use toxnet::session::{Event as SessionEvent, Sessions, Urgency};
use toxnet::{KeyPair, Node as NodeAddress, Nospam, PublicKey, ToxId, Transport, UdpNode};

use crate::relay::Line;

/// A node, its relays and sessions, and what they told.
#[derive(Debug)]
pub struct TcpPeer {
    /// The node.
    pub node: Node<ChaCha20Rng>,
    /// The sessions.
    pub sessions: Sessions<ChaCha20Rng>,
    /// What the node told.
    pub events: Vec<Event>,
    /// Friends whose ONLINE came.
    pub online: BTreeSet<PublicKey>,
    /// The custom packets that came.
    pub packets: Vec<Vec<u8>>,
    pool: Pool<ChaCha20Rng>,
    lines: BTreeMap<u64, Line>,
    /// The DHT keys of friends, and those of whom sessions have an address: one that stands for
    /// all relays.
    friends: BTreeMap<PublicKey, PublicKey>,
    addresses: Vec<PublicKey>,
    id: ToxId,
    begin: Instant,
}

impl TcpPeer {
    /// One that knows these nodes, each with the address of its relay.
    #[must_use]
    pub fn start(relays: &[(UdpNode, SocketAddr)]) -> Self {
        let (dht, real) = (KeyPair::generate(&mut OsRng), KeyPair::generate(&mut OsRng));
        let random = || ChaCha20Rng::from_rng(OsRng).unwrap();
        let mut node = Node::new(Duration::ZERO, dht.clone(), random());
        let mut pool = Pool::new(dht.clone(), Relays::Any, random());
        let id = ToxId { key: real.public(), nospam: Nospam([1, 2, 3, 4]) };
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        node.identify(Duration::ZERO, Identity { real: real.clone(), nospam: id.nospam, unix });
        for (relay, at) in relays {
            node.add_path_node(Duration::ZERO, *relay);
            let transport = Transport::Tcp;
            pool.add(Duration::ZERO, NodeAddress { transport, address: (*at).into(), key: relay.key });
        }
        Self {
            node,
            sessions: Sessions::new(real, dht, random()),
            events: Vec::new(),
            online: BTreeSet::new(),
            packets: Vec::new(),
            pool,
            lines: BTreeMap::new(),
            friends: BTreeMap::new(),
            addresses: Vec::new(),
            id,
            begin: Instant::now(),
        }
    }

    /// Its Tox ID.
    #[must_use]
    pub fn id(&self) -> ToxId {
        self.id
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Takes somebody as a friend.
    pub fn befriend(&mut self, key: PublicKey) {
        self.sessions.allow(key).unwrap();
        self.node.add_friend(self.now(), key).unwrap();
    }

    /// Asks somebody to be a friend.
    pub fn request(&mut self, id: &ToxId, text: &str) {
        self.node.request_friend(self.now(), id, text.as_bytes()).unwrap();
    }

    /// The address that stands for a DHT key.
    fn address_of(&mut self, dht: PublicKey) -> SocketAddr {
        let known = self.addresses.iter().position(|known| *known == dht);
        let index = known.unwrap_or_else(|| {
            self.addresses.push(dht);
            self.addresses.len() - 1
        });
        (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, u16::try_from(index).unwrap()), 1).into()
    }

    /// Takes what came, does what is due, sends.
    pub fn turn(&mut self) {
        let now = self.now();
        let mut gone = Vec::new();
        for (connection, line) in &mut self.lines {
            match line.read() {
                Some(bytes) => self.pool.received(now, *connection, &bytes),
                None => gone.push(*connection),
            }
        }
        for connection in gone {
            self.lines.remove(&connection);
            self.pool.closed(now, connection);
        }
        for deadline in [self.pool.next_deadline(), self.node.next_deadline(), self.sessions.next_deadline()]
        {
            if deadline.is_some_and(|deadline| deadline <= now) {
                self.pool.timeout(now);
                self.node.timeout(now);
                self.sessions.timeout(now);
                break;
            }
        }
        while let Some(event) = self.pool.poll_event() {
            self.over_relays(now, event);
        }
        self.take(now);
        while let Some((connection, content)) = self.node.poll_over_relay() {
            // A full line loses it.
            let _ = self.pool.send_onion(connection, &content);
        }
        // There is no UDP.
        while self.node.poll_transmit().is_some() {}
        let mut out = Vec::new();
        while let Some(to) = self.sessions.poll_transmit(now, &mut out) {
            let index = match to {
                SocketAddr::V6(to) => usize::from(to.ip().segments()[7]),
                SocketAddr::V4(_) => continue,
            };
            let dht = self.addresses[index];
            if self.pool.send(&dht, &out).is_err() && out.len() <= 1024 {
                let _ = self.pool.send_blind(dht, &out);
            }
            out.clear();
        }
        for (connection, line) in &mut self.lines {
            line.write(|| self.pool.poll_transmit(*connection));
        }
    }

    fn over_relays(&mut self, now: Duration, event: PoolEvent) {
        match event {
            PoolEvent::Dial { connection, relay } => {
                match TcpStream::connect(SocketAddr::from(relay.address)) {
                    Ok(socket) => {
                        self.lines.insert(connection, Line::new(socket));
                        self.pool.dialled(now, connection);
                    }
                    Err(_) => self.pool.closed(now, connection),
                }
            }
            PoolEvent::Close(connection) => drop(self.lines.remove(&connection)),
            PoolEvent::Changed => self.node.set_relays(now, &self.pool.connected()),
            PoolEvent::Connected(dht) => {
                let at = self.address_of(dht);
                let friend = self.friends.iter().find(|(_, known)| **known == dht).map(|(friend, _)| *friend);
                if let Some(friend) = friend {
                    self.sessions.connect(now, &friend, dht, at).unwrap();
                }
            }
            PoolEvent::Disconnected(_) => {}
            PoolEvent::Data { from, mut data } | PoolEvent::Blind { from, mut data, .. } => {
                // Whoever shakes hands without a route wants one.
                if Kind::of(&data) == Ok(Kind::Handshake) {
                    self.pool.want(now, from, &[]);
                }
                let at = self.address_of(from);
                self.sessions.datagram(now, at, &mut data);
            }
            PoolEvent::Onion { connection, mut packet } => {
                self.node.onion_answer(now, connection, &mut packet);
            }
        }
    }

    fn take(&mut self, now: Duration) {
        while let Some(event) = self.node.poll_event() {
            if let Event::DhtKey { friend, dht, relays } = &event {
                self.friends.insert(*friend, *dht);
                self.pool.want(now, *dht, relays);
            }
            self.events.push(event);
        }
        while let Some(event) = self.sessions.poll_event() {
            match event {
                SessionEvent::Established { peer } => {
                    self.sessions.send(&peer, Urgency::Urgent, vec![id::ONLINE]).unwrap();
                    self.node.set_online(now, &peer, true);
                }
                SessionEvent::Packet { peer, data } if data == [id::ONLINE] => {
                    self.online.insert(peer);
                }
                SessionEvent::Packet { data, .. } if data.first() == Some(&160) => self.packets.push(data),
                SessionEvent::Ended { peer, .. } => {
                    self.online.remove(&peer);
                    self.node.set_online(now, &peer, false);
                }
                _ => {}
            }
        }
    }
}
