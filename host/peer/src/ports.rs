//! What a driver needs from the daemon.

use async_trait::async_trait;
use bytes::Bytes;
use mail::{Acknowledgement, MailId, PublicKey};

use crate::error::BodyError;
use crate::hello::Hello;
use crate::offer::Offer;
use crate::session::{Interruption, OfferAnswer};

/// The friend connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the friend connection is gone")]
pub struct LinkClosed;

/// Sends to one friend.
#[async_trait]
pub trait Link: Send + Sync {
    /// Sends custom lossless packets, in this order, each whole (first byte the packet id, at most 1 373 bytes).
    /// Returns when all are with Tox: a full queue is waited for, so this is the back-pressure. The less
    /// is queued below it, the sooner a small mail overtakes a large one.
    ///
    /// # Errors
    /// The connection is gone; some may have been sent.
    async fn send(&self, packets: Vec<Vec<u8>>) -> Result<(), LinkClosed>;
}

/// Bodies of mails on their way to the peer.
#[async_trait]
pub trait Outgoing: Send + Sync {
    /// Bytes of the body from `offset` on: at least one, at most `max` ([`crate::limits::BLOCK_BYTES`]), and more
    /// is better than less.
    ///
    /// # Errors
    /// The transfer ends with [`crate::TransferError::Body`].
    async fn read(&self, mail: MailId, offset: u64, max: usize) -> Result<Bytes, BodyError>;
}

/// Takes mails from a peer.
///
/// Calls for one mail come one after the other. After `offer` answered with [`OfferAnswer::Accept`], exactly one
/// of `complete` and `interrupted` follows. `complete` may still run when the session has ended, and the peer may then offer the
/// mail on a new connection: `offer` waits for it, or answers with "try later". All other calls have returned when the
/// driver does.
#[async_trait]
pub trait Incoming: Send + Sync {
    /// The peer said hello. Nothing of it is asked about before this has returned, so be quick. Called again when it
    /// started anew.
    async fn hello(&self, from: PublicKey, hello: Hello);

    /// The peer's mailbox record is another one now. Be quick.
    async fn record(&self, from: PublicKey, record: Vec<u8>);

    /// What to do with this mail? Known ones get the acknowledgement they got before. Be quick.
    async fn offer(&self, from: PublicKey, offer: &Offer) -> OfferAnswer;

    /// The next bytes, at most [`crate::limits::BLOCK_BYTES`], always where those before ended. Their place in the
    /// window is free when this returns; they need not be durable then.
    ///
    /// # Errors
    /// The transfer is interrupted, and the sender told to try later.
    async fn write(&self, from: PublicKey, mail: MailId, offset: u64, bytes: Bytes) -> Result<(), BodyError>;

    /// All bytes were written and have the digest of the offer. Decides, and makes the decision durable before it returns.
    async fn complete(&self, from: PublicKey, mail: MailId) -> Acknowledgement;

    /// An accepted mail will not be completed by this transfer.
    async fn interrupted(&self, from: PublicKey, mail: MailId, why: Interruption);
}
