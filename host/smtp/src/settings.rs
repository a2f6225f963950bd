//! What the owner of a server can set.

use std::time::Duration;

use listener::Encryption;

use crate::limits;

/// Settings of one server. [`Settings::new`] gives the defaults of [`crate::limits`] and [`mail::limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name in the greeting. Printable ASCII without blanks.
    pub hostname: String,
    /// Largest mail, bytes: CR LF counted, stuffed dots not (RFC 1870 section 3). At least 1; 0 would mean "no limit" in EHLO.
    pub max_mail_bytes: u64,
    /// Silence after which a session ends, and the time a client has to authenticate.
    pub idle_timeout: Duration,
    /// Open sessions.
    pub max_sessions: usize,
    /// Open sessions that have not authenticated.
    pub max_unauthenticated: usize,
    /// Wrong passwords a session may send; the last of them ends it.
    pub max_authentication_failures: usize,
    /// Malformed or misplaced commands a session may send; the last of them ends it.
    pub max_errors: usize,
    /// Recipients of one mail.
    pub max_recipients: usize,
    /// How sessions are encrypted: the [`Server`](crate::Server) sets what its listener does.
    pub encryption: Encryption,
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn new(hostname: &str) -> Self {
        Self {
            hostname: hostname.to_owned(),
            max_mail_bytes: mail::limits::MAIL_BYTES_DEFAULT,
            idle_timeout: limits::IDLE_TIMEOUT,
            max_sessions: limits::SESSIONS,
            max_unauthenticated: limits::SESSIONS_UNAUTHENTICATED,
            max_authentication_failures: limits::AUTHENTICATION_FAILURES,
            max_errors: limits::ERRORS,
            max_recipients: mail::limits::RECIPIENTS,
            encryption: Encryption::None,
        }
    }
}
