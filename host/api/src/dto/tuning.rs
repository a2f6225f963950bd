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
    /// Settings that the component gets with each call, by name. The component defines which names
    /// it knows.
    pub settings: BTreeMap<String, String>,
    /// The limits of a call.
    pub limits: Vec<Limit>,
    /// The policy set of the configuration that sets all this at each start, if there is one.
    /// Change settings and limits there.
    pub policy_set: Option<String>,
}

/// One limit of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    /// Its name, as in a policy set: `call-ms`.
    pub name: String,
    /// What it bounds.
    pub about: String,
    /// The value in effect.
    pub value: u64,
    /// The default.
    pub default: u64,
    /// The smallest that can be set.
    pub least: u64,
    /// The largest that can be set.
    pub most: u64,
}

/// The changes; what is not named stays (as in RFC 7396).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// Settings by name; null removes one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Option<String>>,
    /// Limits by name; null restores the default.
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
    /// Calls of the case that were not made because the time was up.
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
    /// What differs from the case.
    pub unexpected: Option<String>,
    /// How long it took, in microseconds.
    pub microseconds: u64,
    /// Memory at the end, in bytes.
    pub memory_bytes: u64,
    /// What it logged, one line each.
    pub log: Vec<String>,
}
