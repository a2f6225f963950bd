//! What a recipient gateway answers to a mail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::status::Refusal;

/// The recipient gateway's word about a whole mail, given only after its decision is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acknowledgement {
    /// The mail is durably in the recipient's mailbox (or quarantine, which counts as delivered).
    Delivered,
    /// The recipient does not take this mail: the sender gets a bounce with this status and text.
    Refused(Refusal),
    /// Not now (mailbox full, filter failing): try again no earlier than after this time.
    TryLater {
        /// Why, for the sender's outbox page.
        reason: Refusal,
        /// Do not try again before this has passed.
        after: Duration,
    },
}
