//! The library as a peer.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;
use tox::{Connection, Event, Node, Options, Tox};
use toxnet::{PublicKey, ToxId, UdpNode};

/// An instance of c-toxcore that knows no node.
#[derive(Debug)]
pub struct C {
    runtime: Arc<Runtime>,
    tox: Tox,
    /// What happened and was not taken yet.
    events: Arc<Mutex<Vec<Event>>>,
}

impl C {
    /// Starts an instance with a new identity on a free port.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// One that has TCP alone.
    #[must_use]
    pub fn start_without_udp() -> Self {
        Self::with(Options { udp: false, ..Options::default() })
    }

    /// One that is a relay too.
    #[must_use]
    pub fn start_relay() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::with(Options { tcp_relay_port: Some(port), ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let runtime = Arc::new(Runtime::new().unwrap());
        let options = Options { ipv6: false, hole_punching: false, ..options };
        let (tox, mut source) = runtime.block_on(Tox::start(options)).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&events);
        runtime.spawn(async move {
            loop {
                let batch = source.next_batch(256).await;
                if batch.is_empty() {
                    break;
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
            }
        });
        Self { runtime, tox, events }
    }

    /// Its real key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        PublicKey(self.tox.public_key().0)
    }

    /// Its DHT key.
    #[must_use]
    pub fn dht_key(&self) -> PublicKey {
        PublicKey(self.tox.dht_key().0)
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.tox.udp_port().unwrap()))
    }

    /// Takes handshakes of a friend.
    pub fn befriend(&self, friend: &PublicKey) {
        self.runtime.block_on(self.tox.accept_friend(mail::PublicKey(friend.0))).unwrap();
    }

    /// Uses another instance as a node, for two that are both the library.
    pub fn use_node(&self, other: &Self) {
        let at = other.address();
        let key = mail::PublicKey(other.dht_key().0);
        let node = Node { host: at.ip().to_string(), port: at.port(), key, tcp_port: None };
        self.runtime.block_on(self.tox.add_node(&node)).unwrap();
    }

    /// Uses a node of `toxnet`.
    pub fn join(&self, node: &UdpNode) {
        self.join_relay(node, None);
    }

    /// Uses a node of `toxnet` that is a relay at this port too.
    pub fn join_relay(&self, node: &UdpNode, tcp_port: Option<u16>) {
        let at = SocketAddr::from(node.address);
        let key = mail::PublicKey(node.key.0);
        let node = Node { host: at.ip().to_string(), port: at.port(), key, tcp_port };
        self.runtime.block_on(self.tox.add_node(&node)).unwrap();
    }

    /// Where its relay is.
    #[must_use]
    pub fn relay_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.tox.tcp_port().unwrap()))
    }

    /// Whether a friend is online over relays.
    #[must_use]
    pub fn is_online_over_tcp(&self, friend: &PublicKey) -> bool {
        self.tox.friend_connection(&mail::PublicKey(friend.0)) == Some(Connection::Tcp)
    }

    /// As a node of the DHT.
    #[must_use]
    pub fn contact(&self) -> UdpNode {
        UdpNode { address: self.address().into(), key: self.dht_key() }
    }

    /// Its Tox ID.
    #[must_use]
    pub fn id(&self) -> ToxId {
        self.tox.id().to_string().parse().unwrap()
    }

    /// Asks somebody to be a friend.
    pub fn request(&self, id: &ToxId, text: &str) {
        let id = id.to_string().parse().unwrap();
        self.runtime.block_on(self.tox.add_friend(id, text)).unwrap();
    }

    /// Whether a friend is online over UDP.
    #[must_use]
    pub fn is_online(&self, friend: &PublicKey) -> bool {
        self.tox.friend_connection(&mail::PublicKey(friend.0)) == Some(Connection::Udp)
    }

    /// Sends packets one after the other, from a task of its own.
    pub fn send_all(&self, friend: &PublicKey, packets: impl Iterator<Item = Vec<u8>> + Send + 'static) {
        let (tox, friend) = (self.tox.clone(), mail::PublicKey(friend.0));
        self.runtime.spawn(async move {
            for packet in packets {
                tox.send_packet(&friend, packet).await.unwrap();
            }
        });
    }

    /// The events since the last call.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
