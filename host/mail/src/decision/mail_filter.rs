//! Slot `mail-filter` (wit/mail-filter.wit): what becomes of a mail that goes out or comes in.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Attributes;
use crate::record::Direction;
use crate::{Cause, Envelope, PublicKey, Refusal};

/// What is known of a mail besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFacts {
    /// Which way it goes.
    pub direction: Direction,
    /// Sender and recipient.
    pub envelope: Envelope,
    /// The Tox key of the other side; none for mail between accounts of this gateway.
    pub peer: Option<PublicKey>,
    /// Whether the other side is a contact.
    pub is_contact: bool,
    /// For incoming mail: whether `From` belongs to the key that the mail came from.
    pub from_verified: bool,
    /// Further facts: the mail, which for an incoming one is the id that its sender gave it, and its size.
    pub attributes: Attributes,
}

/// A header field to put in front of the mail. Its form is checked; it is not encoded or folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// 1 to 76 letters, digits and `-`.
    pub name: String,
    /// One line without control characters, at most 900 bytes.
    pub value: String,
}

/// What becomes of the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It goes on, with these header fields.
    Accept(Vec<Header>),
    /// It is set aside for the user, for this reason.
    Quarantine(String),
    /// It is refused. Class 4: it may come again; class 5: it may not.
    Reject(Refusal),
    /// It is thrown away, for this reason.
    Discard(String),
}

/// What the user did with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserDecision {
    /// Took it out of quarantine.
    Released,
    /// Deleted it from quarantine.
    Deleted,
    /// Said that it is spam.
    Spam,
    /// Said that it is not spam.
    NotSpam,
}

/// What a filter that learns is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The facts of the mail.
    pub facts: MailFacts,
    /// What the user did.
    pub decision: UserDecision,
}

/// A mail's bytes, read by range on a component's own thread.
pub trait MessageBytes: Send + Sync {
    /// All bytes.
    fn size(&self) -> u64;

    /// Bytes from `offset` on, at most `max` and possibly fewer; none only at the end. Blocks.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn read(&self, offset: u64, max: usize) -> Result<Bytes, Cause>;
}
