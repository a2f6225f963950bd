//! The order in which an address is looked for, and what is said when nobody has it.

use crate::bindings::exports::toxmail::gateway::resolver_decisions::{
    Resolution, ResolveError, Source, Target, Trust,
};
use crate::bindings::toxmail::gateway::contacts::Contact;
use crate::bindings::toxmail::gateway::dns::{DnsError, Dnssec, TxtAnswer};
use crate::dns_record::{self, Found};
use crate::tox_id;

/// Where addresses are looked for; the gateway, or a table in a test.
pub trait Sources {
    /// The account of this gateway that has the address.
    fn account_of(&self, address: &str) -> Option<String>;
    /// The contact with this alias.
    fn by_alias(&self, alias: &str) -> Option<Contact>;
    /// The contact with this key.
    fn by_key(&self, key: &str) -> Option<Contact>;
    /// The contact that told this address.
    fn by_address(&self, address: &str) -> Option<Contact>;
    /// TXT records in DNS.
    fn lookup_txt(&self, name: &str) -> Result<TxtAnswer, DnsError>;
}

type Answer = Result<Resolution, ResolveError>;

/// Whom `address` means.
pub fn resolve(address: &str, sources: &impl Sources) -> Answer {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return not_found(format!("`{address}` is not a mail address: write name@domain"));
    };
    if let Some(name) = sources.account_of(address) {
        return found(Target::Account(name), Source::Account, Trust::Verified);
    }
    let domain = domain.to_ascii_lowercase();
    match domain.as_str() {
        "tox" | "tox.internal" => at_tox(local, sources),
        _ => at_domain(address, local, &domain, sources),
    }
}

/// `local@tox`: a Tox ID, a key, a contact's alias, or a name that a contact's gateway told. With a subaddress it is the same.
fn at_tox(local: &str, sources: &impl Sources) -> Answer {
    let local = without_detail(local);
    if let Some(contact) = sources.by_alias(&local.to_lowercase()) {
        return found_contact(contact);
    }
    let digits = local.to_ascii_uppercase();
    match local.len() {
        tox_id::ID_DIGITS if tox_id::is_valid(local) => {
            found(Target::ToxId(digits), Source::Literal, Trust::Verified)
        }
        tox_id::ID_DIGITS if tox_id::is_hex(local) => not_found(
            "the checksum of this Tox ID is wrong: a digit was mistyped or lost; copy it again".into(),
        ),
        tox_id::KEY_DIGITS if tox_id::is_hex(local) => key(&digits, sources),
        32.. if tox_id::is_hex(local) => {
            not_found(format!("a Tox ID has 76 hex digits, this one {}: copy all of it", local.len()))
        }
        _ => match sources.by_address(&format!("{local}@tox")) {
            Some(contact) => found_contact(contact),
            None => not_found(format!(
                "there is no contact `{local}`: add it with `toxmail contact add {local} TOX-ID`, or write to the \
                 76 digits of the Tox ID, followed by @tox"
            )),
        },
    }
}

/// A key alone reaches contacts: a first letter needs the nospam of the full Tox ID.
fn key(key: &str, sources: &impl Sources) -> Answer {
    match sources.by_key(key) {
        Some(contact) => found(Target::Key(contact.key), Source::Contact, Trust::Verified),
        None => not_found(
            "64 digits are a key alone, which is enough for contacts only: use the full Tox ID of 76 digits"
                .into(),
        ),
    }
}

/// An address with a domain of its own: what DNS says. Where DNS says nothing, it is the contact's whose name it is: DNS said so before,
/// or the user confirmed it.
fn at_domain(address: &str, local: &str, domain: &str, sources: &impl Sources) -> Answer {
    let local = without_detail(local).to_lowercase();
    let answer = sources.lookup_txt(&format!("{local}._tox.{domain}"));
    let says_something =
        answer.as_ref().is_ok_and(|answer| dns_record::read(&answer.records) != Found::Nothing);
    if !says_something && let Some(contact) = sources.by_address(address) {
        return found_contact(contact);
    }
    match answer {
        Ok(answer) => from_records(address, &answer),
        Err(DnsError::NoRecord) => not_found(format!(
            "{address} has no Tox record in DNS: this gateway reaches Tox users only; ask for the Tox ID and write \
             to it followed by @tox"
        )),
        Err(DnsError::InvalidName) => not_found(format!(
            "{address} cannot be looked up in DNS: check its spelling, or write to the Tox ID followed by @tox"
        )),
        Err(DnsError::Unavailable(why)) => try_later(format!(
            "DNS does not answer for {domain} ({why}): check the network, or try again later"
        )),
        Err(DnsError::Bogus) => try_later(format!(
            "the DNS answer for {domain} fails DNSSEC and may be forged: try another network, or use the Tox ID"
        )),
        Err(DnsError::TooMany) => try_later("the resolver asked DNS too often: try again later".into()),
    }
}

fn from_records(address: &str, answer: &TxtAnswer) -> Answer {
    let trust = match answer.dnssec {
        Dnssec::Secure => Trust::Verified,
        Dnssec::Insecure => Trust::FirstUse,
    };
    match dns_record::read(&answer.records) {
        Found::ToxId(id) => found(Target::ToxId(id), Source::Dns, trust),
        Found::Wrong(why) => not_found(format!(
            "the DNS record of {address} cannot be used, it {why}: it should be `v=tox1;id=` and 76 digits. Tell its owner, or ask for \
             the Tox ID and write to it followed by @tox"
        )),
        Found::OtherVersion => not_found(format!(
            "the DNS record of {address} is of a version that is not safe to use (tox2, tox3): ask for the Tox ID"
        )),
        Found::Nothing => not_found(format!(
            "{address} has no Tox record in DNS: ask for the Tox ID and write to it followed by @tox"
        )),
    }
}

/// A local part without its subaddress (RFC 5233): `user+detail` is `user`.
fn without_detail(local: &str) -> &str {
    match local.split_once('+') {
        Some((user, _)) if !user.is_empty() => user,
        _ => local,
    }
}

fn found_contact(contact: Contact) -> Answer {
    let target = contact.tox_id.map_or(Target::Key(contact.key), Target::ToxId);
    found(target, Source::Contact, Trust::Verified)
}

fn found(target: Target, source: Source, trust: Trust) -> Answer {
    Ok(Resolution { target, source, trust, attributes: Vec::new() })
}

fn not_found(text: String) -> Answer {
    Err(ResolveError::NotFound(text))
}

fn try_later(text: String) -> Answer {
    Err(ResolveError::TryLater(text))
}

#[cfg(test)]
mod tests;
