//! Slot `resolver` (wit/resolver.wit): whom an address means.

use serde::{Deserialize, Serialize};

use crate::{AccountName, Address, MailId, PublicKey, ToxId};

/// An address whose owner is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// RCPT TO.
    pub address: Address,
    /// The mail that it is asked for, if any. It is recorded; the component is not told.
    #[serde(rename = "mail-id", default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailId>,
}

/// Whom an address means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// An account of this gateway.
    Account(AccountName),
    /// A full Tox ID.
    ToxId(ToxId),
    /// A key alone.
    Key(PublicKey),
}

/// How the target is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The address contains it.
    Literal,
    /// The address is that of an account of this gateway.
    Account,
    /// The address is that of a contact of the account.
    Contact,
    /// A DNS record names it.
    Dns,
    /// A source of the component's own, with its name for people.
    Other(String),
}

/// How far the target can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Nobody in between could have changed it: a literal, a contact, a signed record.
    Verified,
    /// It is taken on trust.
    FirstUse,
}

/// Who was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Whom the address means.
    pub target: Target,
    /// How the target is known.
    pub source: Source,
    /// How far it can be trusted.
    pub trust: Trust,
    /// Further facts for the user, names and values.
    pub attributes: Vec<(String, String)>,
}

/// The answer of a resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolveAnswer {
    /// Somebody was found.
    Found(Resolution),
    /// Nobody has this address (550), with a text that says what to do.
    NotFound(String),
    /// It cannot be told now (451), with a text that says what to do.
    TryLater(String),
}
