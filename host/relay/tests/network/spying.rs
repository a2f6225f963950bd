//! A board that names a Tox TCP relay of its own, to see who comes.

use mail::PublicKey;
use relay::proxy::Proxy;
use relay::{Purpose, SessionError, Upstream};
use tox::{Node, Options, Tox};

use crate::front::Front;
use crate::support::{Network, cheap, node, private, serve_as, soon};

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
    let way = Proxy::start([spy.address()], Upstream::Direct, [0; 16]).await.unwrap();
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
