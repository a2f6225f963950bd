//! What a session asks of its owner.

use bytes::Bytes;
use mail::{Acknowledgement, MailId};

use crate::error::{SessionEnd, TransferError};
use crate::hello::Hello;
use crate::message::Transfer;
use crate::offer::Offer;
use mail::BodyHasher;

/// Something the owner of a session has to do or know, in this order.
#[derive(Clone, Debug)]
pub enum Action {
    /// The other side said hello, for the first time or because it started anew.
    Hello(Box<Hello>),
    /// The other side's mailbox record changed.
    Record(Vec<u8>),
    /// Read from the body of a mail under way to the peer, then call `body` or `body_failed`. One at a time per transfer.
    Read {
        /// To be named in the answer.
        transfer: Transfer,
        /// Which mail.
        mail: MailId,
        /// From where.
        offset: u64,
        /// How much; less is fine, nothing is not.
        max: usize,
    },
    /// Decide about a mail, then call `answer`.
    Offered {
        /// To be named in the answer.
        reception: Reception,
        /// The mail.
        offer: Box<Offer>,
    },
    /// Write these bytes, then call `written` or `write_failed`. One at a time per transfer.
    Write {
        /// To be named in the answer.
        reception: Reception,
        /// Which mail.
        mail: MailId,
        /// Where they belong: always the end of what came before.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// All bytes are written and their digest is right: decide, make it durable, then call `completed`.
    Complete {
        /// To be named in the answer.
        reception: Reception,
        /// Which mail.
        mail: MailId,
    },
    /// A mail that was accepted will not be completed by this transfer. A write may still be under way.
    Interrupted {
        /// Which mail.
        mail: MailId,
        /// Why it was interrupted.
        why: Interruption,
    },
    /// All bytes of a mail offered by the owner are on their way: from now on the peer may have it, whatever its outcome.
    SentWhole {
        /// Which mail.
        mail: MailId,
    },
    /// A mail offered by the owner came to its end; each gets exactly one of these.
    Outcome {
        /// Which mail.
        mail: MailId,
        /// The peer's word, or why there is none.
        result: Result<Acknowledgement, TransferError>,
    },
    /// The session is over; nothing follows.
    Ended(SessionEnd),
}

/// Names an incoming transfer for the owner. Other than the number of the peer, it is never used twice in a
/// session, also when the peer starts anew: so a late answer meets no other transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reception {
    pub(super) run: u32,
    pub(super) transfer: Transfer,
}

/// The owner's answer to an offer.
#[derive(Clone, Debug)]
pub enum OfferAnswer {
    /// Send it, from the end of the bytes in this hasher on: those which this side has durably.
    Accept(BodyHasher),
    /// No need to send it: had already (the acknowledgement given then), refused, or not now.
    Acknowledge(Acknowledgement),
    /// This sender offered this mail id before with another digest: a protocol error.
    OtherDigest,
}

/// Why an accepted mail is not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interruption {
    /// The session ended or started anew. Keep what is there: the mail will be offered again.
    Disconnected,
    /// The sender cancelled. It may offer the mail again, or never.
    Cancelled,
    /// Nothing came for a long time. Keep what is there.
    Stalled,
    /// A write failed; the sender was told to try later.
    WriteFailed,
    /// The bytes do not have the digest of the offer: remove them, so that the next transfer starts at 0.
    Corrupt,
}
