//! What became of mails that left the outbox.

use mail::record;
use mail::{Address, MailId, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// How a mail left the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// The recipient has it.
    Delivered,
    /// It could not be delivered; the sender was told with a bounce.
    Bounced,
    /// Its user took it back.
    Cancelled,
    /// A filter or the user threw it away.
    Discarded,
}

/// A mail that left the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// Its id in the outbox.
    #[schema(value_type = String)]
    pub id: MailId,
    /// MAIL FROM; absent for mails that must not bounce.
    #[schema(value_type = Option<String>)]
    pub sender: Option<Address>,
    /// RCPT TO.
    #[schema(value_type = String)]
    pub recipient: Address,
    /// Size in bytes.
    pub size: u64,
    /// When it was submitted.
    pub created: Timestamp,
    /// When it left.
    pub ended: Timestamp,
    /// Attempts that had failed before.
    pub attempts: u32,
    /// How it left.
    pub outcome: OutcomeKind,
    /// Why it bounced or was thrown away.
    pub reason: Option<String>,
}

impl OutcomeKind {
    /// How an entry left the outbox, and why.
    #[must_use]
    pub fn of(outcome: &record::Outcome) -> (Self, Option<String>) {
        match outcome {
            record::Outcome::Delivered => (Self::Delivered, None),
            record::Outcome::Bounced(refusal) => (Self::Bounced, Some(said(refusal))),
            record::Outcome::Cancelled => (Self::Cancelled, None),
            record::Outcome::Discarded { reason } => (Self::Discarded, Some(reason.clone())),
        }
    }
}

fn said(refusal: &Refusal) -> String {
    format!("{} ({})", refusal.text(), refusal.status)
}
