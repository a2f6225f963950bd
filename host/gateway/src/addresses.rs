//! The addresses of an account, and those it may use in MAIL FROM.

use std::sync::Arc;

use mail::from_check::key_of;
use mail::record::Account;
use mail::{AccountName, Address, PublicKey, Refusal, ReversePath, ToxId};

use crate::Gateway;
use crate::people::Person;

/// All addresses of an account: its full Tox ID, its key, its name, its names in DNS.
pub(crate) fn of(account: &Account, tox_id: Option<ToxId>) -> Vec<Address> {
    let spelled = tox_id.map(|id| [id.to_string(), id.key.to_string()]).into_iter().flatten();
    let names = spelled.map(|text| text.to_lowercase()).chain([account.name.to_string()]);
    let mut addresses: Vec<Address> = names.filter_map(|name| Address::at_tox(&name).ok()).collect();
    addresses.extend(account.addresses.iter().map(Address::canonical));
    addresses
}

/// Whether the account has this address, or one that has a subaddress of it (RFC 5233). Any nospam will do: the user may have
/// changed it since they gave the address away.
pub(crate) fn owns(account: &Account, key: Option<PublicKey>, address: &Address) -> bool {
    let canonical = address.canonical();
    (key.is_some() && key_of(&canonical) == key)
        || (canonical.is_tox() && canonical.without_detail().local() == account.name.as_str())
        || account.addresses.iter().any(|own| address.belongs_to(own))
}

/// The mailbox that everybody who takes mail must have (RFC 5321 section 4.5.1), in any case.
pub const POSTMASTER: &str = "postmaster";

/// The address to tell people on other gateways: the full Tox ID, the only address that works there
/// for everybody.
pub(crate) fn public(tox_id: ToxId) -> Option<Address> {
    Address::at_tox(&tox_id.to_string().to_lowercase()).ok()
}

impl Gateway {
    pub(crate) fn key_of_account(&self, person: &Person) -> Option<PublicKey> {
        self.network.tox_id(person.name()).map(|id| id.key)
    }

    /// The keys of all accounts here: nobody but this gateway writes `Authentication-Results` in their names.
    pub(crate) fn own_keys(&self) -> Arc<[PublicKey]> {
        self.people.all().iter().filter_map(|person| self.key_of_account(person)).collect()
    }

    /// Whether a person of this gateway has the address.
    pub(crate) fn owned_by(&self, person: &Person, address: &Address) -> bool {
        let owns = |person: &Person| owns(&person.account, self.key_of_account(person), address);
        owns(person)
            || (person.account.owner
                && self.is_postmaster(address)
                && !self.people.all().iter().any(|other| owns(other)))
    }

    /// Whether the address is the postmaster of a domain of this gateway: of `tox`, or of a domain that an account has a name in.
    fn is_postmaster(&self, address: &Address) -> bool {
        let is_ours = || {
            let people = self.people.all();
            let mut names = people.iter().flat_map(|person| &person.account.addresses);
            address.is_tox() || names.any(|name| name.domain() == address.domain())
        };
        address.without_detail().local().eq_ignore_ascii_case(POSTMASTER) && is_ours()
    }

    /// The account that has this address, for a resolver that asks for accounts of this gateway.
    pub fn account_with_address(&self, address: &Address) -> Option<AccountName> {
        let people = self.people.all();
        people.iter().find(|person| self.owned_by(person, address)).map(|person| person.name().clone())
    }

    /// What `From` of a person's mails may be: their addresses, and for the owner the postmaster's.
    pub(crate) fn writes_as(&self, person: &Person) -> Vec<Address> {
        let mut addresses = of(&person.account, self.network.tox_id(person.name()));
        if person.account.owner {
            let own: Vec<String> = addresses.iter().map(|own| own.domain().to_owned()).collect();
            let all = own.iter().filter_map(|domain| format!("{POSTMASTER}@{domain}").parse().ok());
            addresses.extend(all.filter(|address| self.owned_by(person, address)));
        }
        addresses
    }

    /// MAIL FROM must be an address of the account. The null reverse-path is allowed: mail programs send read receipts
    /// with it (RFC 8098 section 3).
    pub(crate) fn check_reverse_path(
        &self,
        person: &Person,
        reverse_path: &ReversePath,
    ) -> Result<(), Refusal> {
        let ReversePath::Mailbox(address) = reverse_path else { return Ok(()) };
        if self.owned_by(person, address) {
            return Ok(());
        }
        let own = of(&person.account, self.network.tox_id(person.name()));
        // The name first: it is the one to type. The bare key comes last and is left out.
        let named = own.iter().rev().filter(|address| address.local().len() != 64);
        let named: Vec<String> = named.map(ToString::to_string).collect();
        Err(Refusal::permanent(
            7,
            1,
            &format!(
                "<{address}> is not your address here. In your mail program set the sender to one of: {}",
                named.join(", ")
            ),
        ))
    }

    /// The account of this gateway that a key belongs to.
    pub(crate) fn account_with_key(&self, key: PublicKey) -> Option<std::sync::Arc<Person>> {
        self.people.all().into_iter().find(|person| self.key_of_account(person) == Some(key))
    }

    /// Tells peers the addresses of an account.
    pub(crate) fn announce_addresses(&self, person: &Person) {
        let tox_id = self.network.tox_id(person.name());
        self.network.set_addresses(person.name(), of(&person.account, tox_id));
    }
}

#[cfg(test)]
mod tests;
