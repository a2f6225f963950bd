//! Plugs the sandbox into the core's port [`Decisions`]. A mail that ended the process is known at the next start.

mod attempts;
mod capabilities;
mod slots;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use mail::decision::mail_filter::{MailFacts, MessageBytes, Verdict};
use mail::decision::policy::{
    FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission, SubmissionAnswer,
};
use mail::decision::resolver::{Resolve, ResolveAnswer};
use mail::decision::{DecisionFailure, Decisions};
use mail::record::Direction;
use mail::{AccountName, Refusal, Wall};
use sandbox::{CallError, Failure, Sandbox};

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

#[async_trait]
impl Decisions for ComponentDecisions {
    async fn submission(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure> {
        Ok(self.sandbox.allow_submission(account, now, facts).await?)
    }

    async fn friend_request(
        &self,
        account: &AccountName,
        now: Wall,
        facts: FriendRequest,
    ) -> Result<FriendRequestAnswer, DecisionFailure> {
        Ok(self.sandbox.accept_friend(account, now, facts).await?)
    }

    async fn retry(
        &self,
        account: &AccountName,
        now: Wall,
        facts: Retry,
    ) -> Result<RetryAnswer, DecisionFailure> {
        Ok(self.sandbox.next_attempt(account, now, facts).await?)
    }

    async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        question: Resolve,
    ) -> Result<ResolveAnswer, DecisionFailure> {
        Ok(self.sandbox.resolve(account, now, question).await?)
    }

    async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        facts: MailFacts,
        message: Arc<dyn MessageBytes>,
    ) -> Result<Verdict, DecisionFailure> {
        let Some(under_way) = self.begin(account, &facts, &message).await else {
            let direction = facts.direction;
            return deadly(direction, self.sandbox.pass_by_filters(account, now, facts, Failure::Deadly));
        };
        let (sandbox, asker, asked_of) = (Arc::clone(&self.sandbox), account.clone(), facts.clone());
        // A task of its own: if the caller goes away, the filters go on, and so does the mark.
        let asked = supervisor::job("filters", async move {
            let verdict = sandbox.filter(&asker, now, asked_of, message).await;
            drop(under_way);
            verdict
        });
        let verdict = asked.await.unwrap_or_else(|error| {
            // The gateway's own fault, and not one to wait for: the failure rule of the slot applies.
            let failure = Failure::Gateway(error.to_string());
            Err(self.sandbox.pass_by_filters(account, now, facts, failure))
        });
        Ok(verdict?)
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
        facts: &MailFacts,
        message: &Arc<dyn MessageBytes>,
    ) -> Option<Option<UnderWay>> {
        let (of, facts, message) = (account.clone(), facts.clone(), Arc::clone(message));
        let slots = self.sandbox.config();
        // The mail's end may lie in storage.
        let key = supervisor::blocking("filter-mark", move || attempts::key(&of, &facts, &*message, &slots));
        match key.await.unwrap_or_else(|error| Err(mail::Cause::new(error))) {
            Ok(key) => self.attempts.begin(&key).await.map(Some),
            Err(error) => {
                tracing::warn!(%error, "that filters look at a mail could not be written down");
                Some(None)
            }
        }
    }
}

/// What becomes of a mail with which the gateway ended again and again: incoming, the failure rule of the slot; outgoing, a refusal that a
/// mail program does not answer by sending it again.
fn deadly(direction: Direction, error: CallError) -> Result<Verdict, DecisionFailure> {
    tracing::error!(
        ?direction,
        "the gateway ended twice while filters looked at a mail: they are not asked about it"
    );
    match direction {
        Direction::Incoming => Err(error.into()),
        Direction::Outgoing => Ok(Verdict::Reject(Refusal::permanent(
            3,
            0,
            "the gateway ended twice while its filters looked at this mail: send it in another form, or choose another filter",
        ))),
    }
}
