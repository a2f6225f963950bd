//! Slot `resolver`: facts and answers. Each mirrors the record or variant of that name in wit/resolver.wit.

use mail::{AccountName, Address, MailId, PublicKey, ToxId};
use serde::{Deserialize, Serialize};
use wasmtime::Store;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::bindings::resolver::exports::toxmail::gateway::resolver_decisions as wit;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::limits::ATTRIBUTES;
use crate::questions::validate::{self, Nonsense};
use crate::questions::{Question, Unanswered};
use crate::slot::Slot;

/// Whom does this address mean?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// RCPT TO.
    pub address: Address,
    /// The mail it is asked for, if any. For the record: the component is not told.
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

/// How it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The address spells it.
    Literal,
    /// An account.
    Account,
    /// A contact.
    Contact,
    /// A DNS record.
    Dns,
    /// The component's own knowledge, named.
    Other(String),
}

/// How far to trust it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Nobody in between could have changed it.
    Verified,
    /// Taken on trust, to be pinned.
    FirstUse,
}

/// Somebody was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Who.
    pub target: Target,
    /// How it is known.
    pub source: Source,
    /// How far to trust it.
    pub trust: Trust,
    /// Further facts for the user, name and value.
    pub attributes: Vec<(String, String)>,
}

/// What a resolver says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolveAnswer {
    /// Found.
    Found(Resolution),
    /// Nobody has this address, and what to do.
    NotFound(String),
    /// It cannot be told now, and what to do.
    TryLater(String),
}

impl Question for Resolve {
    const SLOT: Slot = Slot::Resolver;
    const FUNCTION: &'static str = "resolve";
    type Answer = ResolveAnswer;

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<ResolveAnswer, Unanswered> {
        let resolver = prepared.resolver()?.instantiate(&mut *store)?;
        let guest = resolver.toxmail_gateway_resolver_decisions();
        let most = store.data().output_items(ATTRIBUTES);
        match guest.call_resolve(store, context, &self.address.to_string())? {
            Ok(resolution) => Ok(ResolveAnswer::Found(check(resolution, most)?)),
            Err(wit::ResolveError::NotFound(text)) => Ok(ResolveAnswer::NotFound(validate::reason(&text)?)),
            Err(wit::ResolveError::TryLater(text)) => Ok(ResolveAnswer::TryLater(validate::reason(&text)?)),
        }
    }
}

fn check(resolution: wit::Resolution, most: usize) -> Result<Resolution, Nonsense> {
    Ok(Resolution {
        target: target(&resolution.target)?,
        source: match resolution.source {
            wit::Source::Literal => Source::Literal,
            wit::Source::Account => Source::Account,
            wit::Source::Contact => Source::Contact,
            wit::Source::Dns => Source::Dns,
            wit::Source::Other(name) => Source::Other(validate::reason(&name)?),
        },
        trust: match resolution.trust {
            wit::Trust::Verified => Trust::Verified,
            wit::Trust::FirstUse => Trust::FirstUse,
        },
        attributes: validate::attributes(resolution.attributes, most)?,
    })
}

fn target(target: &wit::Target) -> Result<Target, Nonsense> {
    match target {
        wit::Target::Account(name) => {
            name.parse().map(Target::Account).map_err(|error| Nonsense::new(error.to_string()))
        }
        wit::Target::ToxId(id) => id
            .parse()
            .map(Target::ToxId)
            .map_err(|error| Nonsense::new(format!("`{}` is no Tox ID: {error}", validate::quoted(id)))),
        wit::Target::Key(key) => validate::key(key).map(Target::Key),
    }
}
