//! Settings and limits of a component in its slot, and what it answers on the test bench.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Slot;

/// Settings and limits of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tuned {
    /// The slot.
    pub slot: Slot,
    /// The entry of the policy set.
    pub entry: String,
    /// What the component is told with each call, by name. Which names mean something is the component's.
    pub settings: BTreeMap<String, String>,
    /// What it may use.
    pub limits: Vec<Limit>,
    /// The policy set of the configuration that says all this at each start, if one does: it is changed there.
    pub policy_set: Option<String>,
}

/// One limit of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    /// Its name, as in a policy set: `call-ms`.
    pub name: String,
    /// What it bounds.
    pub about: String,
    /// What holds.
    pub value: u64,
    /// What holds where nothing is said.
    pub default: u64,
    /// The smallest that can be set.
    pub least: u64,
    /// The largest that can be set.
    pub most: u64,
}

/// What shall be otherwise; what is not named stays (as in RFC 7396).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// Settings by name; null takes one away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Option<String>>,
    /// Limits by name; null is the default again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Option<u64>>,
}

/// What a component answered on the test bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tested {
    /// What the case is about.
    pub case: String,
    /// Whether everything is as expected.
    pub as_expected: bool,
    /// Calls of the case that were not asked, because the time was up.
    pub not_asked: u64,
    /// The calls, in order.
    pub calls: Vec<TestedCall>,
}

/// One call on the test bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestedCall {
    /// The function that was called.
    pub function: String,
    /// What it answered; absent when it failed.
    pub answer: Option<Value>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// What is not as the case says.
    pub unexpected: Option<String>,
    /// How long it took, in microseconds.
    pub microseconds: u64,
    /// Memory at the end, in bytes.
    pub memory_bytes: u64,
    /// What it logged, one line each.
    pub log: Vec<String>,
}
