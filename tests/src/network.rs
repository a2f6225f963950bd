//! The private Tox network of one test.

use std::cell::OnceCell;
use std::sync::OnceLock;

use lab::network::PrivateNetwork;
use tokio::runtime::Runtime;

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
    _nodes: PrivateNetwork,
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
    let nodes = runtime.block_on(PrivateNetwork::start()).unwrap_or_else(|error| panic!("{error}"));
    // Some bytes a test: a reference that lasts is worth more.
    Running { network: Box::leak(Box::new(Network { nodes: nodes.addresses() })), _nodes: nodes }
}

/// A TCP port nobody uses at this moment.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    lab::network::free_port().expect("a free port")
}
