//! A board that names a Tox TCP relay of its own, to see who comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail::PublicKey;
use relay::proxy::Proxy;
use relay::{Purpose, SessionError, Sessions, Settings, Upstream};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tox::{Node, Options, Tox};

use crate::front::Front;
use crate::support::{Network, bring, cheap, clock, deposit, node, private, serve_as, soon};

/// A client without a proxy that wants to be connected to the board.
async fn plain_client(nodes: &[Node], board: relay::BoardAddress) -> (Tox, tokio::task::JoinHandle<()>) {
    let (tox, mut events) = Tox::start(Options { udp: false, ..private() }).await.unwrap();
    for node in nodes {
        tox.add_node(node).await.unwrap();
    }
    tox.add_friend(board.tox_id(), "toxmail drop relay 1").await.unwrap();
    (tox, tokio::spawn(async move { while events.next().await.is_some() {} }))
}

/// Without the TCP port: a station of paths, and no relay.
fn without_relay(node: &Node) -> Node {
    Node { tcp_port: None, ..node.clone() }
}

/// Nobody but these came to the spy.
fn only(spy: &Front, known: &[PublicKey]) {
    let strangers: Vec<_> = spy.seen().into_iter().filter(|visitor| !known.contains(&visitor.key)).collect();
    assert!(strangers.is_empty(), "somebody else came: {strangers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_with_a_relay_of_its_own_never_sees_who_comes() {
    let network = Network::start(4).await;
    let (_keeper, _events, hidden) = node(&network.nodes).await;
    let spy = Front::start(&hidden).await;
    // The worst board: it can be reached over its own relay alone, and says so until its clients come there.
    let way = Proxy::start([spy.address()], Upstream::Direct, [0; 16], Arc::default()).await.unwrap();
    let proxy = tox::Proxy::Socks5("127.0.0.1".to_owned(), way.address().port());
    let mut nodes: Vec<Node> = network.nodes.iter().map(without_relay).collect();
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
    let came = spy.seen().iter().any(|visitor| visitor.key == client.dht_key());
    assert!(came, "without the proxy the trap works");
    only(&spy, &[client.dht_key(), board_dht]);
    board.stop().await;
}

/// A port that leads to one of two others.
struct Switch {
    address: SocketAddr,
    leads_to: Arc<Mutex<SocketAddr>>,
}

impl Switch {
    async fn start(first: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, leads_to) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(first)));
        let target = Arc::clone(&leads_to);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let target = *target.lock().unwrap();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(target).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Self { address, leads_to }
    }

    fn turn(&self, to: SocketAddr) {
        *self.leads_to.lock().unwrap() = to;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_named_its_own_relay_gets_its_session_elsewhere_and_saw_nobody() {
    let network = Network::start(4).await;
    let (_keeper, _events, hidden) = node(&network.nodes).await;
    let spy = Front::start(&hidden).await;
    // Clients know one relay: any other that a throwaway's proxy refuses is the board's.
    let mut nodes: Vec<Node> = network.nodes.iter().skip(1).map(without_relay).collect();
    nodes.push(network.nodes[0].clone());
    let known = SocketAddr::from(([127, 0, 0, 1], network.nodes[0].tcp_port.unwrap()));
    // At first the board insists on its own relay; later it comes to its clients' as well.
    let strict = Proxy::start([spy.address()], Upstream::Direct, [0; 16], Arc::default()).await.unwrap();
    let mild = Proxy::start([spy.address(), known], Upstream::Direct, [0; 16], Arc::default()).await.unwrap();
    let way = Switch::start(strict.address()).await;
    let mut of_the_board: Vec<Node> = network.nodes.iter().map(without_relay).collect();
    of_the_board.push(spy.node.clone());
    let proxy = tox::Proxy::Socks5("127.0.0.1".to_owned(), way.address.port());
    let directory = tempfile::tempdir().unwrap();
    let board = serve_as(Options { udp: false, proxy, ..private() }, &directory, cheap(), of_the_board).await;
    let board_dht = soon("the board uses its relay", spy.first()).await;

    let (client, _drain) = plain_client(&nodes, board.address()).await;
    let settings = Settings { nodes, upstream: Upstream::Direct, is_local: true };
    let sessions = Sessions::start(settings, clock()).await;
    let (opener, key) = (sessions.clone(), board.key());
    let opening = tokio::spawn(async move { opener.open(key, Purpose::Depositing).await });
    let has_come = || spy.seen().iter().any(|visitor| visitor.key == client.dht_key());
    soon("a client goes where it is told to, but not one behind its proxy", async {
        while !has_come() || sessions.strange_relays() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    way.turn(mild.address());
    let mut session = soon("a session over the clients' relay", opening).await.unwrap().unwrap();
    let (receipts, _) = bring(&mut session, vec![deposit(1, 1, None)]).await;
    assert_eq!(receipts.len(), 1, "it is as good as any");
    only(&spy, &[client.dht_key(), board_dht]);
    session.close().await;
    board.stop().await;
}
