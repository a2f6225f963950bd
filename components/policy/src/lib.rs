//! The default policy.
//!
//! - Every submission is allowed.
//! - A friend request waits for the user, unless the setting `accept-friends` says otherwise.
//! - A failed attempt is repeated after a time that grows: [`schedule`].
//! - The own drop relay takes cells from token holders while there is room, from strangers up to half.
//!
//! | setting | value |
//! | --- | --- |
//! | `accept-friends` | `ask` (default), `written-to`: who got mail from this account, `everybody` |
//! | `deposits` | who may leave cells on the own drop relay: `everybody` (default), `members`: token holders alone |

mod deposits;
mod friends;
mod schedule;

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "policy" });
}

use bindings::exports::toxmail::gateway::policy_decisions::{
    Context, Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Guest, Retry, RetryAnswer,
    Submission, SubmissionAnswer,
};
use bindings::toxmail::gateway::log::{Level, write};

struct Policy;

impl Guest for Policy {
    fn allow_submission(_context: Context, _submission: Submission) -> SubmissionAnswer {
        SubmissionAnswer::Allow
    }

    fn accept_friend(context: Context, request: FriendRequest) -> FriendRequestAnswer {
        let rule = match friends::Rule::from_settings(&context.settings) {
            Ok(rule) => rule,
            Err(mistake) => {
                write(Level::Warn, &mistake);
                friends::Rule::Ask
            }
        };
        rule.answer(&request)
    }

    fn next_attempt(_context: Context, retry: Retry) -> RetryAnswer {
        RetryAnswer::After(schedule::wait(&retry))
    }

    fn allow_deposit(context: Context, deposit: Deposit) -> DepositAnswer {
        let rule = match deposits::Rule::from_settings(&context.settings) {
            Ok(rule) => rule,
            Err(mistake) => {
                write(Level::Warn, &mistake);
                deposits::Rule::Members
            }
        };
        rule.answer(&deposit)
    }
}

bindings::export!(Policy with_types_in bindings);
