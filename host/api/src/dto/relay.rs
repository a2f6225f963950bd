//! Drop relays: where copies of mails wait for those who are offline.

use mail::PublicKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// A drop relay that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Relay {
    /// The address to give to others: its Tox ID, the same for everybody, and after `/` the mark of
    /// its owner, if known.
    pub address: String,
    /// Its key.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// Whether the owner of this gateway added it; otherwise a contact reads it.
    pub chosen_by_user: bool,
    /// Whether there is an invitation to it.
    pub invited: bool,
    /// Deposits it gave a receipt for.
    pub receipts: u64,
    /// Deposits and sessions that failed.
    pub failures: u64,
    /// When something last failed.
    pub last_failure: Option<Timestamp>,
    /// What failed last.
    pub last_problem: Option<String>,
    /// How full it is by its own account, in percent.
    pub fill: Option<u8>,
    /// Who sees the address of this machine when the drop relay is used.
    pub address_hidden: Hiding,
    /// Tokens that pay for deposits there.
    pub tokens: TokenSupply,
    /// What it holds, if this gateway serves it.
    pub serving: Option<Board>,
}

/// Tokens that pay for deposits on a drop relay, of all accounts together. Tokens that are gone are
/// counted for two to three weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenSupply {
    /// Own tokens that can be spent now, on mail to anybody.
    pub own: u64,
    /// Own tokens that were fetched lately. They rest for a day first.
    pub own_resting: u64,
    /// Own tokens that are gone: spent, or passed on to contacts.
    pub own_gone: u64,
    /// Tokens from contacts, each for mail to that contact.
    pub from_contacts: u64,
    /// Tokens from contacts that are spent.
    pub from_contacts_gone: u64,
    /// Tokens passed on to contacts and not known to be spent by them.
    pub with_contacts: u64,
}

/// Who sees the address of this machine when a drop relay is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hiding {
    /// Nobody on the Tox network; Tor or another proxy is in between.
    Proxy,
    /// Only the Tox TCP relays in between, not the drop relay.
    Relays,
    /// The drop relay can see it.
    Visible,
}

/// What the gateway's own drop relay holds: only counts and bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Whether it is connected to the Tox network.
    pub online: bool,
    /// Cells held.
    pub cells: u64,
    /// Bytes of these cells.
    pub bytes: u64,
    /// Bytes it has room for.
    pub capacity_bytes: u64,
    /// Cells accepted today.
    pub today: u32,
    /// Cells accepted in a day at most.
    pub day_cells: u32,
    /// Open sessions.
    pub sessions: u64,
    /// Invitations given.
    pub invitations: u64,
}

/// A drop relay to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelay {
    /// Its address, as its owner shows it. After `/` comes the invitation and after another `/` the
    /// mark of its owner, if there are such.
    pub address: String,
}

/// An invitation to the gateway's own drop relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The address of the relay with the invitation. A secret.
    pub address: String,
    /// The name of the invitation, for taking it back. The name is not a secret.
    pub name: String,
}

/// An invitation that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationGiven {
    /// Its name.
    pub name: String,
    /// Tokens fetched with it this week.
    pub issued: u32,
}
