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

/// The state of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContactState {
    /// The account asked; they have not answered.
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
    /// Their Tox key.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// The full Tox ID, if known.
    #[schema(value_type = Option<String>)]
    pub tox_id: Option<ToxId>,
    /// Addresses that the contact's own gateway claims. `/contacts/{alias}/names` says which of
    /// them count.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<Address>,
    /// Whether they have answered.
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

/// What a name is worth that a contact's gateway claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// Mails of the contact may come from it, and mail to it leads there: DNS says so, the user confirmed it, or it is a name at `tox`
    /// that nobody else has.
    Counts,
    /// Neither DNS nor the user has said so yet, or several contacts claim it.
    Unconfirmed,
    /// It is an address of an account, the name of another contact, or leads to another key.
    Foreign,
}

/// A name that a contact's gateway claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldName {
    /// The name.
    #[schema(value_type = String)]
    pub address: Address,
    /// What it is worth.
    pub claim: Claim,
}

/// A name that the user confirms for a contact.
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
    /// The Tox key of the person who asks.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// Their message: text from a stranger.
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
    /// The name to give the contact.
    #[schema(value_type = String)]
    pub alias: AccountName,
    /// A Tox ID or an address of theirs.
    #[schema(value_type = String)]
    pub address: ContactAddress,
    /// The text of the friend request; the gateway's own words if absent. Its bound is c-toxcore's
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

/// Why a text does not name a contact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidContactAddress {
    /// It looks like a Tox ID and is not one.
    #[error("{0}")]
    ToxId(#[from] InvalidToxId),
    /// It is not an address either.
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

/// Another name for a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlias {
    /// The name, which no other contact and no account has.
    #[schema(value_type = String)]
    pub alias: AccountName,
}

/// How a friend request is accepted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// The name to give the contact; if absent, the gateway picks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub alias: Option<AccountName>,
}
