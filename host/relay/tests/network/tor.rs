//! Throwaways behind a SOCKS5 server, as Tor is one: what it is asked, and that nothing goes past it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail::PublicKey;
use relay::{Hiding, Purpose, Serving, SessionError, Sessions, Settings, Upstream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tox::{Node, Options, Tox};

use crate::front::{Front, Visitor};
use crate::support::{Network, bring, cheap, clock, deposit, private, read, serve_as, soon};

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Connects, as Tor with circuits.
    Connects,
    /// Takes no password.
    RefusesPassword,
    /// Reaches nobody, as Tor without circuits (RFC 1928 section 6: code 4).
    ReachesNobody,
}

/// A connection the server was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    name: String,
    password: String,
    target: SocketAddr,
    /// Where the server's own connection came from.
    from: Option<SocketAddr>,
}

/// A SOCKS5 server (RFC 1928, RFC 1929), written for this test alone: nothing of it is shared with what it tests.
struct Server {
    upstream: Upstream,
    asked: Arc<Mutex<Vec<Asked>>>,
    greeted: Arc<Mutex<usize>>,
    /// Clients that did what they must not: the test fails when the server is dropped.
    faults: Arc<Mutex<usize>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(*self.faults.lock().unwrap(), 0, "what was wrong with it is said above");
        }
    }
}

impl Server {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream::Socks5("127.0.0.1".to_owned(), listener.local_addr().unwrap().port());
        let server =
            Self { upstream, asked: Arc::default(), greeted: Arc::default(), faults: Arc::default() };
        let (asked, greeted) = (Arc::clone(&server.asked), Arc::clone(&server.greeted));
        let faults = Arc::clone(&server.faults);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (asked, greeted, faults) =
                    (Arc::clone(&asked), Arc::clone(&greeted), Arc::clone(&faults));
                tokio::spawn(async move {
                    // Clients of a Tox relay that had this port before speak no SOCKS.
                    if client.read_u8().await.ok() != Some(5) {
                        return;
                    }
                    *greeted.lock().unwrap() += 1;
                    let served = tokio::spawn(serve(client, manner, asked)).await;
                    if served.is_err_and(|error| error.is_panic()) {
                        *faults.lock().unwrap() += 1;
                    }
                });
            }
        });
        server
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn bytes(client: &mut TcpStream, count: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// A length of one byte, and as many bytes of text.
async fn text(client: &mut TcpStream) -> std::io::Result<String> {
    let length = client.read_u8().await?;
    Ok(String::from_utf8(bytes(client, length.into()).await?).unwrap())
}

/// After the version of SOCKS.
async fn serve(mut client: TcpStream, manner: Manner, asked: Arc<Mutex<Vec<Asked>>>) -> std::io::Result<()> {
    let count = client.read_u8().await?;
    let methods = bytes(&mut client, count.into()).await?;
    assert!(methods.contains(&2), "a name is offered, or all throwaways would share circuits: {methods:?}");
    client.write_all(&[5, 2]).await?;
    assert_eq!(client.read_u8().await?, 1);
    let (name, password) = (text(&mut client).await?, text(&mut client).await?);
    if manner == Manner::RefusesPassword {
        client.write_all(&[1, 1]).await?;
        // Whoever goes on regardless is found out by what follows.
        let mut more = vec![];
        client.read_to_end(&mut more).await?;
        assert!(more.is_empty(), "nothing is said to a proxy that refused: {more:?}");
        return Ok(());
    }
    client.write_all(&[1, 0]).await?;
    let head = bytes(&mut client, 4).await?;
    assert_eq!(head, [5, 1, 0, 1], "an IPv4 address, never a name that would be looked up");
    let ip: [u8; 4] = bytes(&mut client, 4).await?.try_into().unwrap();
    let target = SocketAddr::from((ip, client.read_u16().await?));
    if manner == Manner::ReachesNobody {
        asked.lock().unwrap().push(Asked { name, password, target, from: None });
        return client.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    }
    let mut relay = TcpStream::connect(target).await?;
    asked.lock().unwrap().push(Asked { name, password, target, from: Some(relay.local_addr()?) });
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut relay).await?;
    Ok(())
}

/// The network as throwaways get to know it: every Tox TCP relay notes who comes, and one node is a trap for UDP.
struct Watched {
    fronts: Vec<Front>,
    trap: Arc<Mutex<Vec<SocketAddr>>>,
    nodes: Vec<Node>,
}

impl Watched {
    async fn start(network: &Network) -> Self {
        let mut fronts = vec![];
        for node in &network.nodes {
            fronts.push(Front::start(node).await);
        }
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let trap: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let caught = Arc::clone(&trap);
        tokio::spawn(async move {
            let mut bytes = [0; 2048];
            loop {
                let (_, from) = socket.recv_from(&mut bytes).await.unwrap();
                caught.lock().unwrap().push(from);
            }
        });
        let mut nodes: Vec<Node> = fronts.iter().map(|front| front.node.clone()).collect();
        // Nobody has its key: a Tox instance that may use UDP greets it all the same.
        let key = PublicKey([0x42; 32]);
        nodes.push(Node { host: "127.0.0.1".to_owned(), port, key, tcp_port: None });
        Self { fronts, trap, nodes }
    }

    /// A board, and the key it shows to relays.
    async fn board(&self, network: &Network, directory: &tempfile::TempDir) -> (Serving, PublicKey) {
        let own = Front::start(&network.nodes[0]).await;
        let without = |node: &Node| Node { tcp_port: None, ..node.clone() };
        let mut nodes: Vec<Node> = network.nodes.iter().skip(1).map(without).collect();
        nodes.push(own.node.clone());
        let options = Options { udp: false, ..private() };
        let board = serve_as(options, directory, cheap(), nodes).await;
        (board, soon("the board uses its relay", own.first()).await)
    }

    async fn sessions(&self, upstream: Upstream) -> Sessions {
        let settings = Settings { nodes: self.nodes.clone(), upstream, is_local: true };
        Sessions::start(settings, clock()).await
    }

    /// Where connections to the relays came from, those of the board left out: it is told which relays its clients use.
    fn visitors(&self, board: PublicKey) -> BTreeSet<SocketAddr> {
        let seen = self.fronts.iter().flat_map(Front::seen);
        seen.filter(|visitor| visitor.key != board).map(|visitor| visitor.from).collect()
    }

    /// Who came through the proxy under which name. The board, which uses no proxy, is not among them.
    fn names_of_visitors(&self, asked: &[Asked]) -> BTreeSet<(PublicKey, String)> {
        // Connections to two relays may come from one port.
        let came = |front: &Front, visitor: &Visitor| {
            let mut asked = asked.iter();
            asked.find(|asked| (asked.target, asked.from) == (front.address(), Some(visitor.from)))
        };
        let seen = self.fronts.iter().flat_map(|front| front.seen().into_iter().map(move |it| (front, it)));
        seen.filter_map(|(front, visitor)| Some((visitor.key, came(front, &visitor)?.name.clone()))).collect()
    }

    /// UDP packets that came from anybody but the network's own nodes (which carry paths on).
    fn udp(&self, network: &Network) -> Vec<SocketAddr> {
        let is_node = |from: &SocketAddr| network.nodes.iter().any(|node| node.port == from.port());
        self.trap.lock().unwrap().iter().filter(|from| !is_node(from)).copied().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_a_throwaway_goes_through_tor_under_a_name_of_its_own() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    let watched = Watched::start(&network).await;
    let (board, board_dht) = watched.board(&network, &directory).await;
    let tor = Server::start(Manner::Connects).await;
    let sessions = watched.sessions(tor.upstream.clone()).await;
    assert_eq!(sessions.hiding(), Hiding::Proxy);

    let mut depositor = sessions.open(board.key(), Purpose::Depositing).await.unwrap();
    let (receipts, _) = bring(&mut depositor, vec![deposit(1, 1, None)]).await;
    assert_eq!(receipts.len(), 1);
    depositor.close().await;
    let mut reader = sessions.open(board.key(), Purpose::Reading).await.unwrap();
    assert_eq!(read(&mut reader, 1).await.len(), 1);

    // First who came, then what was asked for: another connection may be made at any moment.
    let visitors = watched.visitors(board_dht);
    let asked = tor.asked();
    let relays: Vec<SocketAddr> = watched.fronts.iter().map(Front::address).collect();
    assert!(asked.iter().all(|asked| relays.contains(&asked.target)), "{asked:?}");
    let is_hex = |name: &str| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(asked.iter().all(|asked| is_hex(&asked.name) && asked.password == asked.name), "{asked:?}");
    // A Tox instance shows one key to all relays: so many throwaways, so many names, thus circuits. The reader's
    // may have been made while the depositor still looked for the board, so the order of names says nothing.
    let named = watched.names_of_visitors(&asked);
    let keys: BTreeSet<_> = named.iter().map(|(key, _)| *key).collect();
    let names: BTreeSet<_> = named.iter().map(|(_, name)| name).collect();
    assert!(keys.len() >= 2, "the depositor and the reader: {named:?}");
    assert_eq!((keys.len(), names.len()), (named.len(), named.len()), "a throwaway, a name: {named:?}");
    let through: BTreeSet<SocketAddr> = asked.iter().filter_map(|asked| asked.from).collect();
    assert!(!visitors.is_empty());
    let beside: Vec<_> = visitors.difference(&through).copied().collect();
    assert!(beside.is_empty(), "connections past the proxy: {beside:?}");
    assert_eq!(watched.udp(&network), [], "packets past the proxy");
    drop(reader);
    board.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_proxy_that_does_not_work_nothing_goes_out_beside_it() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    let watched = Watched::start(&network).await;
    let (board, board_dht) = watched.board(&network, &directory).await;
    let refusing = Server::start(Manner::RefusesPassword).await;
    let cut_off = Server::start(Manner::ReachesNobody).await;
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Upstream::Socks5("127.0.0.1".to_owned(), listener.local_addr().unwrap().port())
    };
    let mut opening = vec![];
    for upstream in [refusing.upstream.clone(), cut_off.upstream.clone(), gone] {
        let sessions = watched.sessions(upstream).await;
        let key = board.key();
        opening.push(tokio::spawn(async move { sessions.open(key, Purpose::Depositing).await.map(drop) }));
    }
    for opened in opening {
        assert_eq!(opened.await.unwrap(), Err(SessionError::Unreachable));
    }
    assert!(*refusing.greeted.lock().unwrap() > 0 && !cut_off.asked().is_empty(), "they were tried");
    assert_eq!(watched.visitors(board_dht), BTreeSet::new(), "connections past the proxy");
    assert_eq!(watched.udp(&network), [], "packets past the proxy");
    // The same network without a proxy: both traps work.
    let sessions = watched.sessions(Upstream::Direct).await;
    drop(sessions.open(board.key(), Purpose::Depositing).await.unwrap());
    assert!(!watched.visitors(board_dht).is_empty());
    let (open, mut events) = Tox::start(private()).await.unwrap();
    for node in &watched.nodes {
        open.add_node(node).await.unwrap();
    }
    let drain = tokio::spawn(async move { while events.next().await.is_some() {} });
    soon("UDP is noticed", async {
        while watched.udp(&network).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    drain.abort();
    board.stop().await;
}
