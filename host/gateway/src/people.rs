//! Accounts and contacts, kept in memory beside the store: every mail asks for them.
//!
//! The store is written first, then what is here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use mail::record::{Account, Contact};
use mail::{AccountName, Address, PublicKey};

use crate::ports::{Storage, StorageError};

/// An account and its contacts.
#[derive(Debug)]
pub(crate) struct Person {
    pub account: Account,
    contacts: Arc<RwLock<BTreeMap<PublicKey, Contact>>>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct People(RwLock<BTreeMap<AccountName, Arc<Person>>>);

impl People {
    /// Reads the accounts from the store, and the contacts of those that were not known: of the others what is here is newer than
    /// anything read.
    pub async fn load(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let mut people = BTreeMap::new();
        for account in storage.accounts().await? {
            let contacts = match self.get(&account.name) {
                Some(known) => known.contacts.clone(),
                None => {
                    let contacts = storage.contacts(&account.name).await?;
                    let by_key = contacts.into_iter().map(|contact| (contact.key, contact));
                    Arc::new(RwLock::new(by_key.collect()))
                }
            };
            people.insert(account.name.clone(), Arc::new(Person { account, contacts }));
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = people;
        Ok(())
    }

    pub fn get(&self, name: &AccountName) -> Option<Arc<Person>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Person>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn contact(&self, account: &AccountName, key: PublicKey) -> Option<Contact> {
        self.get(account)?.contact(key)
    }
}

impl Person {
    pub fn name(&self) -> &AccountName {
        &self.account.name
    }

    pub fn contact(&self, key: PublicKey) -> Option<Contact> {
        self.contacts.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    pub fn contacts(&self) -> Vec<Contact> {
        self.contacts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn contact_by_alias(&self, alias: &str) -> Option<Contact> {
        let contacts = self.contacts.read().unwrap_or_else(PoisonError::into_inner);
        contacts.values().find(|contact| contact.alias.as_str() == alias).cloned()
    }

    /// The contact whose gateway told this address. Told addresses are canonical and belong to one contact only.
    pub fn contact_by_told(&self, canonical: &Address) -> Option<Contact> {
        let contacts = self.contacts.read().unwrap_or_else(PoisonError::into_inner);
        contacts.values().find(|contact| contact.addresses.contains(canonical)).cloned()
    }

    /// The contact was written to the store.
    pub fn remember(&self, contact: Contact) {
        self.contacts.write().unwrap_or_else(PoisonError::into_inner).insert(contact.key, contact);
    }

    /// The contact was removed from the store.
    pub fn forget(&self, key: PublicKey) {
        self.contacts.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}
