//! The proxy of one throwaway: SOCKS5 on a loopback port of its own, which leads to the Tox TCP relays chosen for it and nowhere else.
//!
//! A friend on Tox can name a Tox TCP relay of its own and see who comes; through this proxy nobody comes. Connections go straight to the
//! relay, or on through Tor or another proxy ([`Upstream`]).

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::hiding::Upstream;
use crate::limits::{
    PROXY_ACCEPT_PAUSE, PROXY_CONNECT_TIME, PROXY_CONNECTIONS, PROXY_HANDSHAKE_BYTES, PROXY_LAST_TIME,
    PROXY_LINGER, PROXY_PIECE_BYTES, PROXY_PIECE_TIME, PROXY_REQUEST_TIME,
};
use crate::socks::{Dial, DialError, DialStep, HttpDial, Reply, Serve, Step};

/// A running proxy. Dropped, it takes no more connections; those there are end when their client closes them, or shortly after.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    _in_use: oneshot::Sender<Infallible>,
}

/// What connections share.
#[derive(Debug)]
struct Shared {
    allowed: HashSet<SocketAddr>,
    upstream: Upstream,
    /// Under which name this throwaway uses Tor.
    name: [u8; 16],
    refused: Arc<AtomicU64>,
}

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("it took too long")]
    TooLong,
}

impl Proxy {
    /// Starts a proxy that leads to `allowed` alone. `name` is a random number of this throwaway, shown to Tor. `refused` counts the
    /// connections that were asked for and led somewhere else.
    ///
    /// # Errors
    /// The loopback interface has no free port.
    pub async fn start(
        allowed: impl IntoIterator<Item = SocketAddr>,
        upstream: Upstream,
        name: [u8; 16],
        refused: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let allowed = allowed.into_iter().map(canonical).collect();
        let shared = Arc::new(Shared { allowed, upstream, name, refused });
        let (in_use, unused) = oneshot::channel();
        supervisor::job("throwaway-proxy", run(listener, shared, unused));
        Ok(Self { address, _in_use: in_use })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// IPv4 in IPv6's clothes is the same place.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn run(listener: TcpListener, shared: Arc<Shared>, unused: oneshot::Receiver<Infallible>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    tokio::select! {
        _ = unused => {}
        () = accept(&listener, &shared, &mut connections) => {}
    }
    drop(listener);
    // Those that are not over by then are cut off.
    let _ = timeout(PROXY_LAST_TIME, async { while connections.join_next().await.is_some() {} }).await;
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>, connections: &mut JoinSet<()>) {
    let room = Arc::new(Semaphore::new(PROXY_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let shared = Arc::clone(shared);
                connections.spawn(async move {
                    let served = supervisor::attempt("throwaway-connection", serve(client, &shared)).await;
                    if let Some(Err(error)) = served {
                        tracing::debug!(%error, "a connection through the throwaways' proxy ended");
                    }
                    drop(permit);
                });
            }
            // Out of file descriptors, say: the next client waits for one to be free.
            Err(error) => {
                tracing::debug!(%error, "the throwaways' proxy takes no connection");
                sleep(PROXY_ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> Result<(), ConnectError> {
    let mut handshake = Serve::default();
    let Some(target) = within(PROXY_REQUEST_TIME, request(&mut client, &mut handshake)).await? else {
        return Ok(());
    };
    if !shared.allowed.contains(&canonical(target)) {
        shared.refused.fetch_add(1, Ordering::Relaxed);
        tracing::debug!("a throwaway was named a Tox TCP relay that is none of its own: not gone there");
        return Ok(client.write_all(&Reply::NotAllowed.encode(target)).await?);
    }
    match within(PROXY_CONNECT_TIME, shared.connect(canonical(target))).await {
        Ok((mut relay, first)) => {
            client.write_all(&Reply::Succeeded.encode(target)).await?;
            client.write_all(&first).await?;
            relay.write_all(&handshake.into_rest()).await?;
            Ok(between(client, relay).await?)
        }
        Err(error) => {
            client.write_all(&reply(&error).encode(target)).await?;
            Err(error)
        }
    }
}

async fn within<T>(
    time: std::time::Duration,
    future: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(time, future).await.unwrap_or(Err(ConnectError::TooLong))
}

/// Both directions, until either side closes.
async fn between(mut client: TcpStream, mut relay: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_relay, mut to_relay) = relay.split();
    tokio::select! {
        ended = hand_on(&mut from_relay, &mut to_client) => ended?,
        ended = copy(&mut from_client, &mut to_relay) => {
            sleep(PROXY_LINGER).await;
            ended?;
        }
    }
    Ok(())
}

/// Hands on what one connection brings to a c-toxcore at the end of another one, a piece at a time ([`PROXY_PIECE_BYTES`] says why), until the first is closed.
///
/// # Errors
/// Either connection broke.
pub async fn hand_on(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> io::Result<()> {
    // Else the system gathers pieces to large ones again.
    to.as_ref().set_nodelay(true)?;
    let mut piece = [0; PROXY_PIECE_BYTES];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&piece[..count]).await?;
        sleep(PROXY_PIECE_TIME).await;
    }
}

fn reply(error: &ConnectError) -> Reply {
    match error {
        ConnectError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => Reply::Refused,
        ConnectError::Io(_) | ConnectError::TooLong => Reply::HostUnreachable,
        ConnectError::Dial(_) => Reply::Failure,
    }
}

/// Where the client wants to go; none where it was refused.
async fn request(client: &mut TcpStream, handshake: &mut Serve) -> Result<Option<SocketAddr>, ConnectError> {
    loop {
        match handshake.step() {
            Step::More => {
                let bytes = read(client).await?;
                handshake.push(&bytes);
            }
            Step::Send(bytes) => client.write_all(&bytes).await?,
            Step::Connect(target) => return Ok(Some(target)),
            Step::Close(bytes) => {
                client.write_all(&bytes).await?;
                return Ok(None);
            }
        }
    }
}

/// Some bytes; an error where the other side closed.
async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; PROXY_HANDSHAKE_BYTES];
    let count = stream.read(&mut bytes).await?;
    bytes.truncate(count);
    if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

impl Shared {
    /// A connection to a relay, and the first bytes that came over it.
    async fn connect(&self, target: SocketAddr) -> Result<(TcpStream, Vec<u8>), ConnectError> {
        match &self.upstream {
            Upstream::Direct => Ok((TcpStream::connect(target).await?, vec![])),
            Upstream::Socks5(host, port) => {
                let mut stream = TcpStream::connect((host.as_str(), *port)).await?;
                let mut dial = Dial::new(target, self.name);
                loop {
                    match dial.step()? {
                        DialStep::More => dial.push(&read(&mut stream).await?),
                        DialStep::Send(bytes) => stream.write_all(&bytes).await?,
                        DialStep::Done => return Ok((stream, dial.into_rest())),
                    }
                }
            }
            Upstream::Http(host, port) => {
                let mut stream = TcpStream::connect((host.as_str(), *port)).await?;
                let mut dial = HttpDial::new(target);
                loop {
                    match dial.step()? {
                        DialStep::More => dial.push(&read(&mut stream).await?),
                        DialStep::Send(bytes) => stream.write_all(&bytes).await?,
                        DialStep::Done => return Ok((stream, dial.into_rest())),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A client that is connected to a relay through a proxy, and the relay's end.
    async fn connected() -> (Proxy, TcpStream, TcpStream) {
        let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = relay.local_addr().unwrap();
        let proxy = Proxy::start([at], Upstream::Direct, [0; 16], Arc::default()).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        // SOCKS5 without authentication, then CONNECT (RFC 1928 sections 3 and 4).
        client.write_all(&[5, 1, 0]).await.unwrap();
        client.read_exact(&mut [0; 2]).await.unwrap();
        let port = at.port().to_be_bytes();
        client.write_all(&[5, 1, 0, 1, 127, 0, 0, 1, port[0], port[1]]).await.unwrap();
        client.read_exact(&mut [0; 10]).await.unwrap();
        let (there, _) = relay.accept().await.unwrap();
        (proxy, client, there)
    }

    /// A throwaway's goodbye: it writes, closes, and drops its proxy before that had its turn.
    #[tokio::test]
    async fn what_a_client_says_last_arrives_though_the_proxy_is_dropped() {
        let (proxy, mut client, mut there) = connected().await;
        client.write_all(b"goodbye").await.unwrap();
        drop((client, proxy));
        let mut said = vec![];
        there.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"goodbye");
    }

    /// c-toxcore's way of reading: now and then, and nothing of a packet before all of it is there.
    #[tokio::test]
    async fn a_client_that_takes_whole_packets_only_gets_all_of_a_flood() {
        const PACKET: usize = 1_419;
        const TURN: usize = 120;
        const PACKETS: usize = 15 * TURN;
        let (_proxy, mut client, mut there) = connected().await;
        // At a turn each 50 ms, as the relay takes them.
        let flood = async {
            for _ in 0..PACKETS / TURN {
                there.write_all(&[7; PACKET * TURN]).await.unwrap();
                sleep(Duration::from_millis(50)).await;
            }
        };
        let reader = async {
            let (mut packet, mut taken) = ([0; PACKET], 0);
            while taken < PACKETS {
                let waiting = timeout(Duration::from_secs(60), client.peek(&mut packet)).await;
                match waiting.expect("something comes").unwrap() {
                    PACKET => taken += client.read_exact(&mut packet).await.unwrap() / PACKET,
                    _ => sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let both = async { tokio::join!(flood, reader) };
        timeout(Duration::from_secs(60), both).await.expect("no packet stays incomplete");
    }
}
