//! What the owner of a server can set.

use std::time::Duration;

use listener::Encryption;

use crate::limits;

/// Settings of one server. [`Settings::default`] gives [`crate::limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Silence after which a session is closed, and the time a client has to authenticate.
    pub idle_timeout: Duration,
    /// Open sessions.
    pub max_sessions: usize,
    /// Open sessions that have not authenticated.
    pub max_unauthenticated: usize,
    /// Wrong passwords a session may send; the last of them ends it.
    pub max_authentication_failures: usize,
    /// Malformed or misplaced commands a session may send; the last of them ends it.
    pub max_errors: usize,
    /// How sessions are encrypted: the [`Server`](crate::Server) sets what its listener does.
    pub encryption: Encryption,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle_timeout: limits::IDLE_TIMEOUT,
            max_sessions: limits::SESSIONS,
            max_unauthenticated: limits::SESSIONS_UNAUTHENTICATED,
            max_authentication_failures: limits::AUTHENTICATION_FAILURES,
            max_errors: limits::ERRORS,
            encryption: Encryption::None,
        }
    }
}
