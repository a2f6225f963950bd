//! The owner's handle to a running session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use mail::{Acknowledgement, MailId, SentWhole};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::error::TransferError;
use crate::offer::Offer;

/// Where the outcome of a transfer goes, and the word that all was sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub outcome: oneshot::Sender<Result<Acknowledgement, TransferError>>,
    pub sent: SentWhole,
}

/// A wish of the owner.
#[derive(Debug)]
pub(crate) enum Command {
    Transfer(Box<Offer>, Reply),
    Cancel(MailId),
    Record(Vec<u8>),
    Disconnect,
}

/// Set when packets were lost because the session did not keep up: no peer that keeps to the window can cause it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flood(Arc<AtomicBool>);

impl Flood {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Handle to the session with a peer; clones are the same. The session ends when all are dropped.
#[derive(Clone, Debug)]
pub struct Peer {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) packets: mpsc::Sender<Bytes>,
    pub(crate) flood: Flood,
}

impl Peer {
    /// A packet with [`crate::limits::PACKET_ID`] came from this friend, whole, in the order they came. Never waits:
    /// the window bounds how many there can be, and a peer that sends more ends its session.
    pub fn packet(&self, packet: Bytes) {
        if let Err(TrySendError::Full(_)) = self.packets.try_send(packet) {
            self.flood.0.store(true, Ordering::Relaxed);
        }
    }

    /// Offers a mail, waits its turn, sends it, and returns the peer's word. May be called at any time, for up to
    /// [`crate::limits::QUEUE`] mails at once. Dropping the future does not stop the transfer; [`Peer::cancel`] does.
    ///
    /// # Errors
    /// [`TransferError`]: then the peer may have the mail if `sent` is set, and offering it again is safe.
    pub async fn transfer(&self, offer: Offer, sent: SentWhole) -> Result<Acknowledgement, TransferError> {
        let (reply, outcome) = oneshot::channel();
        let command = Command::Transfer(Box::new(offer), Reply { outcome: reply, sent });
        self.commands.send(command).await.map_err(|_| TransferError::Disconnected)?;
        outcome.await.unwrap_or(Err(TransferError::Disconnected))
    }

    /// Stops the transfer of a mail. Its [`Peer::transfer`] returns [`TransferError::Cancelled`], or the
    /// acknowledgement if that was faster.
    pub async fn cancel(&self, mail: MailId) {
        // A session that is over has nothing left to cancel.
        let _ = self.commands.send(Command::Cancel(mail)).await;
    }

    /// The own mailbox record is another one now. The peer is told in this session if it takes that, and in hellos to come.
    pub async fn record(&self, record: Vec<u8>) {
        // A session that is over has nobody to tell.
        let _ = self.commands.send(Command::Record(record)).await;
    }

    /// The friend went offline: ends the session.
    pub async fn disconnect(&self) {
        let _ = self.commands.send(Command::Disconnect).await;
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.commands.is_closed()
    }
}
