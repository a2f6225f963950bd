//! A board that names a Tox TCP relay of its own, to see who comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail::PublicKey;
use relay::proxy::Proxy;
use relay::{Purpose, SessionError, Upstream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tox::{Node, Options, Tox};

use crate::support::{Network, cheap, node, private, serve_as, soon};

/// A Tox TCP relay, and the DHT keys of everybody who connected to it.
struct Spy {
    node: Node,
    seen: Arc<Mutex<Vec<PublicKey>>>,
}

impl Spy {
    /// In front of a real relay: a client begins with its key (c-toxcore, `TCP_client.c`).
    async fn start(relay: &Node) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(vec![]));
        let (keys, behind) = (Arc::clone(&seen), relay.tcp_port.unwrap());
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let keys = Arc::clone(&keys);
                tokio::spawn(async move {
                    let mut key = [0; 32];
                    client.read_exact(&mut key).await?;
                    keys.lock().unwrap().push(PublicKey(key));
                    let mut relay = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], behind))).await?;
                    relay.write_all(&key).await?;
                    copy_bidirectional(&mut client, &mut relay).await
                });
            }
        });
        Self { node: Node { tcp_port: Some(port), ..relay.clone() }, seen }
    }

    /// Who came first.
    async fn first(&self) -> PublicKey {
        loop {
            if let Some(key) = self.seen.lock().unwrap().first() {
                return *key;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A client without a proxy that wants to be connected to the board.
async fn plain_client(nodes: &[Node], board: relay::BoardAddress) -> (Tox, tokio::task::JoinHandle<()>) {
    let (tox, mut events) = Tox::start(Options { udp: false, ..private() }).await.unwrap();
    for node in nodes {
        tox.add_node(node).await.unwrap();
    }
    tox.add_friend(board.tox_id(), "toxmail drop relay 1").await.unwrap();
    (tox, tokio::spawn(async move { while events.next().await.is_some() {} }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_with_a_relay_of_its_own_never_sees_who_comes() {
    let network = Network::start(4).await;
    let (_keeper, _events, hidden) = node(&network.nodes).await;
    let spy = Spy::start(&hidden).await;
    // The worst board: it can be reached over its own relay alone, and says so until its clients come there.
    let way = SocketAddr::from(([127, 0, 0, 1], spy.node.tcp_port.unwrap()));
    let only = Proxy::start([way], Upstream::Direct, [0; 16]).await.unwrap();
    let proxy = tox::Proxy::Socks5("127.0.0.1".to_owned(), only.address().port());
    let mut nodes: Vec<Node> =
        network.nodes.iter().map(|node| Node { tcp_port: None, ..node.clone() }).collect();
    nodes.push(spy.node.clone());
    let directory = tempfile::tempdir().unwrap();
    let options = Options { udp: false, proxy, ..private() };
    let board = serve_as(options, &directory, cheap(), nodes).await;
    let board_dht = soon("the board uses its relay", spy.first()).await;

    // Both look for it at the same time and for as long.
    let (client, _drain) = plain_client(&network.nodes, board.address()).await;
    let sessions = network.sessions().await;
    let opened = sessions.open(board.key(), Purpose::Reading).await;
    assert_eq!(
        opened.unwrap_err(),
        SessionError::Unreachable,
        "better no session than one that shows who comes"
    );
    let seen = spy.seen.lock().unwrap().clone();
    assert!(seen.contains(&client.dht_key()), "without the proxy the trap works");
    assert!(seen.iter().all(|key| [client.dht_key(), board_dht].contains(key)), "nobody else came");
    board.stop().await;
}
