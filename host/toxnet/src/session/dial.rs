//! The start of a session from our side: a cookie is asked for, then the handshake is sent until the peer's comes.

use std::net::SocketAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::boxes::SharedKey;
use crate::cookie::Cookie;
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::{FreshNonce, SendingNonces};
use crate::packet::dht::{self, CookieRequest};
use crate::packet::handshake::{CookieResponse, Handshake};

/// What a handshake of ours consists of: made once for a session.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) session: KeyPair,
    pub(super) nonces: SendingNonces,
}

impl Greeting {
    pub(super) fn new(random: &mut impl CryptoRngCore) -> Self {
        Self { session: KeyPair::generate(random), nonces: SendingNonces::random(random) }
    }

    /// The handshake packet that brings `theirs` back and `ours` for an answer.
    pub(super) fn seal(
        &self,
        theirs: &Cookie,
        ours: Cookie,
        real: &SharedKey,
        random: &mut impl CryptoRngCore,
    ) -> Vec<u8> {
        let handshake =
            Handshake { base_nonce: self.nonces.base(), session: self.session.public(), cookie: ours };
        handshake.seal(theirs, real, FreshNonce::random(random))
    }
}

/// An attempt to begin a session.
#[derive(Debug)]
pub(super) struct Dial {
    /// The peer's DHT key.
    pub(super) dht: PublicKey,
    /// Where it is.
    pub(super) at: SocketAddr,
    /// The key of both DHT keys.
    shared: SharedKey,
    request: Vec<u8>,
    echo: [u8; 8],
    greeting: Greeting,
    /// The handshake, once a cookie has come.
    handshake: Option<Vec<u8>>,
    began: Duration,
    next: Duration,
    tries: u32,
    round_trip: Option<Duration>,
}

/// What a finished attempt leaves to the session.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) greeting: Greeting,
    pub(super) handshake: Option<Vec<u8>>,
    pub(super) round_trip: Option<Duration>,
}

impl Dial {
    pub(super) fn new(
        now: Duration,
        (dht, at): (PublicKey, SocketAddr),
        shared: SharedKey,
        (real, own_dht): (PublicKey, PublicKey),
        random: &mut impl CryptoRngCore,
    ) -> Self {
        let mut echo = [0; 8];
        random.fill_bytes(&mut echo);
        let request = dht::seal(&CookieRequest { real, echo }, &own_dht, &shared, FreshNonce::random(random));
        Self {
            dht,
            at,
            shared,
            request,
            echo,
            greeting: Greeting::new(random),
            handshake: None,
            began: now,
            next: now,
            tries: 0,
            round_trip: None,
        }
    }

    /// Takes a cookie response; `ours` is the cookie for the peer. `None` where it is not an answer to us.
    pub(super) fn cookie(
        &mut self,
        now: Duration,
        packet: &mut [u8],
        real: &SharedKey,
        random: &mut impl CryptoRngCore,
        ours: Cookie,
    ) -> Option<()> {
        if self.handshake.is_some() {
            return None;
        }
        let response = CookieResponse::open(packet, &self.shared).ok()?;
        if response.echo != self.echo {
            return None;
        }
        // With more than one request on the way it is not known which was answered.
        self.round_trip = (self.tries == 1).then(|| now.saturating_sub(self.began));
        self.handshake = Some(self.greeting.seal(&response.cookie, ours, real, random));
        self.tries = 0;
        self.next = now;
        Some(())
    }

    /// Appends what is due to `out`.
    pub(super) fn poll_transmit(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if self.next > now || self.is_over(now) {
            return None;
        }
        out.extend_from_slice(self.handshake.as_ref().unwrap_or(&self.request));
        self.next = match (&self.handshake, self.tries) {
            (None, 0) => now + limits::COOKIE_FIRST_AGAIN,
            (None, 1) => now + limits::COOKIE_SECOND_AGAIN,
            _ => now + limits::HANDSHAKE_INTERVAL,
        };
        self.tries += 1;
        Some(self.at)
    }

    /// Whether the peer has had its chances.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.tries >= limits::HANDSHAKE_TRIES && self.next <= now
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Duration {
        self.next
    }

    /// The peer's handshake has come.
    pub(super) fn finish(self) -> Dialled {
        Dialled { greeting: self.greeting, handshake: self.handshake, round_trip: self.round_trip }
    }
}
