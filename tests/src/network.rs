//! A private Tox network: some nodes in this process, on loopback, that stay while gateways come and go.

use std::cell::OnceCell;
use std::net::UdpSocket;
use std::sync::OnceLock;

use tokio::runtime::Runtime;
use tox::{Options, Tox};

/// How many nodes stay. c-toxcore finds friends over paths of three nodes it chose among those it knows, and forgets a node that
/// is gone only after two minutes. With a single lasting node and gateways that are killed every few seconds most paths
/// would lead through the dead, which is not what the real network is like.
const NODES: usize = 4;

/// The network of one test.
pub struct Network {
    /// Each node as `HOST:PORT:KEY:TCPPORT`, which is what `--bootstrap` takes.
    pub nodes: Vec<String>,
}

impl Network {
    /// The options of `toxmail up` that make a gateway part of this network, and of no other.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let nodes = self.nodes.iter().flat_map(|node| ["--bootstrap".to_owned(), node.clone()]);
        std::iter::once("--no-public-bootstrap".to_owned()).chain(nodes).collect()
    }
}

/// Its nodes, stopped when the thread of the test ends.
struct Running {
    network: &'static Network,
    _nodes: Vec<Tox>,
}

thread_local! {
    static RUNNING: OnceCell<Running> = const { OnceCell::new() };
}

/// The network of this thread, started at the first call: every test has its own, so what one kills is in nobody else's way.
///
/// # Panics
/// If a node cannot be started.
pub fn network() -> &'static Network {
    RUNNING.with(|running| running.get_or_init(start).network)
}

fn start() -> Running {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"));
    let mut started: Vec<(Tox, String)> = Vec::new();
    for _ in 0..NODES {
        let node = runtime.block_on(node(started.iter().map(|(_, text)| text.as_str())));
        started.push(node);
    }
    let (instances, nodes) = started.into_iter().unzip();
    // Some bytes a test: a reference that lasts is worth more.
    Running { network: Box::leak(Box::new(Network { nodes })), _nodes: instances }
}

/// A node that knows those before it.
async fn node(others: impl Iterator<Item = &str>) -> (Tox, String) {
    let relay_port = free_port();
    let options = Options {
        port: Some(udp_port()),
        ipv6: false,
        hole_punching: false,
        tcp_relay_port: Some(relay_port),
        ..Options::default()
    };
    let (node, mut events) = Tox::start(options).await.expect("the node starts");
    tokio::spawn(async move { while events.next().await.is_some() {} });
    for other in others {
        node.add_node(&other.parse().expect("a node's text")).await.expect("a node on loopback");
    }
    let port = node.udp_port().expect("it has a UDP port");
    let text = format!("127.0.0.1:{port}:{}:{relay_port}", node.dht_key());
    (node, text)
}

/// A free UDP port that is none of the hundred Tox programs choose from: gateways need those.
fn udp_port() -> u16 {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("its address").port();
        if !tox::limits::UDP_PORTS.contains(&port) {
            return port;
        }
    }
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
