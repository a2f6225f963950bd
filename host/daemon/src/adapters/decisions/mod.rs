//! Plugs the sandbox into the core's port [`Decisions`]: the core's questions in the sandbox's words, and back.

mod capabilities;
mod slots;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::ports::Decisions;
use gateway::ports::decisions::{
    DecisionFailure, FilterAnswer, FilterFacts, FriendRequestAnswer, FriendRequestFacts, MessageBytes,
    Resolution, ResolutionSource, ResolutionTarget, ResolveAnswer, Retry, RetryAnswer, Submission,
    SubmissionAnswer, Trust,
};
use mail::{AccountName, Address, MailId, Wall};
use sandbox::capabilities::MessageSource;
use sandbox::{CallError, Sandbox, mail_filter, policy, resolver};

pub use capabilities::{GatewayContacts, GatewayDns, StoredDecisions, StoredState};
pub use slots::{SlotsError, StoredSlots, configuration, first_entry, with_policy_set};

/// The components, as the core sees them.
pub struct ComponentDecisions {
    /// The components.
    pub sandbox: Arc<Sandbox>,
    /// What the policy set says of incoming mail while the filter fails.
    pub quarantine_unfiltered: Arc<AtomicBool>,
}

/// The attribute that ties a decision to its mail.
pub fn mail_id(id: MailId) -> (String, String) {
    (capabilities::MAIL_ID.to_owned(), id.to_string())
}

fn failed(error: CallError) -> DecisionFailure {
    DecisionFailure { reason: error.to_string() }
}

#[async_trait]
impl Decisions for ComponentDecisions {
    async fn submission(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure> {
        let question = policy::Submission {
            reverse_path: facts.reverse_path,
            forward_path: facts.recipient,
            declared_size: facts.declared_size,
            queued: facts.queued,
            attributes: vec![mail_id(facts.id)],
        };
        match self.sandbox.allow_submission(account, now, question).await.map_err(failed)? {
            policy::SubmissionAnswer::Allow => Ok(SubmissionAnswer::Allow),
            policy::SubmissionAnswer::Refuse(refusal) => Ok(SubmissionAnswer::Refuse(refusal)),
        }
    }

    async fn friend_request(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FriendRequestFacts,
    ) -> Result<FriendRequestAnswer, DecisionFailure> {
        let question = policy::FriendRequest {
            key: facts.key,
            message: facts.message,
            written_to: facts.written_to,
            attributes: Vec::new(),
        };
        match self.sandbox.accept_friend(account, now, question).await.map_err(failed)? {
            policy::FriendRequestAnswer::Accept => Ok(FriendRequestAnswer::Accept),
            policy::FriendRequestAnswer::AskUser => Ok(FriendRequestAnswer::AskUser),
            policy::FriendRequestAnswer::Ignore => Ok(FriendRequestAnswer::Ignore),
        }
    }

    async fn retry(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Retry,
    ) -> Result<RetryAnswer, DecisionFailure> {
        let question = policy::Retry {
            attempts: facts.attempts,
            age: facts.age,
            remaining: facts.remaining,
            peer_online: facts.peer_online,
            problem: facts.problem,
            size: facts.size,
            attributes: vec![mail_id(facts.id)],
        };
        match self.sandbox.next_attempt(account, now, question).await.map_err(failed)? {
            policy::RetryAnswer::After(wait) => Ok(RetryAnswer::After(wait)),
            policy::RetryAnswer::GiveUp(refusal) => Ok(RetryAnswer::GiveUp(refusal)),
        }
    }

    async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        address: &Address,
        mail: Option<MailId>,
    ) -> Result<ResolveAnswer, DecisionFailure> {
        let question = resolver::Resolve { address: address.clone(), mail };
        match self.sandbox.resolve(account, now, question).await.map_err(failed)? {
            resolver::ResolveAnswer::Found(found) => Ok(ResolveAnswer::Found(resolution(found))),
            resolver::ResolveAnswer::NotFound(text) => Ok(ResolveAnswer::NotFound(text)),
            resolver::ResolveAnswer::TryLater(text) => Ok(ResolveAnswer::TryLater(text)),
        }
    }

    async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FilterFacts,
        message: Arc<dyn MessageBytes>,
    ) -> Result<FilterAnswer, DecisionFailure> {
        let question = mail_filter::MailFacts {
            direction: facts.direction,
            envelope: facts.envelope,
            peer: facts.peer,
            is_contact: facts.is_contact,
            from_verified: facts.from_verified,
            attributes: vec![("size".to_owned(), facts.size.to_string()), mail_id(facts.id)],
        };
        let source = Arc::new(Source(message));
        match self.sandbox.filter(account, now, question, source).await.map_err(failed)? {
            mail_filter::Verdict::Accept(headers) => {
                Ok(FilterAnswer::Accept(headers.into_iter().map(|field| (field.name, field.value)).collect()))
            }
            mail_filter::Verdict::Quarantine(reason) => Ok(FilterAnswer::Quarantine(reason)),
            mail_filter::Verdict::Reject(refusal) => Ok(FilterAnswer::Reject(refusal)),
            mail_filter::Verdict::Discard(reason) => Ok(FilterAnswer::Discard(reason)),
        }
    }

    fn quarantine_unfiltered(&self) -> bool {
        self.quarantine_unfiltered.load(Ordering::Relaxed)
    }
}

fn resolution(found: resolver::Resolution) -> Resolution {
    Resolution {
        target: match found.target {
            resolver::Target::Account(name) => ResolutionTarget::Account(name),
            resolver::Target::ToxId(id) => ResolutionTarget::ToxId(id),
            resolver::Target::Key(key) => ResolutionTarget::Key(key),
        },
        source: match found.source {
            resolver::Source::Literal => ResolutionSource::Literal,
            resolver::Source::Account => ResolutionSource::Account,
            resolver::Source::Contact => ResolutionSource::Contact,
            resolver::Source::Dns => ResolutionSource::Dns,
            resolver::Source::Other(name) => ResolutionSource::Other(name),
        },
        trust: match found.trust {
            resolver::Trust::Verified => Trust::Verified,
            resolver::Trust::FirstUse => Trust::FirstUse,
        },
    }
}

/// A mail's bytes, handed from the core to the sandbox.
struct Source(Arc<dyn MessageBytes>);

impl MessageSource for Source {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read(&self, offset: u64, max: usize) -> Result<Bytes, String> {
        self.0.read(offset, max)
    }
}
