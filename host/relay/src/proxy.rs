//! The proxy of one throwaway: SOCKS5 on a loopback port of its own, which leads to the Tox TCP relays chosen for it and nowhere else.
//!
//! A friend on Tox can name a Tox TCP relay of its own and see who comes; through this proxy nobody comes. Connections go straight to the
//! relay, or on through Tor or another proxy ([`Upstream`]).

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::hiding::Upstream;
use crate::limits::{PROXY_CONNECT_TIME, PROXY_CONNECTIONS, PROXY_REQUEST_TIME};
use crate::socks::{Dial, DialError, DialStep, HttpDial, Reply, Serve, Step};

/// Bytes read at once while shaking hands.
const READ_BYTES: usize = 512;

/// A running proxy; it stops, and its connections with it, when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    task: JoinHandle<()>,
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
        Ok(Self { address, task: tokio::spawn(accept(listener, shared)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// IPv4 in IPv6's clothes is the same place.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(PROXY_CONNECTIONS));
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    if let Err(error) = serve(client, &shared).await {
                        tracing::debug!(%error, "a connection through the throwaways' proxy ended");
                    }
                    drop(permit);
                });
            }
            // Out of file descriptors, say: the next client waits for one to be free.
            Err(error) => tracing::debug!(%error, "the throwaways' proxy takes no connection"),
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
            copy_bidirectional(&mut client, &mut relay).await?;
            Ok(())
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
    tokio::time::timeout(time, future).await.unwrap_or(Err(ConnectError::TooLong))
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
    let mut bytes = vec![0; READ_BYTES];
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
