//! What components decided, and why.

use std::str::FromStr;

use mail::{AccountName, ComponentDigest, MailId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Slot, Timestamp};
use crate::limits::SEARCH_BYTES;

/// One call of a component, as it was recorded. The gateway puts no mail text into it. Texts in `answer`, `failure` and `log` and the
/// keys of state in `calls` are the component's own words: they may quote the mail, and are kept unless the configuration says
/// `components.keep_words = false`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Its number: increasing, never used again.
    pub id: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The slot that decided.
    pub slot: Slot,
    /// The account it was decided for.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// The entry of the policy set.
    pub entry: String,
    /// The function that was called, `next-attempt` for instance.
    pub function: String,
    /// SHA-256 of the component that answered.
    #[schema(value_type = String)]
    pub component: ComponentDigest,
    /// What the component was told: the arguments of the function.
    pub facts: Value,
    /// What the component answered; absent if it failed. Header values, reasons and texts of
    /// refusals in it are the component's own words.
    pub answer: Option<Value>,
    /// Why there is no answer: the kind of failure, followed by the component's own words, if any.
    pub failure: Option<String>,
    /// What the component asked the gateway during the call, and what the gateway answered.
    pub calls: Vec<Value>,
    /// How many questions to the gateway are not in `calls`. They were answered, but the record had
    /// no room.
    pub calls_dropped: u64,
    /// What the component logged, one line each: its own words.
    pub log: Vec<String>,
    /// How many lines it logged that are not kept: beyond its limits, or left out.
    pub log_lines_dropped: u64,
    /// Whether the component's own words were left out when it was recorded.
    #[serde(default)]
    pub words_left_out: bool,
    /// Whether parts are missing because the record was too large. `facts` or `answer` is then a
    /// text, the beginning of the whole, and `calls_dropped` and `log_lines_dropped` count what is
    /// missing.
    #[serde(default)]
    pub cut: bool,
    /// How long the call took, in microseconds.
    pub microseconds: u64,
}

/// What decisions are searched for: 1 to [`SEARCH_BYTES`] bytes on one line. ASCII letters match in either case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchText(String);

/// Why a text cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("search for 1 to 200 bytes of text on one line")]
pub struct InvalidSearchText;

impl SearchText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SearchText {
    type Err = InvalidSearchText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_valid = (1..=SEARCH_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidSearchText) }
    }
}

impl TryFrom<String> for SearchText {
    type Error = InvalidSearchText;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SearchText> for String {
    fn from(text: SearchText) -> Self {
        text.0
    }
}

/// The wanted decisions: those that match every given field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionQuery {
    /// Only of this slot.
    pub slot: Option<Slot>,
    /// Only about this mail.
    pub mail: Option<MailId>,
    /// Only for this account.
    pub account: Option<AccountName>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded at this time or earlier.
    pub until: Option<Timestamp>,
    /// With this text in what the component was told, answered or logged.
    pub text: Option<SearchText>,
}
