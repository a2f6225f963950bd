//! A resolver that knows contacts by their alias, and the accounts of this gateway.

#[allow(warnings, reason = "generated from wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "resolver" });
}

use bindings::exports::toxmail::gateway::resolver_decisions::*;
use bindings::toxmail::gateway::contacts;

struct Resolver;

impl Guest for Resolver {
    fn resolve(_context: Context, address: String) -> Result<Resolution, ResolveError> {
        let found = |target, source| Resolution { target, source, trust: Trust::Verified, attributes: vec![] };
        if let Some(account) = contacts::account_of(&address) {
            return Ok(found(Target::Account(account), Source::Account));
        }
        let (alias, _domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        match contacts::by_alias(alias) {
            Some(contact) => Ok(found(Target::Key(contact.key), Source::Contact)),
            None => Err(ResolveError::NotFound(format!("no contact is called {alias}"))),
        }
    }
}

bindings::export!(Resolver with_types_in bindings);
