//! Contacts and those who want to be one.

use std::fmt;
use std::str::FromStr;

use mail::address::InvalidAddress;
use mail::record;
use mail::tox_id::InvalidToxId;
use mail::{AccountName, Address, PublicKey, ToxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// How far two people have got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContactState {
    /// We asked; they have not answered.
    Requested,
    /// Both agreed.
    Confirmed,
}

/// Somebody the account exchanges mail with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// The name the user gave.
    #[schema(value_type = String)]
    pub alias: AccountName,
    /// What to write in a mail program: `alias@tox`.
    pub address: String,
    /// Who it is.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// The full Tox ID where known.
    #[schema(value_type = Option<String>)]
    pub tox_id: Option<ToxId>,
    /// Addresses the contact's own gateway told: claims. Which of them count, `/contacts/{alias}/names` says.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<Address>,
    /// How far it has got.
    pub state: ContactState,
    /// Whether their gateway is connected now.
    pub online: bool,
    /// When it was added.
    pub since: Timestamp,
    /// Drop relays that their gateway said it reads: mail can wait for them there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub relays: Vec<PublicKey>,
}

impl Contact {
    /// What the API says of a stored contact.
    #[must_use]
    pub fn from_record(contact: &record::Contact, online: bool) -> Self {
        Self {
            alias: contact.alias.clone(),
            address: format!("{}@{}", contact.alias, mail::address::TOX_DOMAIN),
            key: contact.key,
            tox_id: contact.tox_id,
            addresses: contact.addresses.clone(),
            state: match contact.state {
                record::ContactState::Requested => ContactState::Requested,
                record::ContactState::Confirmed => ContactState::Confirmed,
            },
            online,
            since: contact.since.into(),
            relays: Vec::new(),
        }
    }
}

/// What a name is worth that a contact's gateway told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// Mails of the contact may come from it, and mail to it leads there: DNS says so, the user confirmed it, or it is a name at `tox`
    /// that nobody else has.
    Counts,
    /// Neither DNS nor the user said so yet, or several contacts claim it.
    Unconfirmed,
    /// It is an address of an account, the name of another contact, or leads to another key.
    Foreign,
}

/// A name that a contact's gateway told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldName {
    /// The name.
    #[schema(value_type = String)]
    pub address: Address,
    /// What it is worth.
    pub claim: Claim,
}

/// The user confirms a name that a contact told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmName {
    /// The name.
    #[schema(value_type = String)]
    pub address: Address,
}

/// A friend request that waits for the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContactRequest {
    /// Who asks.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// What they wrote: text from a stranger.
    pub message: String,
    /// When it came.
    pub received: Timestamp,
}

impl From<&record::FriendRequest> for ContactRequest {
    fn from(request: &record::FriendRequest) -> Self {
        Self { key: request.key, message: request.message.clone(), received: request.received.into() }
    }
}

/// A contact to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    /// The name to give.
    #[schema(value_type = String)]
    pub alias: AccountName,
    /// Where to find them.
    #[schema(value_type = String)]
    pub address: ContactAddress,
    /// What to write in the friend request; the gateway's own words if absent. Bounds: as c-toxcore's
    /// `TOX_MAX_FRIEND_REQUEST_LENGTH`, checked when it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How a contact is named when it is added: a Tox ID, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ContactAddress {
    /// `<76 hex>`, `<76 hex>@tox` or a link `tox:<76 hex>`.
    ToxId(ToxId),
    /// A name in DNS, or anything else the resolver understands.
    Name(Address),
}

/// Why a text names no contact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidContactAddress {
    /// It looks like a Tox ID and is none.
    #[error("{0}")]
    ToxId(#[from] InvalidToxId),
    /// It is no address either.
    #[error("give a Tox ID (76 hex digits) or an address name@domain: {0}")]
    Address(#[from] InvalidAddress),
}

/// A link (`tox:...`, `tox://...`, any query behind it) as what it names; other text as it is.
fn without_scheme(text: &str) -> &str {
    let Some((scheme, rest)) = text.split_once(':') else { return text };
    if !scheme.eq_ignore_ascii_case("tox") {
        return text;
    }
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    rest.split('?').next().unwrap_or(rest).trim_end_matches('/')
}

impl FromStr for ContactAddress {
    type Err = InvalidContactAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bare = without_scheme(text);
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(digits) = mail::tox_id::ungrouped(bare) {
            return Ok(Self::ToxId(digits.parse()?));
        }
        let address: Address = bare.parse()?;
        if address.is_tox() && address.local().len() == 2 * ToxId::BYTES && is_hex(address.local()) {
            return Ok(Self::ToxId(address.local().parse()?));
        }
        Ok(Self::Name(address))
    }
}

impl fmt::Display for ContactAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToxId(id) => write!(formatter, "{id}"),
            Self::Name(address) => write!(formatter, "{address}"),
        }
    }
}

impl TryFrom<String> for ContactAddress {
    type Error = InvalidContactAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContactAddress> for String {
    fn from(address: ContactAddress) -> Self {
        address.to_string()
    }
}

/// How a friend request is accepted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// The name to give; absent for one the gateway picks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub alias: Option<AccountName>,
}
