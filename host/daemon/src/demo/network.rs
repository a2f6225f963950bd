//! The private Tox network: some nodes in this process, on loopback, that serve as bootstrap nodes and Tox TCP relays.

use tokio::task::JoinHandle;
use tox::{Options, Tox};

use super::DemoError;

/// Few enough to be light, and enough that paths do not all lead through gateways the demo switches off.
const NODES: usize = 4;

/// A running network.
pub struct PrivateNetwork {
    nodes: Vec<Node>,
}

struct Node {
    tox: Tox,
    relay_port: u16,
    events: JoinHandle<()>,
}

impl PrivateNetwork {
    /// Starts the nodes; each knows those before it.
    ///
    /// # Errors
    /// [`DemoError::Network`].
    pub async fn start() -> Result<Self, DemoError> {
        let failed = |error: &dyn std::fmt::Display| DemoError::Network(error.to_string());
        let mut nodes: Vec<Node> = Vec::new();
        for _ in 0..NODES {
            let node = Node::start().await?;
            for other in &nodes {
                let other = other.bootstrap().parse().map_err(|error| failed(&error))?;
                node.tox.add_node(&other).await.map_err(|error| failed(&error))?;
            }
            nodes.push(node);
        }
        Ok(Self { nodes })
    }

    /// The nodes, each as `toxmail up --bootstrap` takes it.
    pub fn bootstrap(&self) -> Vec<String> {
        self.nodes.iter().map(Node::bootstrap).collect()
    }
}

impl Node {
    async fn start() -> Result<Self, DemoError> {
        let relay_port = free_port().map_err(DemoError::system("finding a free port"))?;
        let options = Options {
            ipv6: false,
            hole_punching: false,
            tcp_relay_port: Some(relay_port),
            ..Options::default()
        };
        let (tox, mut events) =
            Tox::start(options).await.map_err(|error| DemoError::Network(error.to_string()))?;
        let events = tokio::spawn(async move { while events.next().await.is_some() {} });
        Ok(Self { tox, relay_port, events })
    }

    /// `HOST:PORT:KEY:TCPPORT`.
    fn bootstrap(&self) -> String {
        let port = self.tox.udp_port().unwrap_or_default();
        format!("127.0.0.1:{port}:{}:{}", self.tox.dht_key(), self.relay_port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.events.abort();
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
