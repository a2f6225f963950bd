//! Slot `policy`: its questions in the words of wit/policy.wit, and its answers checked.

use std::time::Duration;

use mail::MailId;
use mail::decision::policy::{
    Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission,
    SubmissionAnswer,
};
use wasmtime::Store;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::bindings::policy::exports::toxmail::gateway::policy_decisions as wit;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::limits::RETRY_LONGEST;
use crate::questions::validate;
use crate::questions::{self, Question, Unanswered};
use crate::slot::Slot;

impl Question for Submission {
    const SLOT: Slot = Slot::Policy;
    const FUNCTION: &'static str = "allow-submission";
    type Answer = SubmissionAnswer;

    fn mail(&self) -> Option<MailId> {
        self.attributes.mail
    }

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
            attributes: self.attributes.to_list(),
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

    fn mail(&self) -> Option<MailId> {
        self.attributes.mail
    }

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
            attributes: self.attributes.to_list(),
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

    fn mail(&self) -> Option<MailId> {
        self.attributes.mail
    }

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
            attributes: self.attributes.to_list(),
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

    fn mail(&self) -> Option<MailId> {
        self.attributes.mail
    }

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
            attributes: self.attributes.to_list(),
        };
        let guest = policy.toxmail_gateway_policy_decisions();
        match guest.call_allow_deposit(store, context, &facts)? {
            wit::DepositAnswer::Allow => Ok(DepositAnswer::Allow),
            wit::DepositAnswer::Refuse(text) => Ok(DepositAnswer::Refuse(validate::reason(&text)?)),
        }
    }
}
