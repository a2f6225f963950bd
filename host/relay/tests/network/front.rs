//! Tox TCP relays that note who comes to them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail::PublicKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tox::Node;

/// A client of a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Its DHT key, which is the first it says (c-toxcore, `TCP_client.c`).
    pub key: PublicKey,
    /// Where its connection came from.
    pub from: SocketAddr,
}

/// Bytes of the first thing a client says to a relay, and of the answer (Tox specification, "TCP server").
const HELLO: usize = 128;
const ANSWER: usize = 96;

/// In front of a real Tox TCP relay: everything passes, and it is noted who came.
///
/// Whom the relay does not answer is not noted: they look for another relay, which had this port before.
pub struct Front {
    /// The relay as its clients are to know it.
    pub node: Node,
    seen: Arc<Mutex<Vec<Visitor>>>,
}

impl Front {
    pub async fn start(relay: &Node) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(vec![]));
        let (visitors, behind) = (Arc::clone(&seen), relay.tcp_port.unwrap());
        tokio::spawn(async move {
            loop {
                let (mut client, from) = listener.accept().await.unwrap();
                let visitors = Arc::clone(&visitors);
                tokio::spawn(async move {
                    let mut hello = [0; HELLO];
                    client.read_exact(&mut hello).await?;
                    let mut relay = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], behind))).await?;
                    relay.write_all(&hello).await?;
                    let mut answer = [0; ANSWER];
                    relay.read_exact(&mut answer).await?;
                    let key = PublicKey(*hello.first_chunk().expect("it is longer"));
                    visitors.lock().unwrap().push(Visitor { key, from });
                    client.write_all(&answer).await?;
                    copy_bidirectional(&mut client, &mut relay).await
                });
            }
        });
        Self { node: Node { tcp_port: Some(port), ..relay.clone() }, seen }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.node.tcp_port.unwrap()))
    }

    /// Who came so far.
    pub fn seen(&self) -> Vec<Visitor> {
        self.seen.lock().unwrap().clone()
    }

    /// Who came first.
    pub async fn first(&self) -> PublicKey {
        loop {
            if let Some(visitor) = self.seen().first() {
                return visitor.key;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
