//! A policy. Everything but `next_attempt` is left to the user or to the gateway's own rules.

#[allow(warnings, reason = "generated from wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "policy" });
}

use bindings::exports::toxmail::gateway::policy_decisions::*;

struct Policy;

impl Guest for Policy {
    fn allow_submission(_context: Context, _submission: Submission) -> SubmissionAnswer {
        SubmissionAnswer::Allow
    }

    fn accept_friend(_context: Context, _request: FriendRequest) -> FriendRequestAnswer {
        FriendRequestAnswer::AskUser
    }

    /// Twice as long after each failure: one minute, two, four, at most a day.
    fn next_attempt(_context: Context, retry: Retry) -> RetryAnswer {
        RetryAnswer::After(60 << (retry.attempts.max(1) - 1).min(10))
    }

    fn allow_deposit(_context: Context, deposit: Deposit) -> DepositAnswer {
        if deposit.cells < deposit.capacity {
            DepositAnswer::Allow
        } else {
            DepositAnswer::Refuse("this relay is full".into())
        }
    }
}

bindings::export!(Policy with_types_in bindings);
