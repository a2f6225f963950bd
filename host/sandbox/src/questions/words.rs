//! The words of a component in a record: texts it chose itself, which may quote the mail it was asked about.

use serde_json::Value;

use crate::record::{CapabilityCall, DecisionRecord};
use crate::trials::difference::Outcome;

/// Where answers have texts of the component: the value of a header field, the text of a refusal, and reasons.
const WORDED: [&str; 7] = ["value", "text", "quarantine", "discard", "refuse", "not-found", "try-later"];

impl DecisionRecord {
    /// The record without the words of the component: log lines go, and so do keys of state; header values, reasons and the details of a
    /// failure become empty.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        self.outcome = without_words(&self.outcome);
        self.log_lines_dropped = self.log_lines_dropped.saturating_add(self.log.len() as u64);
        self.log.clear();
        for call in &mut self.capability_calls {
            if let CapabilityCall::State { key, .. } = call {
                key.clear();
            }
        }
        self.words_left_out = true;
        self
    }
}

/// An outcome without the words of the component.
pub(crate) fn without_words(outcome: &Outcome) -> Outcome {
    match outcome {
        Ok(answer) => Ok(emptied(answer)),
        Err(failure) => Err(failure.clone().without_words()),
    }
}

/// An answer with empty texts. What is not JSON has no part that is known to be harmless.
fn emptied(answer: &str) -> String {
    let Ok(mut value) = serde_json::from_str(answer) else { return "null".to_owned() };
    empty(&mut value);
    value.to_string()
}

fn empty(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(empty),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if WORDED.contains(&name.as_str()) => text.clear(),
                    other => empty(other),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use mail::Refusal;

    use super::*;
    use crate::failure::Failure;
    use crate::record::json;
    use mail::decision::mail_filter::{Header, Verdict};
    use mail::decision::policy::{DepositAnswer, RetryAnswer, SubmissionAnswer};
    use mail::decision::resolver::ResolveAnswer;

    #[test]
    fn no_answer_and_no_failure_keeps_words() {
        let refusal = || Refusal::permanent(7, 1, "secret");
        let header = Header { name: "X-Tag".into(), value: "secret".into() };
        let answers = [
            json(&Verdict::Accept(vec![header])),
            json(&Verdict::Quarantine("secret".into())),
            json(&Verdict::Reject(refusal())),
            json(&Verdict::Discard("secret".into())),
            json(&SubmissionAnswer::Refuse(refusal())),
            json(&RetryAnswer::GiveUp(refusal())),
            json(&DepositAnswer::Refuse("secret".into())),
            json(&ResolveAnswer::NotFound("secret".into())),
            json(&ResolveAnswer::TryLater("secret".into())),
        ];
        for answer in answers {
            let left = without_words(&Ok(answer.clone())).unwrap();
            assert!(answer.contains("secret") && !left.contains("secret"), "{answer}: {left}");
            assert!(left.len() > 10, "what was decided stays: {left}");
        }
        for failure in [Failure::Nonsense("secret".into()), Failure::Unreadable("secret".into())] {
            let left = without_words(&Err(failure.clone())).unwrap_err();
            assert_eq!(left.kind(), failure.kind());
            assert!(!left.to_string().contains("secret"), "{left}");
        }
    }

    #[test]
    fn an_answer_without_words_stays_as_it_is() {
        let answer = json(&RetryAnswer::After(std::time::Duration::from_secs(7)));
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&without_words(&Ok(answer.clone())).unwrap()), value(&answer));
    }
}
