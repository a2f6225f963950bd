//! A filter that scores spam, and learns from what the user does: releases, deletes, "this is spam", "this is not".
//!
//! A naive Bayes classifier: how often each word stood in spam and in other mail, words hashed into [`BUCKETS`]. The counts are one
//! value of the component's state. Until it has seen [`LEARNED`] mails of both kinds it only looks on.
//!
//! | setting | value |
//! | --- | --- |
//! | `quarantine-over` | incoming mail with a higher score is set aside: 0.5 to 1, default 0.95 |
//! | `contacts` | `too`: mail of contacts may be set aside as well |

mod counts;
mod words;

#[allow(warnings, reason = "generated from wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "learning-mail-filter" });
}

use bindings::exports::toxmail::gateway::mail_filter_decisions::{
    Context, Direction, Guest, Header, MailFacts, Message, Verdict,
};
use bindings::exports::toxmail::gateway::mail_filter_feedback::{Guest as Feedback, UserDecision};
use bindings::toxmail::gateway::log::{self, Level};
use bindings::toxmail::gateway::state;
use counts::Counts;

/// The key of the counts.
const COUNTS: &str = "counts";

/// Mails of both kinds to learn from before anything is said.
const LEARNED: u16 = 3;

struct SpamScore;

impl Guest for SpamScore {
    fn filter(context: Context, facts: MailFacts, mail: &Message) -> Verdict {
        if facts.direction == Direction::Outgoing {
            return Verdict::Accept(vec![]);
        }
        let counts = load();
        if counts.fewest() < LEARNED {
            return Verdict::Accept(vec![]);
        }
        let score = counts.score(&words::of(mail));
        if score > threshold(&context) && (!facts.is_contact || contacts_too(&context)) {
            return Verdict::Quarantine(format!("it looks like spam (score {score:.2})"));
        }
        Verdict::Accept(vec![Header { name: "X-Spam-Score".into(), value: format!("{score:.2}") }])
    }
}

impl Feedback for SpamScore {
    fn learn(_context: Context, facts: MailFacts, mail: &Message, decision: UserDecision) {
        if facts.direction == Direction::Outgoing {
            return;
        }
        let is_spam = matches!(decision, UserDecision::Spam | UserDecision::Deleted);
        let mut counts = load();
        counts.add(&words::of(mail), is_spam);
        if let Err(error) = state::set(COUNTS, &counts.to_bytes()) {
            log::write(Level::Warn, &format!("nothing is learned: {error}"));
        }
    }
}

fn load() -> Counts {
    Counts::from_bytes(&state::get(COUNTS).ok().flatten().unwrap_or_default())
}

fn contacts_too(context: &Context) -> bool {
    context.settings.iter().any(|(name, value)| name == "contacts" && value == "too")
}

fn threshold(context: &Context) -> f64 {
    let setting = context.settings.iter().find(|(name, _)| name == "quarantine-over");
    setting
        .and_then(|(_, value)| value.parse().ok())
        .filter(|over| (0.5..=1.0).contains(over))
        .unwrap_or(0.95)
}

bindings::export!(SpamScore with_types_in bindings);
