//! Slot `policy` (wit/policy.wit): what may be submitted, who becomes a contact, when to try again, and what the own drop
//! relay holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Attributes;
use crate::{Address, PublicKey, Refusal, ReversePath};

/// A mail that is about to be submitted to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// MAIL FROM.
    pub reverse_path: ReversePath,
    /// RCPT TO.
    pub forward_path: Address,
    /// The size in bytes that the mail program announced.
    pub declared_size: Option<u64>,
    /// Mails of the account that wait in the outbox.
    pub queued: u64,
    /// Further facts; the mail is the one to this recipient.
    pub attributes: Attributes,
}

/// Whether the mail may be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubmissionAnswer {
    /// It may.
    Allow,
    /// It may not. Class 4: the mail program may try again; class 5: it may not.
    Refuse(Refusal),
}

/// Somebody on Tox wants to be a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequest {
    /// The key of whoever asks.
    pub key: PublicKey,
    /// What they wrote.
    pub message: String,
    /// Whether the account has sent mail to that key before.
    pub written_to: bool,
    /// Further facts.
    pub attributes: Attributes,
}

/// What to do with a friend request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FriendRequestAnswer {
    /// It is accepted at once.
    Accept,
    /// The user decides.
    AskUser,
    /// It is ignored, and the other side is not told.
    Ignore,
}

/// A delivery attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts that failed, this one included.
    pub attempts: u32,
    /// Since submission.
    pub age: Duration,
    /// Until the mail is given up whatever the answer.
    pub remaining: Duration,
    /// Whether the recipient's gateway was online during the attempt.
    pub peer_online: bool,
    /// Why it failed.
    pub problem: Refusal,
    /// Bytes of the mail.
    pub size: u64,
    /// Further facts.
    pub attributes: Attributes,
}

/// When to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAnswer {
    /// After this time, of 1 second to 1 day, or sooner if the recipient comes online.
    After(Duration),
    /// Not again: the sender gets a bounce with this refusal of class 5.
    GiveUp(Refusal),
}

/// A cell that somebody asks the own drop relay to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// How they pay: `token` or `stamp`.
    pub admission: String,
    /// 1, 7, 14 or 21.
    pub ttl_days: u32,
    /// Cells that the relay holds.
    pub cells: u64,
    /// Cells that it has room for, those it holds included.
    pub capacity: u64,
    /// Cells that it took today.
    pub today: u64,
    /// Further facts.
    pub attributes: Attributes,
}

/// Whether the cell may be deposited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepositAnswer {
    /// It may.
    Allow,
    /// It may not, for this reason.
    Refuse(String),
}
