//! A Tox identity for one session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use drops::board::board_nospam;
use mail::{Monotonic, PublicKey, ToxId};
use rand_core::{OsRng, RngCore as _};
use tox::{Connection, Event, Events, Node, Options, Tox};

use crate::error::SessionError;
use crate::hiding::{Hiding, Upstream};
use crate::link::REQUEST_TEXT;
use crate::proxy::Proxy;
use crate::relays::{Relays, listens};
use drops::session::Purpose;

/// A fresh Tox instance: no name, no status, nothing saved, no friend but the board it will have.
#[derive(Debug)]
pub(crate) struct Throwaway {
    pub tox: Tox,
    /// Another one for each.
    pub number: u64,
    pub hiding: Hiding,
    pub born: Monotonic,
    /// What it goes through, as long as it lives.
    _proxy: Option<Proxy>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// The next number of a session: of throwaways, and of sessions inside the process.
pub(crate) fn next_number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// How throwaways are made.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    pub relays: Relays,
    pub upstream: Upstream,
    /// The whole network is on this machine.
    pub is_local: bool,
    /// Connections to other relays than their own that throwaways were kept from.
    pub refused: Arc<AtomicU64>,
}

impl Maker {
    /// Who will see this machine's address.
    pub fn hiding(&self) -> Hiding {
        match self.upstream {
            Upstream::Socks5(..) | Upstream::Http(..) => Hiding::Proxy,
            Upstream::Direct if self.relays.is_empty() => Hiding::Visible,
            Upstream::Direct => Hiding::Relays,
        }
    }

    /// Makes one, which begins to look for the network.
    ///
    /// # Errors
    /// [`SessionError::Throwaway`].
    pub async fn make(&self, purpose: Purpose, now: Monotonic) -> Result<(Throwaway, Events), SessionError> {
        let hiding = self.hiding();
        let relays = self.relays.choose(purpose, &mut OsRng);
        let proxy = if hiding == Hiding::Visible { None } else { Some(self.proxy(&relays).await?) };
        let options = self.options(proxy.as_ref().map(Proxy::address));
        let (tox, events) =
            Tox::start(options).await.map_err(|error| SessionError::Throwaway(error.to_string()))?;
        for node in &relays {
            join(&tox, node).await;
        }
        // The others as stations of paths, not to be connected to.
        for node in self.relays.all.iter().filter(|node| !relays.iter().any(|relay| relay.key == node.key)) {
            let tcp_port = node.tcp_port.filter(|_| hiding == Hiding::Visible);
            join(&tox, &Node { tcp_port, ..node.clone() }).await;
        }
        Ok((Throwaway { tox, number: next_number(), hiding, born: now, _proxy: proxy }, events))
    }

    async fn proxy(&self, relays: &[Node]) -> Result<Proxy, SessionError> {
        let mut name = [0; 16];
        OsRng.fill_bytes(&mut name);
        let allowed: Vec<SocketAddr> = relays.iter().filter_map(listens).collect();
        let started = Proxy::start(allowed, self.upstream.clone(), name, Arc::clone(&self.refused)).await;
        started.map_err(|error| SessionError::Throwaway(error.to_string()))
    }

    fn options(&self, proxy: Option<SocketAddr>) -> Options {
        let is_direct = proxy.is_none();
        Options {
            udp: is_direct,
            proxy: proxy.map_or(tox::Proxy::None, |at| tox::Proxy::Socks5(at.ip().to_string(), at.port())),
            ipv6: !self.is_local,
            hole_punching: is_direct && !self.is_local,
            ..Options::default()
        }
    }
}

async fn join(tox: &Tox, node: &Node) {
    if let Err(error) = tox.add_node(node).await {
        tracing::debug!(%error, host = node.host, "a throwaway cannot use a Tox node");
    }
}

impl Throwaway {
    /// Becomes a friend of the board and waits until it is there.
    ///
    /// # Errors
    /// [`SessionError::Throwaway`].
    pub async fn meet(&self, board: PublicKey, events: &mut Events) -> Result<(), SessionError> {
        let id = ToxId { key: board, nospam: board_nospam(&board) };
        let failed = |error: &dyn std::fmt::Display| SessionError::Throwaway(error.to_string());
        self.tox.add_friend(id, REQUEST_TEXT).await.map_err(|error| failed(&error))?;
        loop {
            match events.next().await {
                None => return Err(SessionError::Stopping),
                Some(Event::FriendConnection { key, connection })
                    if key == board && connection != Connection::None =>
                {
                    return Ok(());
                }
                Some(_) => {}
            }
        }
    }
}
