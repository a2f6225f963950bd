//! Slot `resolver`: its question in the words of wit/resolver.wit, and its answers checked.

use mail::MailId;
use mail::decision::resolver::{Resolution, Resolve, ResolveAnswer, Source, Target, Trust};
use wasmtime::Store;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::bindings::resolver::exports::toxmail::gateway::resolver_decisions as wit;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::limits::ATTRIBUTES;
use crate::questions::validate::{self, Nonsense};
use crate::questions::{Question, Unanswered};
use crate::slot::Slot;

impl Question for Resolve {
    const SLOT: Slot = Slot::Resolver;
    const FUNCTION: &'static str = "resolve";
    type Answer = ResolveAnswer;

    fn mail(&self) -> Option<MailId> {
        self.mail
    }

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
