//! What a peer says about itself: its full Tox ID and the addresses its mails come from.

use mail::from_check::key_of;
use mail::record::Contact;
use mail::{AccountName, Address, PublicKey, ToxId};

use crate::core::Core;
use crate::friendship::ContactError;
use crate::limits;
use crate::people::Person;

/// Why a hello was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// The Tox ID in it belongs to another key: the peer broke the protocol.
    #[error("the Tox ID in hello belongs to another key than the connection")]
    ForeignToxId,
    /// Storing it failed.
    #[error(transparent)]
    Contact(#[from] ContactError),
}

impl Core {
    /// A peer said hello over a live connection: its contact is brought up to date, and mail for it goes out.
    ///
    /// A claim to somebody else's address is left out: another key's, another contact's, an account's here.
    pub async fn peer_hello(
        &self,
        account: &AccountName,
        key: PublicKey,
        tox_id: ToxId,
        addresses: Vec<Address>,
    ) -> Result<(), HelloError> {
        if tox_id.key != key {
            return Err(HelloError::ForeignToxId);
        }
        self.friend_connected(account, key).await?;
        if let Some(person) = self.people.get(account)
            && let Some(contact) = person.contact(key)
        {
            let told = self.believable(&person, key, addresses);
            if contact.tox_id != Some(tox_id) || contact.addresses != told {
                let contact = Contact { tox_id: Some(tox_id), addresses: told, ..contact };
                self.store_contact(&person, contact).await.map_err(ContactError::from)?;
            }
        }
        self.outbox.peer_online(account, key, self.now());
        Ok(())
    }

    /// The addresses a peer may claim, canonical, without duplicates and bounded.
    fn believable(&self, person: &Person, key: PublicKey, addresses: Vec<Address>) -> Vec<Address> {
        let mut told: Vec<Address> = Vec::new();
        for address in addresses {
            let address = address.canonical();
            if told.len() < limits::TOLD_ADDRESSES
                && !told.contains(&address)
                && self.may_claim(person, key, &address)
            {
                told.push(address);
            }
        }
        told
    }

    fn may_claim(&self, person: &Person, key: PublicKey, address: &Address) -> bool {
        if let Some(spelled) = key_of(address) {
            return spelled == key;
        }
        let an_account_has_it = self.people.all().iter().any(|account| self.owned_by(account, address));
        let by_alias = address.is_tox().then(|| person.contact_by_alias(address.local())).flatten();
        let by_told = person.contact_by_told(address);
        let another = [by_alias, by_told].into_iter().flatten().any(|contact| contact.key != key);
        !an_account_has_it && !another
    }

    /// The contact an address means: its alias, its key or Tox ID, or an address its gateway told. This is what the resolver's
    /// `contacts` capability answers, so an answer to a received mail finds its sender.
    pub fn find_contact(&self, account: &AccountName, address: &Address) -> Option<Contact> {
        let person = self.people.get(account)?;
        let address = address.canonical();
        if let Some(key) = key_of(&address) {
            return person.contact(key);
        }
        let by_alias = address.is_tox().then(|| person.contact_by_alias(address.local())).flatten();
        by_alias.or_else(|| person.contact_by_told(&address))
    }
}

#[cfg(test)]
mod tests;
