//! What happens in the gateway, as listeners hear it.

use mail::AccountName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Timestamp;

/// Something that happened. Never mail text, never a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number.
    pub id: u64,
    /// When it happened.
    pub time: Timestamp,
    /// The kind of event: lower-case words joined by `-`.
    pub kind: String,
    /// The account it concerns; absent for the whole gateway.
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// What happened, in fields that depend on the kind.
    pub data: Value,
}

/// The type of the note that events were missed. Only this note has a type, and its data is not an
/// [`Event`].
pub const GAP: &str = "gap";

/// The kind of an event whose account was removed. Its data is gone.
pub const FORGOTTEN: &str = "forgotten";
