//! Plugs the sandbox into the core's port [`Decisions`]: the core's questions in the sandbox's words, and back.

mod attempts;
mod capabilities;
mod slots;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::ports::Decisions;
use gateway::ports::decisions::{DecisionFailure, FilterAnswer, FilterFacts, MessageBytes};
use mail::decision::policy::{
    FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission, SubmissionAnswer,
};
use mail::decision::resolver::{Resolve, ResolveAnswer};
use mail::record::Direction;
use mail::{AccountName, MailId, Refusal, Wall};
use sandbox::capabilities::MessageSource;
use sandbox::{CallError, Sandbox, mail_filter};

use attempts::UnderWay;

pub use attempts::Attempts;
pub use capabilities::{GatewayContacts, GatewayDns, StoredDecisions, StoredState};
pub use slots::{SlotsError, StoredSlots, adopt_state, configuration, first_entry, with_policy_set};

/// The components, as the core sees them.
pub struct ComponentDecisions {
    /// The components.
    pub sandbox: Arc<Sandbox>,
    /// What the policy set says of incoming mail while the filter fails.
    pub quarantine_unfiltered: Arc<AtomicBool>,
    /// Marks of mails that filters look at.
    pub attempts: Arc<Attempts>,
}

/// The attribute that ties a decision to its mail.
pub fn mail_id(id: MailId) -> (String, String) {
    (capabilities::MAIL_ID.to_owned(), id.to_string())
}

fn failed(error: CallError) -> DecisionFailure {
    DecisionFailure { reason: error.to_string(), is_busy: error.failure.is_busy() }
}

#[async_trait]
impl Decisions for ComponentDecisions {
    async fn submission(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure> {
        self.sandbox.allow_submission(account, now, facts).await.map_err(failed)
    }

    async fn friend_request(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FriendRequest,
    ) -> Result<FriendRequestAnswer, DecisionFailure> {
        self.sandbox.accept_friend(account, now, facts).await.map_err(failed)
    }

    async fn retry(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Retry,
    ) -> Result<RetryAnswer, DecisionFailure> {
        self.sandbox.next_attempt(account, now, facts).await.map_err(failed)
    }

    async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        question: Resolve,
    ) -> Result<ResolveAnswer, DecisionFailure> {
        self.sandbox.resolve(account, now, question).await.map_err(failed)
    }

    async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FilterFacts,
        message: Arc<dyn MessageBytes>,
    ) -> Result<FilterAnswer, DecisionFailure> {
        let under_way = self.begin(account, &facts, &message).await;
        let direction = facts.direction;
        let question = mail_filter::MailFacts {
            direction: facts.direction,
            envelope: facts.envelope,
            peer: facts.peer,
            is_contact: facts.is_contact,
            from_verified: facts.from_verified,
            attributes: vec![("size".to_owned(), facts.size.to_string()), mail_id(facts.id)],
        };
        let Some(under_way) = under_way else {
            return deadly(direction, self.sandbox.pass_by_filters(account, now, question));
        };
        let source = Arc::new(Source(message));
        let (sandbox, account) = (Arc::clone(&self.sandbox), account.clone());
        // A task of its own: if the caller goes away, the filters go on, and so does the mark.
        let asked = supervisor::job("filters", async move {
            let verdict = sandbox.filter(&account, now, question, source).await;
            drop(under_way);
            verdict
        });
        let verdict =
            asked.await.map_err(|error| DecisionFailure { reason: error.to_string(), is_busy: true })?;
        match verdict.map_err(failed)? {
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

impl ComponentDecisions {
    /// Marks that filters look at a mail; none if they ended the process too often with it.
    async fn begin(
        &self,
        account: &AccountName,
        facts: &FilterFacts,
        message: &Arc<dyn MessageBytes>,
    ) -> Option<Option<UnderWay>> {
        let (of, facts, message) = (account.clone(), facts.clone(), Arc::clone(message));
        let slots = self.sandbox.config();
        // The mail's end may lie in storage.
        let key = supervisor::blocking("filter-mark", move || attempts::key(&of, &facts, &*message, &slots));
        match key.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(key) => self.attempts.begin(&key).await.map(Some),
            Err(error) => {
                tracing::warn!(error, "that filters look at a mail could not be written down");
                Some(None)
            }
        }
    }
}

/// What becomes of a mail with which the gateway ended again and again: incoming, the failure rule of the slot; outgoing, a refusal that a
/// mail program does not answer by sending it again.
fn deadly(direction: Direction, error: CallError) -> Result<FilterAnswer, DecisionFailure> {
    tracing::error!(
        ?direction,
        "the gateway ended twice while filters looked at a mail: they are not asked about it"
    );
    match direction {
        Direction::Incoming => Err(failed(error)),
        Direction::Outgoing => Ok(FilterAnswer::Reject(Refusal::permanent(
            3,
            0,
            "the gateway ended twice while its filters looked at this mail: send it in another form, or choose another filter",
        ))),
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
