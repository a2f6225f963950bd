//! A peer that shakes hands by itself and sends whatever a test wants.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use rand_core::OsRng;
use toxnet::packet::Kind;
use toxnet::packet::data::{self, Header};
use toxnet::packet::dht::{self, CookieRequest};
use toxnet::packet::handshake::{CookieResponse, Handshake, SealedHandshake};
use toxnet::{Cookie, FreshNonce, KeyPair, Nonce, SendingNonces, SharedKey};

use crate::C;

/// Two identities (real and DHT), a socket, and at most one session.
#[derive(Debug)]
pub struct Probe {
    /// The identity.
    pub real: KeyPair,
    /// The DHT key.
    pub dht: KeyPair,
    socket: UdpSocket,
    session: Option<Session>,
}

#[derive(Debug)]
struct Session {
    key: SharedKey,
    sending: SendingNonces,
    receiving: Nonce,
    with: std::net::SocketAddr,
}

/// A data packet that came.
#[derive(Debug)]
pub struct Came {
    /// When.
    pub at: Instant,
    /// Its header.
    pub header: Header,
    /// Its data, from the id on.
    pub data: Vec<u8>,
}

impl Probe {
    /// Everything new.
    #[must_use]
    pub fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        Self {
            real: KeyPair::generate(&mut OsRng),
            dht: KeyPair::generate(&mut OsRng),
            socket,
            session: None,
        }
    }

    /// Another identity at the same address.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { socket: self.socket.try_clone().unwrap(), ..Self::new() }
    }

    /// Asks for a cookie and shakes hands. Whether the library's handshake came within a time; if so, a session with
    /// new keys stands.
    pub fn shake(&mut self, c: &C, within: Duration) -> bool {
        let end = Instant::now() + within;
        let real = self.real.secret().shared_with(&c.key()).unwrap();
        let Some(cookie) = self.cookie(c, end) else { return false };
        let session = KeyPair::generate(&mut OsRng);
        let sending = SendingNonces::random(&mut OsRng);
        // The library hands back whatever cookie it was given.
        let handshake =
            Handshake { base_nonce: sending.base(), session: session.public(), cookie: Cookie([9; 112]) };
        self.send_raw(c, &handshake.seal(&cookie, &real, FreshNonce::random(&mut OsRng)));
        while let Some(mut packet) = self.receive(end) {
            if Kind::of(&packet) != Ok(Kind::Handshake) {
                continue;
            }
            let Ok(theirs) = SealedHandshake::parse(&mut packet).unwrap().open(&real) else { continue };
            let key = session.secret().shared_with(&theirs.session).unwrap();
            self.session = Some(Session { key, sending, receiving: theirs.base_nonce, with: c.address() });
            return true;
        }
        false
    }

    fn cookie(&self, c: &C, end: Instant) -> Option<Cookie> {
        let shared = self.dht.secret().shared_with(&c.dht_key()).unwrap();
        let request = CookieRequest { real: self.real.public(), echo: *b"an echo!" };
        let request = dht::seal(&request, &self.dht.public(), &shared, FreshNonce::random(&mut OsRng));
        self.send_raw(c, &request);
        while let Some(mut packet) = self.receive(end) {
            if let Ok(response) = CookieResponse::open(&mut packet, &shared) {
                assert_eq!(response.echo, *b"an echo!");
                return Some(response.cookie);
            }
        }
        None
    }

    /// Sends a data packet of the session.
    pub fn send(&mut self, ack: u32, number: u32, data: &[u8]) {
        let session = self.session.as_mut().unwrap();
        let mut packet = Vec::new();
        let nonce = session.sending.take().unwrap();
        data::seal(Header { ack, number }, data, &session.key, nonce, &mut packet).unwrap();
        self.socket.send_to(&packet, session.with).unwrap();
    }

    /// The next data packet of the session.
    pub fn next(&mut self, within: Duration) -> Option<Came> {
        let end = Instant::now() + within;
        while let Some(mut packet) = self.receive(end) {
            let at = Instant::now();
            let Ok(sealed) = data::Sealed::parse(&mut packet) else { continue };
            let session = self.session.as_ref().unwrap();
            let ahead = sealed.nonce_tail().wrapping_sub(session.receiving.tail());
            let nonce = session.receiving.advanced(ahead.into());
            if let Ok((header, data)) = sealed.open(&session.key, &nonce) {
                return Some(Came { at, header, data: data.to_vec() });
            }
        }
        None
    }

    /// The next data packet of the session for which something is so.
    pub fn wait_for(&mut self, within: Duration, wanted: impl Fn(&Came) -> bool) -> Option<Came> {
        let end = Instant::now() + within;
        loop {
            let came = self.next(end.saturating_duration_since(Instant::now()))?;
            if wanted(&came) {
                return Some(came);
            }
        }
    }

    fn send_raw(&self, c: &C, packet: &[u8]) {
        self.socket.send_to(packet, c.address()).unwrap();
    }

    fn receive(&self, end: Instant) -> Option<Vec<u8>> {
        let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        self.socket.set_read_timeout(Some(left)).unwrap();
        let mut packet = vec![0; 2048];
        let (length, _) = self.socket.recv_from(&mut packet).ok()?;
        packet.truncate(length);
        Some(packet)
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}
