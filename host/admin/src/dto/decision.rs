//! What components decided, and why.

use mail::{AccountName, ComponentDigest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Slot, Timestamp};

/// One call of a component, as it was recorded. Never mail text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Its number: increasing, never used again.
    pub id: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The slot that decided.
    pub slot: Slot,
    /// For whom.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// The entry of the policy set.
    pub entry: String,
    /// The function that was called, `next-attempt` for instance.
    pub function: String,
    /// SHA-256 of the component that answered.
    #[schema(value_type = String)]
    pub component: ComponentDigest,
    /// What it was told, as the function wants it.
    pub facts: Value,
    /// What it answered; absent when it failed.
    pub answer: Option<Value>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// What it asked the gateway on the way, and what the gateway said.
    pub calls: Vec<Value>,
    /// What it logged, one line each.
    pub log: Vec<String>,
    /// How long it took, in microseconds.
    pub microseconds: u64,
}

/// Which decisions are wanted: all that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionQuery {
    /// Of this slot.
    pub slot: Option<Slot>,
    /// For this account.
    pub account: Option<AccountName>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
}
