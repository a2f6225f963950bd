//! Slot `relay-selector` (wit/relay-selector.wit): the drop relays on which copies of a mail wait.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Attributes;
use crate::PublicKey;

/// A mail that waits, and the relays that it could wait on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select {
    /// The mail.
    pub mail: WaitingMail,
    /// The relays.
    pub relays: Vec<Relay>,
}

/// A mail that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingMail {
    /// Bytes of the mail.
    pub size: u64,
    /// Cells that it takes on each relay.
    pub cells: u32,
    /// Until the mail is given up.
    pub remaining: Duration,
    /// Whether the recipient is a contact.
    pub recipient_is_contact: bool,
    /// Whether this mail was put on relays before without an acknowledgement.
    pub reposted: bool,
    /// Further facts; none about a mail for acknowledgements, which wait as a mail does.
    pub attributes: Attributes,
}

/// A drop relay that could be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// The relay's key.
    pub key: PublicKey,
    /// Who runs it, where that is known.
    pub owner: Option<String>,
    /// Whether this gateway serves it.
    pub served_here: bool,
    /// Whether the recipient reads it.
    pub read_by_recipient: bool,
    /// Whether the user named it; else contacts did.
    pub chosen_by_user: bool,
    /// Deposits that it gave a receipt for.
    pub receipts: u64,
    /// Deposits that failed.
    pub failures: u64,
    /// Since the last failure.
    pub last_failure: Option<Duration>,
    /// How full it says it is, in percent.
    pub fill: u32,
    /// Tokens at hand.
    pub tokens: u32,
    /// Further facts.
    pub attributes: Attributes,
}

/// The identity under which a deposit is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// A fresh identity that leads to nobody.
    Throwaway,
    /// The account's own; only for a relay that this gateway serves.
    Account,
}

/// One relay that gets a copy of the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// One of the relays of the question.
    pub key: PublicKey,
    /// The identity to deposit under.
    pub identity: Identity,
    /// The deposit happens at a random time within this, at most a day.
    pub within: Duration,
}

/// Where copies of the mail wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The relays, best first, each once; none if the mail waits in the outbox.
    pub choices: Vec<Choice>,
    /// Receipts that are enough: 1 to the number of choices, 0 without any.
    pub enough: u32,
    /// 1, 7, 14 or 21.
    pub ttl_days: u32,
}
