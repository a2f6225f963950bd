//! A whole node of `toxnet` on a UDP socket, and where it has an identity, sessions with its friends.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng as _};
use toxnet::node::{Event, Identity, Node};
use toxnet::packet::{Kind, id};
use toxnet::session::{Event as SessionEvent, Sessions, Urgency};
use toxnet::{KeyPair, Nospam, PublicKey, ToxId, UdpNode};

/// A node, its sessions, and what they told.
#[derive(Debug)]
pub struct Peer {
    /// The node.
    pub node: Node<ChaCha20Rng>,
    /// The sessions, which nobody but friends of the node has.
    pub sessions: Sessions<ChaCha20Rng>,
    /// What the node told.
    pub events: Vec<Event>,
    /// Friends whose ONLINE came.
    pub online: BTreeSet<PublicKey>,
    nospam: Nospam,
    socket: UdpSocket,
    begin: Instant,
    out: Vec<u8>,
}

impl Peer {
    /// A node without an identity on a free port of loopback.
    #[must_use]
    pub fn node() -> Self {
        Self::with_keys(KeyPair::generate(&mut OsRng))
    }

    /// One with this DHT key.
    #[must_use]
    pub fn with_keys(dht: KeyPair) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let real = KeyPair::generate(&mut OsRng);
        let random = || ChaCha20Rng::from_rng(OsRng).unwrap();
        Self {
            node: Node::new(Duration::ZERO, dht.clone(), random()),
            sessions: Sessions::new(real, dht, random()),
            events: Vec::new(),
            online: BTreeSet::new(),
            nospam: Nospam([1, 2, 3, 4]),
            socket,
            begin: Instant::now(),
            out: Vec::new(),
        }
    }

    /// One with an identity.
    #[must_use]
    pub fn start() -> Self {
        let real = KeyPair::generate(&mut OsRng);
        let dht = KeyPair::generate(&mut OsRng);
        let mut peer = Self::with_keys(dht.clone());
        peer.sessions = Sessions::new(real.clone(), dht, ChaCha20Rng::from_rng(OsRng).unwrap());
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() - peer.now();
        peer.node.identify(peer.now(), Identity { real, nospam: peer.nospam, unix });
        peer
    }

    /// Its Tox ID.
    #[must_use]
    pub fn id(&self) -> ToxId {
        ToxId { key: self.sessions.real_key(), nospam: self.nospam }
    }

    /// As a node of the DHT.
    #[must_use]
    pub fn contact(&self) -> UdpNode {
        UdpNode { address: self.socket.local_addr().unwrap().into(), key: self.node.key() }
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Uses a node.
    pub fn join(&mut self, node: UdpNode) {
        self.node.bootstrap(self.now(), node);
    }

    /// Takes somebody as a friend.
    pub fn befriend(&mut self, key: PublicKey) {
        self.node.add_friend(self.now(), key).unwrap();
        self.sessions.allow(key).unwrap();
    }

    /// Asks somebody to be a friend.
    pub fn request(&mut self, id: &ToxId, text: &str) {
        self.node.request_friend(self.now(), id, text.as_bytes()).unwrap();
        self.sessions.allow(id.key).unwrap();
    }

    /// Whether this friend request came.
    #[must_use]
    pub fn was_asked(&self, by: &PublicKey, text: &str) -> bool {
        let request = Event::FriendRequest { from: *by, text: text.as_bytes().to_vec() };
        self.events.contains(&request)
    }

    /// Takes what came, does what is due, sends.
    pub fn turn(&mut self) {
        let mut buffer = [0; 2048];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let (now, packet) = (self.now(), &mut buffer[..length]);
                    match Kind::of(packet) {
                        Ok(Kind::CookieRequest | Kind::CookieResponse | Kind::Handshake | Kind::Data) => {
                            self.sessions.datagram(now, from, packet);
                        }
                        _ => self.node.datagram(now, from, packet),
                    }
                    self.take();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A port where nobody listens any more.
                Err(_) => {}
            }
        }
        let now = self.now();
        if self.node.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.node.timeout(now);
        }
        if self.sessions.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.sessions.timeout(now);
        }
        self.take();
    }

    fn take(&mut self) {
        let now = self.now();
        while let Some(event) = self.node.poll_event() {
            if let Event::Friend { friend, dht, at } = event {
                self.sessions.connect(now, &friend, dht, at).unwrap();
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
                SessionEvent::Ended { peer, .. } => {
                    self.online.remove(&peer);
                    self.node.set_online(now, &peer, false);
                }
                _ => {}
            }
        }
        // A full socket loses it, as the network would.
        while let Some((to, packet)) = self.node.poll_transmit() {
            let _ = self.socket.send_to(&packet, to);
        }
        while let Some(to) = self.sessions.poll_transmit(now, &mut self.out) {
            let _ = self.socket.send_to(&self.out, to);
            self.out.clear();
        }
    }
}
