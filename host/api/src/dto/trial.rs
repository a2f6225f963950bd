//! Components on trial: beside the live one, or against recorded decisions.

use mail::{AccountName, ComponentDigest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ComponentName, ComponentRef, Health, Slot, Timestamp};

/// The component to run beside the live one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginShadow {
    /// The component, by name or SHA-256.
    #[schema(value_type = String)]
    pub component: ComponentRef,
    /// The entry to run beside; needed where the slot has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// A component that gets the same questions as the live one. Its answers are compared and not used.
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
    /// Since when it runs. A restart of the gateway ends it.
    pub since: Timestamp,
    /// Whether its last call was answered.
    pub health: Health,
    /// Why it is no longer asked: it failed too often in a row. Absent while it is asked.
    #[serde(default)]
    pub stopped: Option<String>,
    /// Calls that it got.
    pub calls: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Answers equal to those of the live component.
    pub same: u64,
    /// Answers that differ, failures included.
    pub different: u64,
    /// Calls that it did not get because it was too slow for the traffic.
    pub dropped: u64,
    /// Calls that cannot be compared.
    pub not_compared: u64,
    /// The last reason why a call could not be compared.
    pub not_compared_why: Option<String>,
    /// The newest differences, oldest first, 100 at most. Each new one is an event `shadow-difference`.
    pub differences: Vec<Difference>,
}

/// One question and two answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// For a shadow the number of the difference, counted up; for a replay the id of the recorded
    /// decision.
    pub id: u64,
    /// When the live component was asked.
    pub time: Timestamp,
    /// The function that was called.
    pub function: String,
    /// The account it was asked for.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// What was asked.
    pub facts: Value,
    /// What the live component answered.
    pub live: Answer,
    /// What the component on trial answered.
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

/// What a replay covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayQuery {
    /// The slot whose decisions are replayed.
    pub slot: Slot,
    /// The entry; needed where the slot has several.
    pub entry: Option<String>,
    /// The last days, as a number.
    pub days: u32,
}

/// The result of asking a component what the live ones were asked before.
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
    /// Answers equal to the recorded ones.
    pub same: u64,
    /// Answers that differ, failures included.
    pub different: u64,
    /// The first differences, 1000 at most.
    pub differences: Vec<Difference>,
    /// Decisions that could not be replayed, and why.
    pub not_replayed: Vec<NotReplayed>,
    /// Whether the replay ended before all decisions were asked, because it took too long.
    pub incomplete: bool,
    /// Calls by how long they took in all, in microseconds.
    pub microseconds: u64,
}

/// Decisions that could not be replayed for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotReplayed {
    /// The reason.
    pub why: String,
    /// How many decisions.
    pub decisions: u64,
}
