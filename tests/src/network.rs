//! A private Tox network: one bootstrap node and Tox TCP relay in this process, on loopback.

use std::sync::OnceLock;

use tokio::runtime::Runtime;
use tox::{Options, Tox};

/// The network all tests of a run share.
pub struct Network {
    /// `HOST:PORT:KEY:TCPPORT`, as `--bootstrap` takes it.
    pub bootstrap: String,
    _node: Tox,
    _runtime: Runtime,
}

/// The network, started at the first call.
///
/// # Panics
/// If the node cannot be started.
pub fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let relay_port = free_port();
        let options = Options {
            ipv6: false,
            hole_punching: false,
            tcp_relay_port: Some(relay_port),
            ..Options::default()
        };
        let (node, mut events) = runtime.block_on(Tox::start(options)).expect("the bootstrap node starts");
        runtime.spawn(async move { while events.next().await.is_some() {} });
        let port = node.udp_port().expect("it has a UDP port");
        Network {
            bootstrap: format!("127.0.0.1:{port}:{}:{relay_port}", node.dht_key()),
            _node: node,
            _runtime: runtime,
        }
    })
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
