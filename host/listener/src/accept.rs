//! Takes connections, within the limits, until told to stop.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mail::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use crate::TlsConfig;
use crate::connection::{Connection, Shared};
use crate::conversation::Conversation;
use crate::limits::{STOP_GRACE, UNDISTURBED};
use crate::lobby::Lobby;
use crate::trouble::AcceptTrouble;

/// The bounds of one listener, and its words to those beyond them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Under which name the supervisor counts the task that accepts.
    pub task: &'static str,
    /// Under which name the supervisor counts sessions.
    pub session_task: &'static str,
    /// Silence after which a session ends, and the time a client has to log in.
    pub idle_timeout: Duration,
    /// Open sessions.
    pub max_sessions: usize,
    /// Open sessions that have not logged in. One more takes the place of the oldest of them, once that had
    /// [`UNDISTURBED`] to log in.
    pub max_unauthenticated: usize,
    /// The line, without CR LF, for a client that finds all sessions taken.
    pub too_many_sessions: String,
    /// The line, without CR LF, for a client that finds all sessions without login taken by others just come.
    pub too_many_unauthenticated: String,
}

/// Serves one protocol on one open TCP listener.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    settings: Settings,
    clock: Arc<dyn Clock>,
    sessions: Arc<Semaphore>,
    lobby: Arc<Lobby>,
    tls: Tls,
}

/// How connections are encrypted, for a conversation that has to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// They are not.
    None,
    /// When the client asks for it ([`Listener::offer_tls`]).
    Offered,
    /// From the first byte on ([`Listener::over_tls`]).
    FromTheStart,
}

/// The same for the listener, with what TLS needs.
#[derive(Clone, Debug)]
enum Tls {
    /// They are not.
    None,
    /// When the client asks for it.
    Offered(Arc<TlsConfig>),
    /// From the first byte on.
    FromTheStart(Arc<TlsConfig>),
}

impl Listener {
    /// Nothing is accepted before [`run`](Self::run).
    #[must_use]
    pub fn new(listener: TcpListener, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let sessions = Arc::new(Semaphore::new(settings.max_sessions.min(Semaphore::MAX_PERMITS)));
        let lobby = Lobby::new(settings.max_unauthenticated, UNDISTURBED);
        Self { listener, settings, clock, sessions, lobby, tls: Tls::None }
    }

    /// The same with TLS from the first byte on (RFC 8314 section 3). Nobody gets anything in plain text, clients for whom there is
    /// no place neither.
    #[must_use]
    pub fn over_tls(self, config: Arc<TlsConfig>) -> Self {
        Self { tls: Tls::FromTheStart(config), ..self }
    }

    /// The same in plain text, until a conversation says [`Next::StartTls`](crate::Next::StartTls). Without this, that ends it.
    #[must_use]
    pub fn offer_tls(self, config: Arc<TlsConfig>) -> Self {
        Self { tls: Tls::Offered(config), ..self }
    }

    /// How its connections are encrypted.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        match &self.tls {
            Tls::None => Encryption::None,
            Tls::Offered(_) => Encryption::Offered,
            Tls::FromTheStart(_) => Encryption::FromTheStart,
        }
    }

    /// The address listened on.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `cancel`, then interrupts every conversation, gives them a few seconds ([`STOP_GRACE`]) to finish what
    /// they must not leave half done, and returns. Dropping the future cuts all of them off.
    ///
    /// `begin` makes the conversation with a client just connected, and the span its events are recorded under.
    pub async fn run<C: Conversation + 'static>(
        self,
        begin: impl Fn(SocketAddr) -> (C, Span),
        cancel: CancellationToken,
    ) {
        let shared = Arc::new(Shared {
            clock: Arc::clone(&self.clock),
            cancel: cancel.clone(),
            idle_timeout: self.settings.idle_timeout,
        });
        let end = CancellationToken::new();
        // Also where this future is dropped.
        let cut_off = end.clone().drop_guard();
        let tasks = Tasks { running: TaskTracker::new(), end };
        supervisor::keep_here(self.settings.task, || self.accept(&begin, &shared, &tasks)).await;
        drop(self.listener);
        tasks.running.close();
        tokio::select! {
            () = tasks.running.wait() => {}
            () = self.clock.sleep(STOP_GRACE) => {
                drop(cut_off);
                tasks.running.wait().await;
            }
        }
    }

    /// Takes connections until told to stop.
    async fn accept<C: Conversation + 'static>(
        &self,
        begin: &impl Fn(SocketAddr) -> (C, Span),
        shared: &Arc<Shared>,
        tasks: &Tasks,
    ) {
        let mut trouble = AcceptTrouble::default();
        loop {
            tokio::select! {
                biased;
                () = shared.cancel.cancelled() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, || begin(peer), shared, tasks),
                    Err(error) => trouble.pause(self.settings.task, &error).await,
                },
            }
        }
    }

    fn admit<C: Conversation + 'static>(
        &self,
        stream: TcpStream,
        begin: impl FnOnce() -> (C, Span),
        shared: &Arc<Shared>,
        tasks: &Tasks,
    ) {
        let Ok(session) = Arc::clone(&self.sessions).try_acquire_owned() else {
            return self.turn_away(stream, &self.settings.too_many_sessions);
        };
        let Some(place) = self.lobby.enter(self.clock.monotonic()) else {
            return self.turn_away(stream, &self.settings.too_many_unauthenticated);
        };
        // Replies are written whole: waiting for more to send only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let (conversation, span) = begin();
        let shared = Arc::clone(shared);
        let tls = self.tls.clone();
        let serving = async move {
            serve(Connection::new(stream, conversation, shared, place), tls).await;
            drop(session);
        };
        self.begin(serving.instrument(span), tasks);
    }

    fn begin(&self, serving: impl Future<Output = ()> + Send + 'static, tasks: &Tasks) {
        let (end, running) = (tasks.end.clone(), tasks.running.token());
        supervisor::job(self.settings.session_task, async move {
            tokio::select! {
                () = serving => {}
                () = end.cancelled() => {}
            }
            drop(running);
        });
    }

    /// One line fits the buffer of every fresh socket, so this never waits for the client. Over TLS nothing is said.
    fn turn_away(&self, stream: TcpStream, reply: &str) {
        tracing::warn!(reply, "connection turned away");
        if matches!(self.tls, Tls::FromTheStart(_)) {
            return;
        }
        let line = format!("{reply}\r\n");
        if let Err(error) = stream.into_std().and_then(|mut stream| stream.write_all(line.as_bytes())) {
            tracing::debug!(%error, "turning away");
        }
    }
}

/// Serves a client, over TLS at once or when it asks.
async fn serve<C: Conversation>(connection: Connection<TcpStream, C>, tls: Tls) {
    let (connection, config) = match tls {
        Tls::None => return drop(connection.serve().await),
        Tls::Offered(config) => (connection.serve().await, config),
        Tls::FromTheStart(config) => (Some(connection), config),
    };
    let Some(connection) = connection else { return };
    if let Some(connection) = connection.over(|stream| TlsAcceptor::from(config).accept(stream)).await {
        // TLS is on: the conversation does not ask for it again.
        connection.serve().await;
    }
}

/// The sessions.
struct Tasks {
    running: TaskTracker,
    /// Cuts all of them off.
    end: CancellationToken,
}
