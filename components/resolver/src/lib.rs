//! The default resolver: whom does an address mean?
//!
//! Asked in this order, the first that knows answers:
//!
//! 1. the accounts of this gateway;
//! 2. the address itself: `<76 hex digits>@tox` is a Tox ID, `<64 hex digits>@tox` the key of a contact;
//! 3. for names at `tox`, the contacts: `alias@tox`, or a name that the contact's own gateway told;
//! 4. for other names, DNS: the TXT record of `user._tox.domain`; and where there is none, or DNS does not answer, the contact that the
//!    name is known to belong to.
//!
//! A subaddress (`user+detail`) means the same as the address without it. `tox.internal` means the same as `tox`, for mail programs that want a dot in a domain. There are no settings.

mod dns_record;
mod lookup;
mod tox_id;

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "resolver" });
}

use bindings::exports::toxmail::gateway::resolver_decisions::{Context, Guest, Resolution, ResolveError};
use bindings::toxmail::gateway::contacts::{self, Contact};
use bindings::toxmail::gateway::dns::{self, DnsError, TxtAnswer};

struct Resolver;

impl Guest for Resolver {
    fn resolve(_context: Context, address: String) -> Result<Resolution, ResolveError> {
        lookup::resolve(&address, &Gateway)
    }
}

/// What the gateway knows.
struct Gateway;

impl lookup::Sources for Gateway {
    fn account_of(&self, address: &str) -> Option<String> {
        contacts::account_of(address)
    }

    fn by_alias(&self, alias: &str) -> Option<Contact> {
        contacts::by_alias(alias)
    }

    fn by_key(&self, key: &str) -> Option<Contact> {
        contacts::by_key(key)
    }

    fn by_address(&self, address: &str) -> Option<Contact> {
        contacts::by_address(address)
    }

    fn lookup_txt(&self, name: &str) -> Result<TxtAnswer, DnsError> {
        dns::lookup_txt(name)
    }
}

bindings::export!(Resolver with_types_in bindings);
