//! The decisions that components make. What is here is the host's side of the WIT package
//! `toxmail:gateway`; each failure is answered by the core with the rule of the slot.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mail::decision::policy::{
    FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission, SubmissionAnswer,
};
use mail::decision::resolver::{Resolve, ResolveAnswer};
use mail::record::Direction;
use mail::{AccountName, Envelope, MailId, PublicKey, Refusal, Wall};

/// A component gave no usable answer: it trapped, ran too long, asked for too much, or answered nonsense; or it was not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DecisionFailure {
    /// One line for the log and the dashboard.
    pub reason: String,
    /// Whether no component was asked, since none had a free place or the gateway stops: asking later helps, and nothing is wrong with
    /// the component.
    pub is_busy: bool,
}

/// What filters know of a mail beside its bytes.
#[derive(Clone, Debug)]
pub struct FilterFacts {
    /// The mail: of an incoming one the id its sender gave it.
    pub id: MailId,
    /// Which way it goes.
    pub direction: Direction,
    /// The envelope.
    pub envelope: Envelope,
    /// The other side's key.
    pub peer: Option<PublicKey>,
    /// Whether the other side is a contact.
    pub is_contact: bool,
    /// Whether `From` fits the sender's key (incoming).
    pub from_verified: bool,
    /// Bytes.
    pub size: u64,
}

/// A mail's bytes, read by range from a component's own thread.
pub trait MessageBytes: Send + Sync {
    /// All bytes.
    fn size(&self) -> u64;
    /// Bytes from `offset`, at most `max`; empty at the end. Blocks.
    fn read(&self, offset: u64, max: usize) -> Result<Bytes, String>;
}

/// What the chain of filters says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterAnswer {
    /// Deliver, with these headers put before it (name, value), already checked for form.
    Accept(Vec<(String, String)>),
    /// Set aside for the user.
    Quarantine(String),
    /// Tell the sender no.
    Reject(Refusal),
    /// Throw away, recorded with this reason.
    Discard(String),
}

/// All decisions, each for one account and at one time.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Slot `policy`: may this be submitted?
    async fn submission(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure>;

    /// Slot `policy`: accept this friend request?
    async fn friend_request(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FriendRequest,
    ) -> Result<FriendRequestAnswer, DecisionFailure>;

    /// Slot `policy`: when to try again?
    async fn retry(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Retry,
    ) -> Result<RetryAnswer, DecisionFailure>;

    /// Slot `resolver`: whom does this address mean?
    async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        question: Resolve,
    ) -> Result<ResolveAnswer, DecisionFailure>;

    /// Slot `mail-filter`: the chain.
    async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FilterFacts,
        message: Arc<dyn MessageBytes>,
    ) -> Result<FilterAnswer, DecisionFailure>;

    /// What the policy set says of incoming mail when the filter fails: true quarantines it, false delivers it
    /// marked unfiltered.
    fn quarantine_unfiltered(&self) -> bool;
}
