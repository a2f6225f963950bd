//! The Tox network as the core sees it.

use async_trait::async_trait;
use mail::record::OutboxEntry;
use mail::{AccountName, Acknowledgement, Address, MailId, PublicKey, SentWhole, ToxId};

/// Why a transfer ended without an acknowledgement. The mail stays in the outbox in every case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferFailure {
    /// The peer is not online, or went away in the middle.
    #[error("the recipient's gateway went offline")]
    Disconnected,
    /// The user or the core cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The peer takes no mail of this size.
    #[error("the recipient's gateway takes mails of up to {limit} bytes; this one has {size}")]
    TooLarge {
        /// What the peer takes.
        limit: u64,
        /// What this mail has.
        size: u64,
    },
    /// The peer broke the protocol and is put on hold.
    #[error("the recipient's gateway broke the protocol: {0}")]
    Protocol(String),
    /// This side failed to read the mail.
    #[error("reading the mail failed: {0}")]
    Local(String),
}

/// Why the Tox instance of an account did not do what the core wanted.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// None runs for this account: it is just being made or removed, or the gateway stops.
    #[error("the account {0} has no Tox instance")]
    NoInstance(AccountName),
    /// Tox refused, or has stopped.
    #[error(transparent)]
    Tox(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl NetworkError {
    /// What Tox says.
    pub fn tox(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Tox(Box::new(error))
    }
}

/// A friend connection and the peer protocol over it.
#[async_trait]
pub trait Network: Send + Sync {
    /// The full Tox ID of an account.
    fn tox_id(&self, account: &AccountName) -> Option<ToxId>;

    /// Whether the peer has said hello over a live connection.
    fn is_online(&self, account: &AccountName, peer: PublicKey) -> bool;

    /// Transfers a mail and waits for the acknowledgement; sets `sent` when all bytes are on their way. Any number at once; the peer
    /// protocol orders them.
    async fn transfer(
        &self,
        account: &AccountName,
        peer: PublicKey,
        entry: &OutboxEntry,
        sent: &SentWhole,
    ) -> Result<Acknowledgement, TransferFailure>;

    /// Stops a transfer that is under way.
    fn cancel(&self, account: &AccountName, peer: PublicKey, id: MailId);

    /// Sends a friend request (again).
    async fn request_friend(
        &self,
        account: &AccountName,
        id: ToxId,
        message: &str,
    ) -> Result<(), NetworkError>;

    /// Becomes friends without a request (they asked, or both know).
    async fn accept_friend(&self, account: &AccountName, peer: PublicKey) -> Result<(), NetworkError>;

    /// All Tox friends of an account, accepted or only asked: what the store's contacts are held against at the start.
    async fn friends(&self, account: &AccountName) -> Result<Vec<PublicKey>, NetworkError>;

    /// Ends a friendship.
    async fn remove_friend(&self, account: &AccountName, peer: PublicKey) -> Result<(), NetworkError>;

    /// The addresses to tell peers in `hello`.
    fn set_addresses(&self, account: &AccountName, addresses: Vec<Address>);
}
