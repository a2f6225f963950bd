//! The port through which the core asks.

use std::sync::Arc;

use async_trait::async_trait;

use super::mail_filter::{MailFacts, MessageBytes, Verdict};
use super::policy::{FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission, SubmissionAnswer};
use super::resolver::{Resolve, ResolveAnswer};
use crate::{AccountName, Wall};

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

/// The decisions that the core asks for, each for one account and at one time. An error means that the failure rule of the slot
/// applies.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Slot `policy`: may this be submitted?
    async fn submission(
        &self,
        account: &AccountName,
        now: Wall,
        question: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure>;

    /// Slot `policy`: what happens to this friend request?
    async fn friend_request(
        &self,
        account: &AccountName,
        now: Wall,
        question: FriendRequest,
    ) -> Result<FriendRequestAnswer, DecisionFailure>;

    /// Slot `policy`: when is this tried again?
    async fn retry(
        &self,
        account: &AccountName,
        now: Wall,
        question: Retry,
    ) -> Result<RetryAnswer, DecisionFailure>;

    /// Slot `resolver`: whom does this address mean?
    async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        question: Resolve,
    ) -> Result<ResolveAnswer, DecisionFailure>;

    /// Slot `mail-filter`: what does the chain say?
    async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        question: MailFacts,
        message: Arc<dyn MessageBytes>,
    ) -> Result<Verdict, DecisionFailure>;

    /// What the policy set says of incoming mail when the filter fails: true quarantines it, false delivers it
    /// marked unfiltered.
    fn quarantine_unfiltered(&self) -> bool;
}
