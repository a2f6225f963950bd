//! The listener: takes connections, within the limits, until told to stop.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use mail::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::backend::Backend;
use crate::connection::{Connection, Shared};
use crate::limits::{ACCEPT_PAUSE, STOP_GRACE};
use crate::reply::Reply;
use crate::settings::Settings;

/// A POP3 server on one listener.
///
/// It speaks plain TCP and takes passwords without TLS: bind it to the loopback interface.
pub struct Server<B> {
    listener: TcpListener,
    backend: Arc<B>,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    sessions: Arc<Semaphore>,
    unauthenticated: Arc<Semaphore>,
}

impl<B: Backend> Server<B> {
    /// A server on an open listener. Nothing is accepted before [`run`](Self::run).
    #[must_use]
    pub fn new(listener: TcpListener, backend: Arc<B>, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let sessions = Arc::new(Semaphore::new(settings.max_sessions.min(Semaphore::MAX_PERMITS)));
        let unauthenticated =
            Arc::new(Semaphore::new(settings.max_unauthenticated.min(Semaphore::MAX_PERMITS)));
        Self { listener, backend, settings: Arc::new(settings), clock, sessions, unauthenticated }
    }

    /// The address listened on.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `cancel`, then gives every session a last -ERR and a few seconds
    /// ([`STOP_GRACE`]) to finish deletions that have begun, and returns.
    /// Dropping the future cuts all sessions off.
    pub async fn run(self, cancel: CancellationToken) {
        let shared = Arc::new(Shared {
            backend: Arc::clone(&self.backend),
            settings: Arc::clone(&self.settings),
            clock: Arc::clone(&self.clock),
            cancel: cancel.clone(),
        });
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(ended) = tasks.join_next() => report(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &shared, &mut tasks),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections");
                        self.clock.sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        tokio::select! {
            () = async { while let Some(ended) = tasks.join_next().await { report(ended) } } => {}
            () = self.clock.sleep(STOP_GRACE) => tasks.shutdown().await,
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared<B>>, tasks: &mut JoinSet<()>) {
        let Ok(session) = Arc::clone(&self.sessions).try_acquire_owned() else {
            return turn_away(stream, &Reply::SESSIONS);
        };
        let Ok(unauthenticated) = Arc::clone(&self.unauthenticated).try_acquire_owned() else {
            return turn_away(stream, &Reply::UNAUTHENTICATED_SESSIONS);
        };
        // Replies are written whole: waiting for more to send only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let connection = Connection::new(stream, Arc::clone(shared), unauthenticated);
        let span = tracing::info_span!("pop3", %peer);
        tasks.spawn(
            async move {
                connection.serve().await;
                drop(session);
            }
            .instrument(span),
        );
    }
}

/// One line fits the buffer of every fresh socket, so this never waits for the client.
fn turn_away(stream: TcpStream, reply: &Reply) {
    tracing::warn!(reply = reply.as_str(), "connection turned away");
    let line = format!("{}\r\n", reply.as_str());
    if let Err(error) = stream.into_std().and_then(|mut stream| stream.write_all(line.as_bytes())) {
        tracing::debug!(%error, "turning away");
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a session failed");
    }
}
