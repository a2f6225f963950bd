//! The server: a listener whose clients speak POP3.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use listener::Listener;
use mail::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::conversation::Conversation;
use crate::reply::Reply;
use crate::settings::Settings;

/// A POP3 server on one listener.
///
/// It speaks plain TCP and takes passwords without TLS: bind it to the loopback interface, or put it [`over_tls`](Self::over_tls). On
/// the loopback interface it can [offer TLS](Self::offer_tls) to clients that insist on it.
pub struct Server<B> {
    listener: Listener,
    backend: Arc<B>,
    settings: Settings,
}

impl<B: Backend> Server<B> {
    /// A server on an open listener. Nothing is accepted before [`run`](Self::run).
    #[must_use]
    pub fn new(listener: TcpListener, backend: Arc<B>, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let bounds = listener::Settings {
            task: "pop3",
            session_task: "pop3-session",
            idle_timeout: settings.idle_timeout,
            max_sessions: settings.max_sessions,
            max_unauthenticated: settings.max_unauthenticated,
            too_many_sessions: Reply::SESSIONS.as_str().to_owned(),
            too_many_unauthenticated: Reply::UNAUTHENTICATED_SESSIONS.as_str().to_owned(),
        };
        Self { listener: Listener::new(listener, bounds, clock), backend, settings }
    }

    /// The same with TLS from the first byte on (RFC 8314 section 3.3): for addresses that others can reach.
    #[must_use]
    pub fn over_tls(self, config: Arc<listener::TlsConfig>) -> Self {
        Self { listener: self.listener.over_tls(config), ..self }
    }

    /// The same with STLS (RFC 2595).
    #[must_use]
    pub fn offer_tls(self, config: Arc<listener::TlsConfig>) -> Self {
        Self { listener: self.listener.offer_tls(config), ..self }
    }

    /// The address listened on.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `cancel`, then gives every session a last -ERR and a few seconds
    /// ([`STOP_GRACE`](listener::limits::STOP_GRACE)) to finish deletions that have begun, and returns.
    /// Dropping the future cuts all sessions off.
    pub async fn run(self, cancel: CancellationToken) {
        let Self { listener, backend, settings } = self;
        let settings = Arc::new(Settings { encryption: listener.encryption(), ..settings });
        let begin = |peer: SocketAddr| {
            let conversation = Conversation::new(Arc::clone(&backend), peer.ip(), Arc::clone(&settings));
            (conversation, tracing::info_span!("pop3", %peer))
        };
        listener.run(begin, cancel).await;
    }
}
