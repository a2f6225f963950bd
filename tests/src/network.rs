//! A private Tox network: some nodes in this process, on loopback, that stay while gateways come and go.

use std::sync::OnceLock;

use tokio::runtime::Runtime;
use tox::{Options, Tox};

/// How many nodes stay. c-toxcore finds friends over paths of three nodes it chose among those it knows, and forgets a node that
/// is gone only after two minutes. With a single lasting node and gateways that are killed every few seconds most paths
/// would lead through the dead, which is not what the real network is like.
const NODES: usize = 8;

/// The network all tests of a run share.
pub struct Network {
    /// Each node as `HOST:PORT:KEY:TCPPORT`, which is what `--bootstrap` takes.
    pub nodes: Vec<String>,
    _nodes: Vec<Tox>,
    _runtime: Runtime,
}

impl Network {
    /// The options of `toxmail up` that make a gateway part of this network, and of no other.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let nodes = self.nodes.iter().flat_map(|node| ["--bootstrap".to_owned(), node.clone()]);
        std::iter::once("--no-public-bootstrap".to_owned()).chain(nodes).collect()
    }
}

/// The network, started at the first call.
///
/// # Panics
/// If the node cannot be started.
pub fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let mut nodes: Vec<(Tox, String)> = Vec::new();
        for _ in 0..NODES {
            let node = runtime.block_on(node(nodes.iter().map(|(_, text)| text.as_str())));
            nodes.push(node);
        }
        let (instances, nodes) = nodes.into_iter().unzip();
        Network { nodes, _nodes: instances, _runtime: runtime }
    })
}

/// A node that knows those before it.
async fn node(others: impl Iterator<Item = &str>) -> (Tox, String) {
    let relay_port = free_port();
    let options =
        Options { ipv6: false, hole_punching: false, tcp_relay_port: Some(relay_port), ..Options::default() };
    let (node, mut events) = Tox::start(options).await.expect("the node starts");
    tokio::spawn(async move { while events.next().await.is_some() {} });
    for other in others {
        node.add_node(&other.parse().expect("a node's text")).await.expect("a node on loopback");
    }
    let port = node.udp_port().expect("it has a UDP port");
    let text = format!("127.0.0.1:{port}:{}:{relay_port}", node.dht_key());
    (node, text)
}

/// A TCP port nobody uses at this moment.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
