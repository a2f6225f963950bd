//! How sessions and transfers end when they do not end well.

use std::time::Duration;

use frame::{FrameError, TooLong};
use mail::MailId;

use crate::decode::DecodeError;
use crate::limits;
use crate::message::Transfer;

/// The other side broke the protocol (or says that this one did). The session is over; its owner holds
/// the peer for [`limits::hold`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Packets that make no message.
    #[error("broken packets: {0}")]
    Frame(#[from] FrameError),
    /// Bytes that are not a message.
    #[error("broken message: {0}")]
    Message(#[from] DecodeError),
    /// The hello names another key than the one this connection is with.
    #[error("the hello carries another Tox key than this connection has")]
    OtherKey,
    /// Many hellos in a short time.
    #[error("more than {} hellos in a minute", limits::HELLOS)]
    TooManyHellos,
    /// Much was sent and no hello.
    #[error("more than {} packets before a hello", limits::PACKETS_BEFORE_HELLO)]
    NoHelloFirst,
    /// The number of an offer is not greater than those before.
    #[error("offer with number {0:?}, which does not follow the ones before")]
    NumberNotGrowing(Transfer),
    /// More open transfers than the hello allowed.
    #[error("more than {0} transfers at once")]
    TooManyTransfers(u16),
    /// A mail is offered while its transfer is open.
    #[error("mail {0} is offered while its transfer is open")]
    OfferedTwice(MailId),
    /// A mail id came with two digests.
    #[error("mail {0} was offered before with another digest")]
    OtherDigest(MailId),
    /// A message about a transfer that is not open, or not open in that way.
    #[error("{what} for transfer {}, which does not wait for one", transfer.0)]
    Unexpected {
        /// The message.
        what: &'static str,
        /// Its transfer.
        transfer: Transfer,
    },
    /// An offset that cannot be.
    #[error("{what} of transfer {} with offset {offset}, which cannot be", transfer.0)]
    Offset {
        /// The message.
        what: &'static str,
        /// Its transfer.
        transfer: Transfer,
        /// The offset it claims.
        offset: u64,
    },
    /// Delivered before all of it was sent.
    #[error("transfer {} acknowledged as delivered before all of it was sent", .0.0)]
    DeliveredEarly(Transfer),
    /// More bytes on their way than the window allows.
    #[error("more than {0} bytes on their way, the window of this side")]
    WindowExceeded(u32),
    /// Data in needlessly small pieces.
    #[error("a data message of {0} bytes that does not end its mail")]
    TinyData(usize),
    /// More packets than who keeps to the protocol can cause.
    #[error("more packets at once than the protocol allows")]
    Flood,
    /// Nothing heard while transfers are open.
    #[error("nothing heard for two minutes with transfers open, and no answer to a ping")]
    Silent,
    /// A cancel was never answered.
    #[error("no answer to the cancel of transfer {}", .0.0)]
    CancelUnanswered(Transfer),
    /// The other side says that this one broke the protocol.
    #[error("the other gateway ended the session: {text} (code {code})")]
    Remote {
        /// Its code.
        code: u16,
        /// Its text.
        text: String,
    },
}

impl ProtocolError {
    /// The code sent in the error message; the table is in the crate's documentation.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Frame(_) => 1,
            Self::Message(DecodeError::NoCommonVersion { .. }) => 3,
            Self::Message(_) => 2,
            Self::OtherKey => 4,
            Self::TooManyHellos | Self::NoHelloFirst => 5,
            Self::NumberNotGrowing(_)
            | Self::OfferedTwice(_)
            | Self::Unexpected { .. }
            | Self::DeliveredEarly(_) => 6,
            Self::Offset { .. } => 7,
            Self::OtherDigest(_) => 8,
            Self::TooManyTransfers(_) | Self::WindowExceeded(_) | Self::TinyData(_) | Self::Flood => 9,
            Self::Silent | Self::CancelUnanswered(_) => 10,
            Self::Remote { code, .. } => *code,
        }
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// The connection is gone or was closed by the owner: the next one starts a new session.
    #[error("the connection to the other gateway ended")]
    Disconnected,
    /// See [`ProtocolError`]: wait [`limits::hold`] before the next session.
    #[error(transparent)]
    ProtocolError(#[from] ProtocolError),
    /// A fault of this program: what the peer saw of the session is not known. Hold the peer too.
    #[error("this gateway failed in the middle of the session")]
    Failed,
}

/// Why a body could not be read or written; said by the owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The mail is not there (any more).
    #[error("the mail is not there any more")]
    Gone,
    /// It has fewer bytes than its offer says.
    #[error("the mail is shorter than it was when it was queued")]
    Short,
    /// The store failed, with its reason.
    #[error("the store failed: {0}")]
    Store(String),
}

/// Why a transfer ended without an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// The connection ended: offer the mail again on the next.
    #[error("the connection ended before the mail was acknowledged")]
    Disconnected,
    /// Cancelled by the owner. The other side may have parts of it.
    #[error("the transfer was cancelled")]
    Cancelled,
    /// The session ended as a protocol error.
    #[error("the transfer failed: {0}")]
    ProtocolError(ProtocolError),
    /// Larger than the peer takes.
    #[error("the recipient's gateway takes mails of at most {max} bytes")]
    TooLarge {
        /// What it takes.
        max: u64,
    },
    /// The friend is online but said no hello: no gateway, or one that holds us.
    #[error("the recipient is online, but no mail gateway answers there")]
    NoHello,
    /// The peer neither took it nor refused it in time.
    #[error("the recipient's gateway did not go on with the transfer in time")]
    Stalled,
    /// The body could not be read.
    #[error("the mail could not be sent: {0}")]
    Body(BodyError),
    /// Something in the envelope is longer than the protocol carries.
    #[error("the envelope cannot be sent: {0}")]
    Unsendable(#[source] Unsendable),
    /// [`limits::QUEUE`] mails wait already.
    #[error("too many mails wait for this recipient's gateway")]
    QueueFull,
    /// The same mail is waiting or under way.
    #[error("this mail is already being sent")]
    AlreadyOffered,
}

/// Why the other side would not take a message as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// A text in it is longer than its field.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A value in it has no form of its own on the wire.
    #[error("it would arrive changed")]
    Changed,
    /// It would be refused.
    #[error(transparent)]
    Refused(#[from] DecodeError),
}

/// How long the sender is asked to wait when the recipient could not store a mail.
pub(crate) const STORE_TROUBLE_WAIT: Duration = Duration::from_secs(300);
