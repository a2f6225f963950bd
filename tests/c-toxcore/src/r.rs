//! A peer that runs the sessions of `toxnet` on a UDP socket.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, RngCore as _, SeedableRng as _};
use toxnet::packet::id;
use toxnet::session::{Event, Sessions, Urgency};
use toxnet::{KeyPair, PublicKey};

/// Datagrams taken before anything is sent.
const BATCH: usize = 64;

/// Waits shorter than this are made of naps: the time limit of a socket is too coarse.
const COARSE: Duration = Duration::from_millis(5);

/// How long such a nap is.
const NAP: Duration = Duration::from_micros(50);

/// Sessions, the socket, and what they told.
#[derive(Debug)]
pub struct R {
    /// The sessions.
    pub sessions: Sessions<ChaCha20Rng>,
    /// What they told, but for packets.
    pub events: Vec<Event>,
    /// The packets that came, of all friends.
    pub packets: Vec<Vec<u8>>,
    /// Friends whose ONLINE came.
    pub online: BTreeSet<PublicKey>,
    /// In percent: datagrams that are thrown away, coming and going.
    pub loss: u32,
    dice: ChaCha20Rng,
    socket: UdpSocket,
    begin: Instant,
    out: Vec<u8>,
}

impl R {
    /// A new identity on a free port of loopback.
    #[must_use]
    pub fn start() -> Self {
        Self::with_identity(KeyPair::generate(&mut OsRng))
    }

    /// A process that starts with an identity.
    #[must_use]
    pub fn with_identity(real: KeyPair) -> Self {
        let random = ChaCha20Rng::from_rng(OsRng).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            sessions: Sessions::new(real, KeyPair::generate(&mut OsRng), random),
            events: Vec::new(),
            packets: Vec::new(),
            online: BTreeSet::new(),
            loss: 0,
            dice: ChaCha20Rng::seed_from_u64(7),
            socket,
            begin: Instant::now(),
            out: Vec::new(),
        }
    }

    /// The real key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.sessions.real_key()
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The time of its sessions.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Begins a session with a friend.
    pub fn connect(&mut self, peer: &PublicKey, dht: PublicKey, at: SocketAddr) {
        self.sessions.allow(*peer).unwrap();
        let now = self.now();
        self.sessions.connect(now, peer, dht, at).unwrap();
    }

    /// Sends what is due, waits for a datagram or a deadline, `most` at most, and takes what came.
    pub fn turn(&mut self, most: Duration) {
        self.work();
        let now = self.now();
        let end = self.sessions.next_deadline().map_or(now + most, |deadline| deadline.min(now + most));
        if end > now && self.wait(end) {
            self.receive();
        }
        self.work();
    }

    /// Turns until something is so, for so many seconds at most.
    pub fn until(&mut self, seconds: u64, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now() + Duration::from_secs(seconds);
        while !done(self) {
            assert!(self.now() < end, "it did not happen within {seconds} s: {:?}", self.events);
            self.turn(Duration::from_millis(10));
        }
    }

    /// Takes what has come, does what is due, sends.
    pub fn work(&mut self) {
        let now = self.now();
        if self.sessions.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.sessions.timeout(now);
        }
        self.flush(now);
        while self.receive() {}
    }

    /// Takes some datagrams, and answers. Whether there may be more.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 2048];
        for _ in 0..BATCH {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    if !self.is_lost() {
                        let now = self.now();
                        self.sessions.datagram(now, from, &mut buffer[..length]);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.take();
                    return false;
                }
                // A port where nobody listens any more.
                Err(_) => {}
            }
        }
        self.take();
        true
    }

    fn take(&mut self) {
        while let Some(event) = self.sessions.poll_event() {
            match event {
                Event::Established { peer } => {
                    self.sessions.send(&peer, Urgency::Urgent, vec![id::ONLINE]).unwrap();
                    self.events.push(event);
                }
                Event::Packet { peer, data } if data == [id::ONLINE] => {
                    self.online.insert(peer);
                }
                Event::Packet { data, .. } => self.packets.push(data),
                Event::Ended { peer, .. } => {
                    self.online.remove(&peer);
                    self.events.push(event);
                }
                Event::Room { .. } => {}
            }
        }
        let now = self.now();
        self.flush(now);
    }

    /// Sends what is due.
    pub fn flush(&mut self, now: Duration) {
        while let Some(to) = self.sessions.poll_transmit(now, &mut self.out) {
            if !self.is_lost() {
                // A full socket loses it, as the network would.
                let _ = self.socket.send_to(&self.out, to);
            }
            self.out.clear();
        }
    }

    fn is_lost(&mut self) -> bool {
        self.loss > 0 && self.dice.next_u32() % 100 < self.loss
    }

    /// Waits until a datagram is there, or until `end`.
    fn wait(&mut self, end: Duration) -> bool {
        let mut first = [0];
        loop {
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return false;
            }
            if left > COARSE {
                self.socket.set_nonblocking(false).unwrap();
                self.socket.set_read_timeout(Some(left - COARSE + NAP)).unwrap();
            }
            let there = self.socket.peek_from(&mut first).is_ok();
            if left > COARSE {
                self.socket.set_nonblocking(true).unwrap();
            } else if !there {
                std::thread::sleep(NAP.min(left));
            }
            if there {
                return true;
            }
        }
    }
}
