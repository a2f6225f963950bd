//! Private Tox networks on loopback: a node of our own, and peers that know only it.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use mail::PublicKey;
use tox::{Connection, Event, Events, Node, Options, StartError, Tox};

/// Every wait ends here: what takes 3 to 15 s on loopback must not take this long on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// An instance and its events.
pub struct Peer {
    pub tox: Tox,
    pub events: Events,
}

/// Options of an instance that talks to loopback alone.
pub fn private() -> Options {
    Options { ipv6: false, hole_punching: false, local_discovery: false, ..Options::default() }
}

/// What `future` gives, or a failure that says what did not happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("within {DEADLINE:?}, this did not happen: {what}"),
    }
}

pub fn free_tcp_port() -> u16 {
    TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

pub fn free_udp_port() -> u16 {
    UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

/// A bootstrap node and Tox TCP relay, and how to reach it.
pub async fn node() -> (Peer, Node) {
    loop {
        let options = Options { tcp_relay_port: Some(free_tcp_port()), ..private() };
        match Tox::start(options).await {
            Ok((tox, events)) => {
                let node = Node {
                    host: "127.0.0.1".to_owned(),
                    port: tox.udp_port().unwrap(),
                    key: tox.dht_key(),
                    tcp_port: tox.tcp_port(),
                };
                return (Peer { tox, events }, node);
            }
            // Somebody took the port between finding it free and using it.
            Err(StartError::RelayPortTaken(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

impl Peer {
    pub async fn start(options: Options, node: &Node) -> Self {
        let (tox, events) = Tox::start(options).await.unwrap();
        tox.add_node(node).await.unwrap();
        Self { tox, events }
    }

    pub fn key(&self) -> PublicKey {
        self.tox.public_key()
    }

    /// Takes events until `wanted` makes something of one.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event = self.events.next().await.expect("the instance runs");
                if let Some(value) = wanted(event) {
                    return value;
                }
            }
        })
        .await
    }

    pub async fn friend_online(&mut self, friend: PublicKey) -> Connection {
        self.until("a friend comes online", |event| match event {
            Event::FriendConnection { key, connection }
                if key == friend && connection != Connection::None =>
            {
                Some(connection)
            }
            _ => None,
        })
        .await
    }

    pub async fn friend_offline(&mut self, friend: PublicKey) {
        self.until("a friend goes offline", |event| {
            (event == Event::FriendConnection { key: friend, connection: Connection::None }).then_some(())
        })
        .await;
    }

    pub async fn packet(&mut self) -> Vec<u8> {
        self.until("a packet", |event| match event {
            Event::Packet { bytes, .. } => Some(bytes),
            _ => None,
        })
        .await
    }
}

/// Two friends who are connected, and the node they know.
pub async fn friends() -> (Peer, Peer, Peer, Node) {
    let (keeper, node) = node().await;
    let (mut a, mut b) = (Peer::start(private(), &node).await, Peer::start(private(), &node).await);
    befriend(&mut a, &mut b).await;
    (a, b, keeper, node)
}

/// `a` asks, `b` accepts, both are online.
pub async fn befriend(a: &mut Peer, b: &mut Peer) {
    a.tox.add_friend(b.tox.id(), "hello from a").await.unwrap();
    let (key, message) = b
        .until("a friend request", |event| match event {
            Event::FriendRequest { key, message } => Some((key, message)),
            _ => None,
        })
        .await;
    assert_eq!((key, message.as_str()), (a.key(), "hello from a"));
    b.tox.accept_friend(key).await.unwrap();
    let (a_key, b_key) = (a.key(), b.key());
    tokio::join!(a.friend_online(b_key), b.friend_online(a_key));
}

/// A packet of full size that says which one it is.
pub fn numbered(number: u32, bytes: usize) -> Vec<u8> {
    let mut packet = vec![160];
    packet.extend(number.to_be_bytes());
    packet.resize(bytes, u8::try_from(number % 251).unwrap());
    packet
}
