//! What the server asks of whoever runs it: who may log in, and what lies in the maildrop.

use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use mail::sasl::Credentials;

/// The mail system behind the server. One value serves all sessions.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Checks a login from `source` and takes the exclusive lock on its maildrop (RFC 1939 section 4). Dropping the maildrop, or
    /// committing it, gives the lock back at once. The server erases the password from its own memory afterwards.
    ///
    /// # Errors
    /// [`OpenError`]. The call is dropped when the server stops.
    async fn open(&self, credentials: &Credentials, source: IpAddr) -> Result<Box<dyn Maildrop>, OpenError>;
}

/// A locked maildrop: what it held when it was opened.
#[async_trait]
pub trait Maildrop: Send {
    /// The messages, oldest first; the same slice as long as the maildrop is open. Message number n is at n - 1.
    fn messages(&self) -> &[MessageInfo];

    /// Whether the login that opened it still holds: its account is there, switched on, and has the same password. Asked before
    /// each step of a session, so it takes microseconds.
    fn is_current(&self) -> bool;

    /// Bytes of message `index` from `offset`: `max` of them or fewer, one at least while there are any.
    /// `max` is never over [`mail::limits::BODY_CHUNK_BYTES`] nor over what is left by [`MessageInfo::size`].
    ///
    /// # Errors
    /// [`MaildropError`]: the reply if nothing of the message was sent yet, else the connection is closed.
    async fn read(&mut self, index: usize, offset: u64, max: usize) -> Result<Bytes, MaildropError>;

    /// Deletes these messages, ascending and at least one, and closes the maildrop (UPDATE state, RFC 1939 section 6).
    /// Not cut off when the server stops.
    ///
    /// # Errors
    /// [`MaildropError`]: the reply to QUIT.
    async fn commit(self: Box<Self>, deleted: &[usize]) -> Result<(), MaildropError>;
}

/// One message of a maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageInfo {
    /// Its unique id: 1 to 70 characters from `!` to `~`, never used again (RFC 1939 section 7, UIDL).
    pub uidl: String,
    /// Bytes as stored, dots unstuffed (RFC 1939 section 11).
    pub size: u64,
}

/// Why a maildrop was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Wrong login or password: `[AUTH]` with this text, which says where the right one is found (RFC 3206 section 4).
    #[error("{0}")]
    InvalidCredentials(String),
    /// The password is right, but the client wants to act for another account (RFC 4616 section 2): `[AUTH]`.
    #[error("logging in for another account is not possible")]
    OtherIdentity,
    /// Another session has the lock: `[IN-USE]` (RFC 2449 section 8.1.2).
    #[error("the mailbox is open in another session")]
    InUse,
    /// Not now: `[SYS/TEMP]` with this text (RFC 3206 section 4).
    #[error("{0}")]
    Temporary(String),
}

/// Why a message could not be read or deleted. The texts are for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaildropError {
    /// Trying again may help: `[SYS/TEMP]`.
    #[error("{0}")]
    Temporary(String),
    /// It will not: `[SYS/PERM]`.
    #[error("{0}")]
    Permanent(String),
}
