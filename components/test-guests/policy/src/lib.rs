//! A policy that misbehaves as the setting `do` says. Without it every submission is refused with a text that names this component.

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "policy" });
}

use bindings::exports::toxmail::gateway::policy_decisions::{
    Context, Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Guest, Refusal, Retry, RetryAnswer,
    Submission, SubmissionAnswer,
};
use bindings::toxmail::gateway::log::{Level, write};
use bindings::toxmail::gateway::state;

struct Evil;

impl Guest for Evil {
    fn allow_submission(context: Context, _submission: Submission) -> SubmissionAnswer {
        let what = mischief::wanted(&context.settings);
        mischief::act(what);
        match what {
            "huge" => refuse("5.7.1", "x".repeat(40 << 20)),
            "no-status" => refuse("goodbye", "text".into()),
            "wrong-class" => refuse("2.0.0", "text".into()),
            "no-text" => refuse("5.7.1", "  ".into()),
            "log-flood" => {
                for number in 0..5000 {
                    write(Level::Info, &format!("line {number}\r\nand more"));
                }
                SubmissionAnswer::Allow
            }
            "call-loop" => loop {
                write(Level::Debug, "again");
            },
            "state-flood" => fill_state(),
            "count" => refuse("4.7.1", count().to_string()),
            _ => refuse("5.7.1", "the evil policy".into()),
        }
    }

    fn accept_friend(_context: Context, _request: FriendRequest) -> FriendRequestAnswer {
        FriendRequestAnswer::Ignore
    }

    fn next_attempt(context: Context, _retry: Retry) -> RetryAnswer {
        match mischief::wanted(&context.settings) {
            "forever" => RetryAnswer::After(u64::MAX),
            "passing" => RetryAnswer::GiveUp(Refusal { status: "4.4.1".into(), text: "not final".into() }),
            _ => RetryAnswer::After(0),
        }
    }

    fn allow_deposit(_context: Context, _deposit: Deposit) -> DepositAnswer {
        DepositAnswer::Refuse("the evil policy".into())
    }
}

fn refuse(status: &str, text: String) -> SubmissionAnswer {
    SubmissionAnswer::Refuse(Refusal { status: status.into(), text })
}

/// Writes until the quota says no, and tells the number of keys that fitted.
fn fill_state() -> SubmissionAnswer {
    for number in 0.. {
        if let Err(error) = state::set(&format!("key-{number}"), &[0; 10_000]) {
            let text = match error {
                state::StateError::QuotaExceeded(quota) => format!("{number} keys, quota {quota}"),
                other => format!("{other:?}"),
            };
            return refuse("5.7.1", text);
        }
    }
    SubmissionAnswer::Allow
}

/// Counts its own calls in the state, and in memory, which begins anew each time.
fn count() -> u8 {
    use std::sync::atomic::{AtomicU8, Ordering};
    static CALLS: AtomicU8 = AtomicU8::new(0);
    let in_memory = CALLS.fetch_add(1, Ordering::Relaxed);
    let before = match state::get("count") {
        Ok(Some(value)) => value.first().copied().unwrap_or(0),
        _ => 0,
    };
    let now = before + 1 + in_memory;
    let _ = state::set("count", &[now]);
    now
}

bindings::export!(Evil with_types_in bindings);
