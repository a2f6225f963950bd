//! The meaning of names that this gateway knows by itself, whatever a resolver or a peer says.
//!
//! What a peer tells about itself is a claim. Whether a claim counts is checked each time, because
//! an account or a contact may have got the name meanwhile.

use mail::from_check::key_of;
use mail::record::{Contact, Pin};
use mail::{AccountName, Address, PublicKey};

use crate::Gateway;
use crate::friendship::ContactError;
use crate::people::Person;

/// The certain holder of a name: no resolver and no peer can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// An account of this gateway.
    Account(AccountName),
    /// The key that the address spells.
    Literal(PublicKey),
    /// A contact, under the name the user gave.
    Alias(PublicKey),
}

/// What an address that a contact's gateway claims is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It counts: DNS said so, the user confirmed it, or it is a name at `tox` that nobody else has.
    Counts,
    /// A name in DNS that neither DNS nor the user confirmed, or a name at `tox` that several contacts claim.
    Unconfirmed,
    /// It belongs to somebody else: an account here, another contact, or the key that DNS or the user named.
    Foreign,
}

/// An address that a contact's gateway claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldName {
    /// The address.
    pub address: Address,
    /// What it is worth now.
    pub claim: Claim,
}

impl Gateway {
    /// Who has the address for certain.
    pub(crate) fn holder(&self, person: &Person, address: &Address) -> Option<Holder> {
        if let Some(account) = self.account_with_address(address) {
            return Some(Holder::Account(account));
        }
        let name = address.name();
        if let Some(key) = key_of(&name) {
            return Some(Holder::Literal(key));
        }
        let by_alias = name.is_tox().then(|| person.contact_by_alias(name.local())).flatten();
        by_alias.map(|contact| Holder::Alias(contact.key))
    }

    /// What the claim of this address by the gateway of `key` is worth.
    pub(crate) fn claim(&self, person: &Person, key: PublicKey, told: &Address) -> Claim {
        let counts_if = |is_theirs: bool| if is_theirs { Claim::Counts } else { Claim::Foreign };
        match self.holder(person, told) {
            Some(Holder::Account(_)) => return Claim::Foreign,
            Some(Holder::Literal(holder) | Holder::Alias(holder)) => return counts_if(holder == key),
            None => {}
        }
        let name = told.name();
        if person.has_lost_pin(&name) {
            return Claim::Unconfirmed;
        }
        match person.pin(&name) {
            // DNS contradicts the key it was seen with: the user decides first.
            Some(Pin { changed_to: Some(_), .. }) => Claim::Unconfirmed,
            Some(pin) => counts_if(pin.key == key),
            None if name.is_tox() && person.tellers(&name).iter().all(|teller| *teller == key) => {
                Claim::Counts
            }
            None => Claim::Unconfirmed,
        }
    }

    /// The addresses of a contact that count now: what `From` of their mails may be.
    pub(crate) fn counting(&self, person: &Person, contact: &Contact) -> Vec<Address> {
        let counts = |told: &&Address| self.claim(person, contact.key, told) == Claim::Counts;
        contact.addresses.iter().filter(counts).cloned().collect()
    }

    /// The contact an address means: by alias, key, Tox ID, or a name that counts as theirs.
    pub fn find_contact(&self, account: &AccountName, address: &Address) -> Option<Contact> {
        let person = self.people.get(account)?;
        match self.holder(&person, address) {
            Some(Holder::Account(_)) => return None,
            Some(Holder::Literal(key) | Holder::Alias(key)) => return person.contact(key),
            None => {}
        }
        let name = address.name();
        if person.has_lost_pin(&name) {
            return None;
        }
        let key = match person.pin(&name) {
            Some(pin) => pin.changed_to.is_none().then_some(pin.key),
            None if name.is_tox() => {
                <[PublicKey; 1]>::try_from(person.tellers(&name)).ok().map(|[only]| only)
            }
            None => None,
        };
        person.contact(key?)
    }

    /// The addresses that a contact's gateway claims, and what each claim is worth.
    pub fn told_names(&self, account: &AccountName, key: PublicKey) -> Vec<ToldName> {
        let Some(person) = self.people.get(account) else { return Vec::new() };
        let told = person.contact(key).map(|contact| contact.addresses).unwrap_or_default();
        let names = told.into_iter().filter(|address| key_of(address).is_none());
        let worth = |address| ToldName { claim: self.claim(&person, key, &address), address };
        names.map(worth).collect()
    }

    /// Confirms for the user a name that a contact claims.
    ///
    /// # Errors
    /// [`ContactError`]; nothing is changed then.
    pub async fn confirm_told(
        &self,
        account: &AccountName,
        key: PublicKey,
        address: &Address,
    ) -> Result<ToldName, ContactError> {
        let person = self.people.get(account).ok_or_else(|| ContactError::NoAccount(account.clone()))?;
        let contact = person.contact(key).ok_or(ContactError::NoContact)?;
        let told = contact.addresses.iter().find(|told| told.name() == address.name());
        let told = told.cloned().ok_or_else(|| ContactError::NotTold(address.clone()))?;
        match self.holder(&person, &told) {
            Some(Holder::Literal(holder) | Holder::Alias(holder)) if holder == key => {}
            Some(_) => return Err(ContactError::NameTaken(address.clone())),
            None => {
                let (name, first_seen) = (told.name(), self.clock.wall());
                self.store_pin(&person, Pin { address: name, key, first_seen, changed_to: None }).await?;
            }
        }
        Ok(ToldName { claim: self.claim(&person, key, &told), address: told })
    }
}

#[cfg(test)]
mod tests;
