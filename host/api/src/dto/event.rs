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
    /// When.
    pub time: Timestamp,
    /// What kind of thing: lower-case words joined by `-`.
    pub kind: String,
    /// Whose; absent for what concerns the whole gateway.
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// The rest, as the kind wants it.
    pub data: Value,
}

/// The type of the note that events were missed: the only one that has a type, and no [`Event`] as data.
pub const GAP: &str = "gap";

/// The kind of an event whose account is removed: it says nothing more.
pub const FORGOTTEN: &str = "forgotten";
