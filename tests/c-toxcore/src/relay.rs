//! A Tox TCP relay of `toxnet` on real sockets, and a client of one.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng as _};
use toxnet::relay::{Client, ClientEvent, Server, ServerEvent};
use toxnet::{KeyPair, PublicKey};

use crate::Peer;

/// A socket and what could not be written to it yet.
#[derive(Debug)]
pub(crate) struct Line {
    socket: TcpStream,
    unwritten: Vec<u8>,
}

impl Line {
    pub(crate) fn new(socket: TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unwritten: Vec::new() }
    }

    /// What has come; none if it is closed.
    pub(crate) fn read(&mut self) -> Option<Vec<u8>> {
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
    pub(crate) fn write(&mut self, mut next: impl FnMut() -> Option<Vec<u8>>) {
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
        let keys = KeyPair::generate(&mut OsRng);
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
