//! A Tox TCP relay of `toxnet` on real sockets, a client of one, and a node that has nothing but relays.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng as _};
use toxnet::node::{Event, Identity, Node};
use toxnet::relay::{Client, ClientEvent, Server, ServerEvent};
use toxnet::{KeyPair, Node as NodeAddress, Nospam, PublicKey, ToxId, Transport, UdpNode};

use crate::Peer;

/// A socket and what could not be written to it yet.
#[derive(Debug)]
struct Line {
    socket: TcpStream,
    unwritten: Vec<u8>,
}

impl Line {
    fn new(socket: TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unwritten: Vec::new() }
    }

    /// What has come; none if it is closed.
    fn read(&mut self) -> Option<Vec<u8>> {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return (!all.is_empty()).then_some(all),
                Ok(length) => all.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(all),
                Err(_) => return None,
            }
        }
    }

    /// Writes frames for as long as the socket takes them.
    fn write(&mut self, mut next: impl FnMut() -> Option<Vec<u8>>) {
        loop {
            if self.unwritten.is_empty() {
                match next() {
                    Some(frame) => self.unwritten = frame,
                    None => return,
                }
            }
            match self.socket.write(&self.unwritten) {
                Ok(length) => drop(self.unwritten.drain(..length)),
                // Full; or broken, which reading tells.
                Err(_) => return,
            }
        }
    }
}

/// A node of the DHT and the onion that is a relay too.
#[derive(Debug)]
pub struct Relay {
    /// The node.
    pub peer: Peer,
    /// The relay.
    pub server: Server<ChaCha20Rng>,
    listener: TcpListener,
    lines: BTreeMap<u64, Line>,
}

impl Relay {
    /// One on free ports of loopback.
    #[must_use]
    pub fn start() -> Self {
        let keys = KeyPair::generate(&mut OsRng);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            server: Server::new(keys.clone(), ChaCha20Rng::from_rng(OsRng).unwrap()),
            peer: Peer::with_keys(keys),
            listener,
            lines: BTreeMap::new(),
        }
    }

    /// Its TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Takes what came, does what is due, sends.
    pub fn turn(&mut self) {
        let now = self.peer.now();
        while let Ok((socket, from)) = self.listener.accept() {
            if let Ok(connection) = self.server.accept(now, from) {
                self.lines.insert(connection, Line::new(socket));
            }
        }
        let mut gone = Vec::new();
        for (connection, line) in &mut self.lines {
            match line.read() {
                Some(bytes) => self.server.received(now, *connection, &bytes),
                None => gone.push(*connection),
            }
        }
        for connection in gone {
            self.lines.remove(&connection);
            self.server.closed(connection);
        }
        if self.server.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.server.timeout(now);
        }
        while let Some(event) = self.server.poll_event() {
            match event {
                ServerEvent::Close { connection, .. } => drop(self.lines.remove(&connection)),
                ServerEvent::Onion { connection, local, content } => {
                    self.peer.node.onion_from_relay(now, connection, local, &content);
                }
            }
        }
        self.peer.turn();
        while let Some((connection, answer)) = self.peer.node.poll_relay_answer() {
            self.server.onion_answer(connection, &answer);
        }
        for (connection, line) in &mut self.lines {
            line.write(|| self.server.poll_transmit(*connection));
        }
    }
}

/// A client of a relay.
#[derive(Debug)]
pub struct RelayGuest {
    /// The client.
    pub client: Client<ChaCha20Rng>,
    /// What it told.
    pub events: Vec<ClientEvent>,
    keys: KeyPair,
    line: Line,
    begin: Instant,
}

impl RelayGuest {
    /// Connects to a relay, with a new key.
    #[must_use]
    pub fn connect(at: SocketAddr, relay: &PublicKey) -> Self {
        Self::connect_as(KeyPair::generate(&mut OsRng), at, relay)
    }

    /// Connects with this key.
    #[must_use]
    pub fn connect_as(keys: KeyPair, at: SocketAddr, relay: &PublicKey) -> Self {
        let random = ChaCha20Rng::from_rng(OsRng).unwrap();
        Self {
            client: Client::new(Duration::ZERO, &keys, relay, random).unwrap(),
            events: Vec::new(),
            keys,
            line: Line::new(TcpStream::connect(at).unwrap()),
            begin: Instant::now(),
        }
    }

    /// Its DHT key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.keys.public()
    }

    /// Takes what came, does what is due, sends.
    pub fn turn(&mut self) {
        let now = self.begin.elapsed();
        match self.line.read() {
            Some(bytes) => self.client.received(now, &bytes),
            None => self.client.close(),
        }
        if self.client.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.client.timeout(now);
        }
        self.line.write(|| self.client.poll_transmit());
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
    }
}

/// A node with an identity that has no UDP, only relays.
#[derive(Debug)]
pub struct TcpPeer {
    /// The node.
    pub node: Node<ChaCha20Rng>,
    /// What it told.
    pub events: Vec<Event>,
    id: ToxId,
    relays: Vec<(NodeAddress, RelayGuest)>,
    open: usize,
    begin: Instant,
}

impl TcpPeer {
    /// One that knows these nodes, each with the address of its relay.
    #[must_use]
    pub fn start(relays: &[(UdpNode, SocketAddr)]) -> Self {
        let (dht, real) = (KeyPair::generate(&mut OsRng), KeyPair::generate(&mut OsRng));
        let mut node = Node::new(Duration::ZERO, dht.clone(), ChaCha20Rng::from_rng(OsRng).unwrap());
        let id = ToxId { key: real.public(), nospam: Nospam([1, 2, 3, 4]) };
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        node.identify(Duration::ZERO, Identity { real, nospam: id.nospam, unix });
        let relays = relays.iter().map(|(relay, at)| {
            node.add_path_node(Duration::ZERO, *relay);
            let address = NodeAddress { transport: Transport::Tcp, address: (*at).into(), key: relay.key };
            (address, RelayGuest::connect_as(dht.clone(), *at, &relay.key))
        });
        let relays = relays.collect();
        Self { node, events: Vec::new(), id, relays, open: 0, begin: Instant::now() }
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

    /// Takes what came, does what is due, sends.
    pub fn turn(&mut self) {
        let now = self.now();
        for (number, (_, guest)) in (0..).zip(&mut self.relays) {
            guest.turn();
            for event in guest.events.drain(..) {
                if let ClientEvent::Onion(mut answer) = event {
                    self.node.onion_answer(now, number, &mut answer);
                }
            }
        }
        let open = (0..).zip(&self.relays).filter(|(_, (_, guest))| guest.client.is_open());
        let open: Vec<(u64, NodeAddress)> = open.map(|(number, (relay, _))| (number, *relay)).collect();
        if open.len() != self.open {
            self.open = open.len();
            self.node.set_relays(now, &open);
        }
        if self.node.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.node.timeout(now);
        }
        while let Some((number, content)) = self.node.poll_over_relay() {
            let (_, guest) = &mut self.relays[usize::try_from(number).unwrap()];
            // A full line loses it.
            let _ = guest.client.send_onion(&content);
        }
        // There is no UDP.
        while self.node.poll_transmit().is_some() {}
        self.events.extend(std::iter::from_fn(|| self.node.poll_event()));
    }
}
