//! Drop relays: where copies of mails wait for those who are offline.

use mail::PublicKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// A drop relay that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Relay {
    /// Its Tox ID, the same for everybody, and after `/` the mark of its owner where it is known: what to give to others.
    pub address: String,
    /// Its key.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// Whether the owner of this gateway named it; otherwise a contact reads it.
    pub chosen_by_user: bool,
    /// Whether there is an invitation to it.
    pub invited: bool,
    /// Deposits it gave a receipt for.
    pub receipts: u64,
    /// Deposits that failed, and sessions that did not come about.
    pub failures: u64,
    /// When something last failed.
    pub last_failure: Option<Timestamp>,
    /// What failed last.
    pub last_problem: Option<String>,
    /// How full it said it is, in percent.
    pub fill: Option<u8>,
    /// Who sees the address of this machine when the relay is used.
    pub address_hidden: Hiding,
    /// Tokens that pay for deposits there.
    pub tokens: TokenSupply,
    /// What it holds, where this gateway serves it itself.
    pub serving: Option<Board>,
}

/// Tokens that pay for deposits on a relay, those of all accounts together. What is gone is remembered for two to three weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenSupply {
    /// Own ones that may be spent now, on mail to anybody.
    pub own: u64,
    /// Own ones that were fetched lately: they rest for a day first.
    pub own_resting: u64,
    /// Own ones that are gone: spent, or passed on to contacts.
    pub own_gone: u64,
    /// From contacts, each for mail to that contact.
    pub from_contacts: u64,
    /// Of those, spent.
    pub from_contacts_gone: u64,
    /// Passed on to contacts, and not known to be spent by them.
    pub with_contacts: u64,
}

/// Who sees the address of this machine when a relay is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hiding {
    /// Nobody on the Tox network: Tor or another proxy is in between.
    Proxy,
    /// Not the drop relay, but the Tox TCP relays in between.
    Relays,
    /// The drop relay can.
    Visible,
}

/// What the own drop relay holds: counts and bytes, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Whether it is connected to the Tox network.
    pub online: bool,
    /// Cells held.
    pub cells: u64,
    /// Bytes of these cells.
    pub bytes: u64,
    /// Bytes there is room for.
    pub capacity_bytes: u64,
    /// Cells taken today.
    pub today: u32,
    /// Cells taken a day at most.
    pub day_cells: u32,
    /// Sessions now.
    pub sessions: u64,
    /// Invitations given.
    pub invitations: u64,
}

/// Names a relay to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelay {
    /// Its address, as its owner shows it; with `/` and the invitation, and with `/` and the mark of its owner, where there are such.
    pub address: String,
}

/// An invitation to the own drop relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The address of the relay with the invitation. A secret.
    pub address: String,
    /// What the invitation is called, to take it back. Gives nothing away.
    pub name: String,
}

/// An invitation that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationGiven {
    /// What it is called.
    pub name: String,
    /// Tokens it gave this week.
    pub issued: u32,
}
