//! Which addresses an account has, and which may stand in MAIL FROM.

use mail::from_check::key_of;
use mail::record::Account;
use mail::{Address, PublicKey, Refusal, ReversePath, ToxId};

use crate::core::Core;
use crate::people::Person;

/// All addresses of an account: its full Tox ID, its key, its name, its names in DNS.
pub(crate) fn of(account: &Account, tox_id: Option<ToxId>) -> Vec<Address> {
    let spelled = tox_id.map(|id| [id.to_string(), id.key.to_string()]).into_iter().flatten();
    let names = spelled.map(|text| text.to_lowercase()).chain([account.name.to_string()]);
    let mut addresses: Vec<Address> = names.filter_map(|name| Address::at_tox(&name).ok()).collect();
    addresses.extend(account.addresses.iter().map(Address::canonical));
    addresses
}

/// Whether the account has this address. Any nospam will do: the user may have changed it since they gave the address away.
pub(crate) fn owns(account: &Account, key: Option<PublicKey>, address: &Address) -> bool {
    let canonical = address.canonical();
    (key.is_some() && key_of(&canonical) == key)
        || (canonical.is_tox() && canonical.local() == account.name.as_str())
        || account.addresses.iter().any(|own| own.canonical() == canonical)
}

/// The address to tell people on other gateways: the full Tox ID, which alone works there for everybody.
pub(crate) fn public(tox_id: ToxId) -> Option<Address> {
    Address::at_tox(&tox_id.to_string().to_lowercase()).ok()
}

impl Core {
    pub fn key_of_account(&self, person: &Person) -> Option<PublicKey> {
        self.network.tox_id(person.name()).map(|id| id.key)
    }

    /// Whether a person of this gateway has the address.
    pub fn owned_by(&self, person: &Person, address: &Address) -> bool {
        owns(&person.account, self.key_of_account(person), address)
    }

    /// MAIL FROM must be an address of the account. The null reverse-path is allowed: mail programs send read receipts
    /// with it (RFC 8098 section 3).
    pub fn check_reverse_path(&self, person: &Person, reverse_path: &ReversePath) -> Result<(), Refusal> {
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
    pub fn account_with_key(&self, key: PublicKey) -> Option<std::sync::Arc<Person>> {
        self.people.all().into_iter().find(|person| self.key_of_account(person) == Some(key))
    }

    /// Tells peers the addresses of an account.
    pub fn announce_addresses(&self, person: &Person) {
        let tox_id = self.network.tox_id(person.name());
        self.network.set_addresses(person.name(), of(&person.account, tox_id));
    }
}

#[cfg(test)]
mod tests;
