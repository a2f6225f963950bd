//! What the server asks of whoever runs it: who may log in, and what happens to a mail.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use mail::sasl::Credentials;
use mail::{Address, Notify, Refusal, Return, ReversePath};

/// The mail system behind the server. One value serves all sessions.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// What a session remembers of its login.
    type Login: fmt::Debug + Send + Sync;

    /// Checks a login from `source`. The server erases the password from its own memory afterwards.
    ///
    /// # Errors
    /// [`AuthenticationError`]. The call is dropped when the server stops.
    async fn authenticate(
        &self,
        credentials: &Credentials,
        source: IpAddr,
    ) -> Result<Self::Login, AuthenticationError>;

    /// Whether a login still holds: its account is there, switched on, and has the same password. Asked before each step of a
    /// session, so it takes microseconds.
    fn is_current(&self, login: &Self::Login) -> bool;

    /// Largest mail that is taken now, bytes, at least 1; asked when a session begins, which then holds to it. By default what the
    /// settings say.
    fn max_mail_bytes(&self, settings: u64) -> u64 {
        settings
    }

    /// Begins a mail (MAIL command); `is_over_tls` says whether the session is encrypted. Dropping the transaction
    /// before [`Transaction::finish`] aborts it.
    ///
    /// # Errors
    /// A [`Refusal`]: the reply to MAIL. The call is dropped when the server stops.
    async fn begin(
        &self,
        login: &Self::Login,
        mail: MailFrom,
        is_over_tls: bool,
    ) -> Result<Box<dyn Transaction>, Refusal>;
}

/// One mail on its way in. The calls come in the order they are declared in; dropping it aborts the mail, and
/// nothing of it may remain. All but [`finish`](Self::finish) are dropped half-way when the server stops.
#[async_trait]
pub trait Transaction: Send {
    /// Adds a recipient (RCPT command). At most [`mail::limits::RECIPIENTS`] are accepted.
    ///
    /// # Errors
    /// A [`Refusal`]: the reply to this RCPT; the transaction goes on without this recipient.
    async fn recipient(&mut self, recipient: Recipient) -> Result<(), Refusal>;

    /// All recipients are known and the text comes next (DATA command, before the 354). Called only with one
    /// recipient or more accepted.
    ///
    /// # Errors
    /// A [`Refusal`]: the reply to DATA; the transaction is dropped.
    async fn data(&mut self) -> Result<(), Refusal>;

    /// The next bytes of the mail: dots unstuffed, every line ended by CR LF, at most
    /// [`mail::limits::BODY_CHUNK_BYTES`] a call and less only at the end. Cut anywhere.
    ///
    /// # Errors
    /// A [`Refusal`]: the rest of the mail is read and dropped, then this is the reply; the transaction is dropped at once.
    async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal>;

    /// The mail is complete. `Ok` promises that it is durable; the text follows `250 2.0.0`.
    /// Not called for a mail that broke a rule of SMTP or was too large.
    ///
    /// # Errors
    /// A [`Refusal`]: the reply to the end of the text.
    async fn finish(self: Box<Self>) -> Result<String, Refusal>;
}

/// Why a login failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// Wrong login or password: 535 5.7.8 with this text, which says where the right one is found.
    #[error("{0}")]
    Invalid(String),
    /// The password is right, but the client wants to act for another account (RFC 4616 section 2): 535 5.7.8.
    #[error("logging in for another account is not possible")]
    OtherIdentity,
    /// It could not be checked: 454 with this status and text (RFC 4954 section 6).
    #[error(transparent)]
    Unavailable(Refusal),
}

/// A MAIL command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFrom {
    /// Who gets the reports.
    pub reverse_path: ReversePath,
    /// Bytes the client says the mail will have (RFC 1870); never more than the server's limit.
    pub size: Option<u64>,
    /// What the client says the text consists of (RFC 6152). Bytes are carried as they come either way.
    pub body: BodyType,
    /// Whether addresses and headers may be UTF-8 (RFC 6531).
    pub smtputf8: bool,
    /// What a failure report returns (RFC 3461 section 4.3).
    pub ret: Return,
    /// The sender's tracking id, decoded (RFC 3461 section 4.4).
    pub envelope_id: Option<String>,
}

/// BODY= of RFC 6152.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BodyType {
    /// Seven bits a byte, or nothing was said.
    #[default]
    SevenBit,
    /// Any bytes in lines.
    EightBitMime,
}

/// A RCPT command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Whom the mail is for.
    pub address: Address,
    /// Which reports are wanted (RFC 3461 section 4.1).
    pub notify: Notify,
    /// The address first given, decoded, as `type;address` (RFC 3461 section 4.2).
    pub original_recipient: Option<String>,
}
