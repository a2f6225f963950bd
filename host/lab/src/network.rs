//! A private Tox network: some nodes in this process, on loopback, that stay while gateways come and go.

use std::io;
use std::net::{TcpListener, UdpSocket};

use tokio::task::JoinHandle;
use tox::limits::UDP_PORTS;
use tox::{Options, PortRange, StartError, Tox};

use crate::Error;

/// How many nodes stay. c-toxcore finds friends over paths of three nodes it chose among those it knows, and forgets a
/// node that is gone only after two minutes. With a single lasting node and gateways that are killed every few seconds
/// most paths would lead through the dead, which is not what the real network is like.
const NODES: usize = 4;

/// How often a node is started on other ports: between finding a free port and using it another program may take it.
const TRIES: usize = 10;

/// A running network of bootstrap nodes, which are Tox TCP relays too. It ends when it is dropped.
pub struct PrivateNetwork {
    nodes: Vec<Node>,
}

/// One node, and what tells others of it.
struct Node {
    _tox: Tox,
    /// `HOST:PORT:KEY:TCPPORT`
    address: String,
    events: JoinHandle<()>,
}

impl PrivateNetwork {
    /// Starts the nodes; each knows those before it. Needs a tokio runtime that lasts as long as the network.
    ///
    /// # Errors
    /// [`Error::System`] without a free port, [`Error::Network`] where a node does not start.
    pub async fn start() -> Result<Self, Error> {
        let mut network = Self { nodes: Vec::with_capacity(NODES) };
        for _ in 0..NODES {
            let node = Node::start(&network.addresses()).await?;
            network.nodes.push(node);
        }
        Ok(network)
    }

    /// The nodes as `toxmail up --bootstrap` takes them: `HOST:PORT:KEY:TCPPORT`.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }
}

impl Node {
    async fn start(others: &[String]) -> Result<Self, Error> {
        let (tox, mut events) = start_node().await?;
        let events = tokio::spawn(async move { while events.next().await.is_some() {} });
        for other in others {
            // Our own text: it parses.
            if let Ok(other) = other.parse() {
                tox.add_node(&other).await?;
            }
        }
        let [udp, tcp] = [tox.udp_port(), tox.tcp_port()].map(Option::unwrap_or_default);
        let address = format!("127.0.0.1:{udp}:{}:{tcp}", tox.dht_key());
        Ok(Self { _tox: tox, address, events })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.events.abort();
    }
}

/// Starts a bootstrap node and Tox TCP relay on free ports of loopback, which knows no other node.
///
/// # Errors
/// [`Error::System`] without a free port, [`Error::Network`] where it does not start.
pub async fn start_node() -> Result<(Tox, tox::Events), Error> {
    let mut tries = 1;
    loop {
        let options = Options {
            ports: PortRange::one(free_udp_port().map_err(Error::system("finding a free port"))?),
            ipv6: false,
            hole_punching: false,
            tcp_relay_port: Some(free_port().map_err(Error::system("finding a free port"))?),
            ..Options::default()
        };
        match Tox::start(options).await {
            Ok(started) => return Ok(started),
            Err(StartError::RelayPortTaken(_) | StartError::PortTaken(_)) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// A free UDP port that is none of the hundred Tox programs choose from: gateways need those.
fn free_udp_port() -> io::Result<u16> {
    loop {
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        if !(UDP_PORTS.first()..=UDP_PORTS.last()).contains(&port) {
            return Ok(port);
        }
    }
}

/// A TCP port nobody uses at this moment. Another program may take it before you do: be ready to try again.
///
/// # Errors
/// As the operating system says.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
