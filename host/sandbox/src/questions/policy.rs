//! Slot `policy`: facts and answers. Each mirrors the record or variant of that name in wit/policy.wit.

use std::time::Duration;

use mail::{Address, PublicKey, Refusal, ReversePath};
use serde::{Deserialize, Serialize};
use wasmtime::Store;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::bindings::policy::exports::toxmail::gateway::policy_decisions as wit;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::limits::RETRY_LONGEST;
use crate::questions::validate;
use crate::questions::{self, Question, Unanswered};
use crate::slot::Slot;

/// A mail about to be submitted to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// MAIL FROM.
    pub reverse_path: ReversePath,
    /// RCPT TO.
    pub forward_path: Address,
    /// The announced size in bytes.
    pub declared_size: Option<u64>,
    /// Mails of the account in the outbox.
    pub queued: u64,
    /// Further facts, name and value.
    pub attributes: Vec<(String, String)>,
}

/// May this be submitted?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubmissionAnswer {
    /// Yes.
    Allow,
    /// No. Class 4: the mail program may try again; class 5: it may not.
    Refuse(Refusal),
}

/// Somebody on Tox wants to be a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequest {
    /// Who.
    pub key: PublicKey,
    /// What they wrote.
    pub message: String,
    /// Whether the account has sent mail to that key.
    pub written_to: bool,
    /// Further facts, name and value.
    pub attributes: Vec<(String, String)>,
}

/// Accept a friend request?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FriendRequestAnswer {
    /// At once.
    Accept,
    /// The user decides.
    AskUser,
    /// Silently not.
    Ignore,
}

/// A delivery attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts that failed, this one included.
    pub attempts: u32,
    /// Since submission.
    pub age: Duration,
    /// Until the mail is given up anyway.
    pub remaining: Duration,
    /// Whether the recipient's gateway was online.
    pub peer_online: bool,
    /// Why it failed.
    pub problem: Refusal,
    /// Bytes to transfer.
    pub size: u64,
    /// Further facts, name and value.
    pub attributes: Vec<(String, String)>,
}

/// When to try again?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAnswer {
    /// After this time, kept within 1 second and [`RETRY_LONGEST`].
    After(Duration),
    /// Never; the status is of class 5.
    GiveUp(Refusal),
}

/// Somebody asks the own drop relay to hold a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// What they show: `token` or `stamp`.
    pub admission: String,
    /// 1, 7, 14 or 21.
    pub ttl_days: u32,
    /// Cells held.
    pub cells: u64,
    /// Cells there is room for.
    pub capacity: u64,
    /// Cells taken today.
    pub today: u64,
    /// Further facts, name and value.
    pub attributes: Vec<(String, String)>,
}

/// May this cell be deposited?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepositAnswer {
    /// Yes.
    Allow,
    /// No, and why.
    Refuse(String),
}

impl Question for Submission {
    const SLOT: Slot = Slot::Policy;
    const FUNCTION: &'static str = "allow-submission";
    type Answer = SubmissionAnswer;

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<SubmissionAnswer, Unanswered> {
        let policy = prepared.policy()?.instantiate(&mut *store)?;
        let facts = wit::Submission {
            envelope: questions::envelope(&self.reverse_path, &self.forward_path),
            declared_size: self.declared_size,
            queued: self.queued,
            attributes: self.attributes.clone(),
        };
        let guest = policy.toxmail_gateway_policy_decisions();
        match guest.call_allow_submission(store, context, &facts)? {
            wit::SubmissionAnswer::Allow => Ok(SubmissionAnswer::Allow),
            wit::SubmissionAnswer::Refuse(refusal) => {
                Ok(SubmissionAnswer::Refuse(validate::refusal(&refusal, &[4, 5])?))
            }
        }
    }
}

impl Question for FriendRequest {
    const SLOT: Slot = Slot::Policy;
    const FUNCTION: &'static str = "accept-friend";
    type Answer = FriendRequestAnswer;

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<FriendRequestAnswer, Unanswered> {
        let policy = prepared.policy()?.instantiate(&mut *store)?;
        let facts = wit::FriendRequest {
            key: self.key.to_string(),
            message: self.message.clone(),
            written_to: self.written_to,
            attributes: self.attributes.clone(),
        };
        let guest = policy.toxmail_gateway_policy_decisions();
        Ok(match guest.call_accept_friend(store, context, &facts)? {
            wit::FriendRequestAnswer::Accept => FriendRequestAnswer::Accept,
            wit::FriendRequestAnswer::AskUser => FriendRequestAnswer::AskUser,
            wit::FriendRequestAnswer::Ignore => FriendRequestAnswer::Ignore,
        })
    }
}

impl Question for Retry {
    const SLOT: Slot = Slot::Policy;
    const FUNCTION: &'static str = "next-attempt";
    type Answer = RetryAnswer;

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<RetryAnswer, Unanswered> {
        let policy = prepared.policy()?.instantiate(&mut *store)?;
        let facts = wit::Retry {
            attempts: self.attempts,
            age: self.age.as_secs(),
            remaining: self.remaining.as_secs(),
            peer_online: self.peer_online,
            problem: questions::refusal(&self.problem),
            size: self.size,
            attributes: self.attributes.clone(),
        };
        let guest = policy.toxmail_gateway_policy_decisions();
        match guest.call_next_attempt(store, context, &facts)? {
            wit::RetryAnswer::After(seconds) => {
                let wait = Duration::from_secs(seconds).clamp(Duration::from_secs(1), RETRY_LONGEST);
                Ok(RetryAnswer::After(wait))
            }
            wit::RetryAnswer::GiveUp(refusal) => Ok(RetryAnswer::GiveUp(validate::refusal(&refusal, &[5])?)),
        }
    }
}

impl Question for Deposit {
    const SLOT: Slot = Slot::Policy;
    const FUNCTION: &'static str = "allow-deposit";
    type Answer = DepositAnswer;

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<DepositAnswer, Unanswered> {
        let policy = prepared.policy()?.instantiate(&mut *store)?;
        let facts = wit::Deposit {
            admission: self.admission.clone(),
            ttl_days: self.ttl_days,
            cells: self.cells,
            capacity: self.capacity,
            today: self.today,
            attributes: self.attributes.clone(),
        };
        let guest = policy.toxmail_gateway_policy_decisions();
        match guest.call_allow_deposit(store, context, &facts)? {
            wit::DepositAnswer::Allow => Ok(DepositAnswer::Allow),
            wit::DepositAnswer::Refuse(text) => Ok(DepositAnswer::Refuse(validate::reason(&text)?)),
        }
    }
}
