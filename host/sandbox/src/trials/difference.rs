//! Where another component answered otherwise than the live one.

use mail::{AccountName, Wall};
use serde::Serialize;

use crate::failure::Failure;
use crate::limits::DIFFERENCE_BYTES;
use crate::record::DecisionRecord;

/// An answer as JSON, or why there is none.
pub type Outcome = Result<String, Failure>;

/// One question and two answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// For a shadow: counts its differences, from 1. For a replay: the id of the recorded decision.
    pub id: u64,
    /// When the live component was asked.
    pub when: Wall,
    /// The function of the slot's interface.
    pub function: String,
    /// The account that the decision is for.
    pub account: AccountName,
    /// What was asked, as JSON.
    pub facts: String,
    /// What the live component answered.
    pub live: Outcome,
    /// What the other one answered.
    pub other: Outcome,
}

impl Difference {
    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of = |outcome: &Outcome| outcome.as_ref().map_or(400, String::len);
        200 + self.facts.len() + of(&self.live) + of(&self.other)
    }

    /// Long texts are replaced by their beginning.
    pub(crate) fn new(id: u64, record: &DecisionRecord, other: &Outcome) -> Self {
        Self {
            id,
            when: record.when,
            function: record.function.clone(),
            account: record.account.clone(),
            facts: cut(&record.facts),
            live: record.outcome.as_ref().map(|text| cut(text)).map_err(Clone::clone),
            other: other.as_ref().map(|text| cut(text)).map_err(Clone::clone),
        }
    }
}

/// JSON that is too long becomes a JSON text: its beginning.
fn cut(json: &str) -> String {
    if json.len() <= DIFFERENCE_BYTES {
        return json.to_owned();
    }
    let beginning: String = json.chars().take(DIFFERENCE_BYTES / 8).collect();
    serde_json::Value::from(format!("{beginning}... ({} bytes)", json.len())).to_string()
}
