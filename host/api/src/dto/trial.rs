//! Components on trial: beside the live one, or against recorded decisions.

use mail::{AccountName, ComponentDigest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ComponentName, ComponentRef, Health, Slot, Timestamp};

/// What shall run beside the live component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginShadow {
    /// By name or SHA-256.
    #[schema(value_type = String)]
    pub component: ComponentRef,
    /// Beside which entry; needed where the slot has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// A component that is asked what the live one is asked; its answers are compared and not used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Shadow {
    /// The slot.
    pub slot: Slot,
    /// The entry it runs beside.
    pub entry: String,
    /// Its name.
    #[schema(value_type = String)]
    pub name: ComponentName,
    /// SHA-256 of its file.
    #[schema(value_type = String)]
    pub sha256: ComponentDigest,
    /// Since when. A restart of the gateway ends it.
    pub since: Timestamp,
    /// Whether its last call was answered.
    pub health: Health,
    /// Why it is not asked any more, if so: it failed too often in a row.
    #[serde(default)]
    pub stopped: Option<String>,
    /// Calls it was asked.
    pub calls: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Answers like the live one's.
    pub same: u64,
    /// Answers that differ, failures included.
    pub different: u64,
    /// Calls it was not asked, because it was too slow for the traffic.
    pub dropped: u64,
    /// Calls that cannot be compared, and the last reason.
    pub not_compared: u64,
    /// The last reason for that.
    pub not_compared_why: Option<String>,
    /// The newest differences, oldest first, 100 at most. Each new one is an event `shadow-difference`.
    pub differences: Vec<Difference>,
}

/// One question and two answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Counts the differences of a shadow; for a replay the id of the recorded decision.
    pub id: u64,
    /// When the live component was asked.
    pub time: Timestamp,
    /// The function that was called.
    pub function: String,
    /// For whom.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// What was asked.
    pub facts: Value,
    /// What the live component answered.
    pub live: Answer,
    /// What the one on trial answered.
    pub other: Answer,
}

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The answer, as the function gives it; absent when it failed.
    pub answer: Option<Value>,
    /// Why there is no answer.
    pub failure: Option<String>,
}

/// What is asked of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayQuery {
    /// Decisions of this slot.
    pub slot: Slot,
    /// Of this entry; needed where the slot has several.
    pub entry: Option<String>,
    /// Of the last days.
    pub days: u32,
}

/// A component asked what the live ones were asked before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    /// The slot.
    pub slot: Slot,
    /// The entry.
    pub entry: String,
    /// SHA-256 of the component's file.
    #[schema(value_type = String)]
    pub sha256: ComponentDigest,
    /// Decisions that were recorded.
    pub decisions: u64,
    /// Answers as recorded.
    pub same: u64,
    /// Answers that differ, failures included.
    pub different: u64,
    /// The first differences, 1000 at most.
    pub differences: Vec<Difference>,
    /// What could not be replayed, and why.
    pub not_replayed: Vec<NotReplayed>,
    /// Whether the replay ended before all decisions were asked, because it took too long.
    pub incomplete: bool,
    /// Calls by how long they took in all, in microseconds.
    pub microseconds: u64,
}

/// Decisions that could not be replayed for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotReplayed {
    /// Why.
    pub why: String,
    /// How many.
    pub decisions: u64,
}
