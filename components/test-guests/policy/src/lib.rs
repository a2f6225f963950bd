//! A policy that misbehaves as the settings `do` and `at` say. Without it every submission is refused with a text that names this component.

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

impl mischief::Gateway for Evil {
    fn log(text: &str) {
        write(Level::Info, text);
    }

    fn set(key: &str, value: &[u8]) -> bool {
        state::set(key, value).is_ok()
    }
}

/// What `function` is asked to do, when it has done what all can.
fn wanted<'a>(context: &'a Context, function: &str) -> &'a str {
    let what = mischief::wanted(&context.settings, function);
    mischief::act::<Evil>(what);
    what
}

impl Guest for Evil {
    fn allow_submission(context: Context, _submission: Submission) -> SubmissionAnswer {
        match wanted(&context, "allow-submission") {
            "huge" => refuse("5.7.1", mischief::huge()),
            "nonsense" => refuse("goodbye", "text".into()),
            "wrong-class" => refuse("2.0.0", "text".into()),
            "no-text" => refuse("5.7.1", "  ".into()),
            "log-flood" | "state-flood" | mischief::DUTY => SubmissionAnswer::Allow,
            "fill-state" => fill_state(),
            "count" => refuse("4.7.1", count().to_string()),
            "escape" => escape(),
            _ => refuse("5.7.1", "the evil policy".into()),
        }
    }

    fn accept_friend(context: Context, _request: FriendRequest) -> FriendRequestAnswer {
        match wanted(&context, "accept-friend") {
            "" => FriendRequestAnswer::Ignore,
            _ => FriendRequestAnswer::AskUser,
        }
    }

    fn next_attempt(context: Context, _retry: Retry) -> RetryAnswer {
        let give_up = |status: &str, text| RetryAnswer::GiveUp(Refusal { status: status.into(), text });
        match wanted(&context, "next-attempt") {
            "forever" => RetryAnswer::After(u64::MAX),
            "huge" => give_up("5.4.7", mischief::huge()),
            "nonsense" => give_up("4.4.1", "not final".into()),
            "" => RetryAnswer::After(0),
            _ => RetryAnswer::After(60),
        }
    }

    fn allow_deposit(context: Context, _deposit: Deposit) -> DepositAnswer {
        match wanted(&context, "allow-deposit") {
            "huge" => DepositAnswer::Refuse(mischief::huge()),
            "nonsense" => DepositAnswer::Refuse("  ".into()),
            "" => DepositAnswer::Refuse("the evil policy".into()),
            _ => DepositAnswer::Allow,
        }
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

/// Says and logs what a terminal would obey.
fn escape() -> SubmissionAnswer {
    let text = "\u{1b}[31mred\u{7}\u{9b}2J \u{202e}desrever\r\n";
    write(Level::Warn, text);
    refuse("5.7.1", text.into())
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
