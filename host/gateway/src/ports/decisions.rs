//! The decisions that components make. What is here is the host's side of the WIT package
//! `toxmail:gateway`; each failure is answered by the core with the rule of the slot.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mail::decision::policy::{
    FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission, SubmissionAnswer,
};
use mail::record::Direction;
use mail::{AccountName, Address, Envelope, MailId, PublicKey, Refusal, ToxId, Wall};

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

/// Where an answer of a resolver comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolutionSource {
    /// The address spells the Tox ID or key itself.
    Literal,
    /// An account of this gateway.
    Account,
    /// A contact of the account.
    Contact,
    /// A DNS record.
    Dns,
    /// The component's own knowledge, named.
    Other(String),
}

/// How far a resolution can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nobody in between could have changed it: a literal, a contact, DNSSEC.
    Verified,
    /// Taken on trust at first use and pinned.
    FirstUse,
}

/// Whom a resolver found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolutionTarget {
    /// An account of this gateway.
    Account(AccountName),
    /// A full Tox ID.
    ToxId(ToxId),
    /// A key alone.
    Key(PublicKey),
}

/// A resolver's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Whom the address means.
    pub target: ResolutionTarget,
    /// How it is known.
    pub source: ResolutionSource,
    /// How far to trust it.
    pub trust: Trust,
}

/// What a resolver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveAnswer {
    /// Found.
    Found(Resolution),
    /// Nobody has this address: 550.
    NotFound(String),
    /// Cannot say now: 451.
    TryLater(String),
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

    /// Slot `resolver`: whom does this address mean? `mail` is the one it is asked for, if any.
    async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        address: &Address,
        mail: Option<MailId>,
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
