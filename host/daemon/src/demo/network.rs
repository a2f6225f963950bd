//! The private Tox network: one node in this process, on loopback, that serves as bootstrap node and Tox TCP relay.

use tokio::task::JoinHandle;
use tox::{Options, Tox};

use super::DemoError;

/// A running network.
pub struct PrivateNetwork {
    node: Tox,
    relay_port: u16,
    events: JoinHandle<()>,
}

impl PrivateNetwork {
    /// Starts the node.
    ///
    /// # Errors
    /// [`DemoError::Network`].
    pub async fn start() -> Result<Self, DemoError> {
        let relay_port = free_port().map_err(DemoError::system("finding a free port"))?;
        let options = Options {
            ipv6: false,
            hole_punching: false,
            tcp_relay_port: Some(relay_port),
            ..Options::default()
        };
        let (node, mut events) =
            Tox::start(options).await.map_err(|error| DemoError::Network(error.to_string()))?;
        let events = tokio::spawn(async move { while events.next().await.is_some() {} });
        Ok(Self { node, relay_port, events })
    }

    /// `HOST:PORT:KEY:TCPPORT`, as `toxmail up --bootstrap` takes it.
    pub fn bootstrap(&self) -> String {
        let port = self.node.udp_port().unwrap_or_default();
        format!("127.0.0.1:{port}:{}:{}", self.node.dht_key(), self.relay_port)
    }
}

impl Drop for PrivateNetwork {
    fn drop(&mut self) {
        self.events.abort();
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
