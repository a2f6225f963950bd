//! Accounts, contacts and pinned names, kept in memory beside the store: every mail asks for them.
//!
//! The store is written first, then what is here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use mail::record::{Account, Contact, Pin};
use mail::storage::{Storage, StorageError};
use mail::{AccountName, Address, PublicKey};

/// An account, its contacts, and the keys that names are pinned to.
#[derive(Debug)]
pub(crate) struct Person {
    pub account: Account,
    contacts: Arc<RwLock<BTreeMap<PublicKey, Contact>>>,
    /// Pins, by [`Address::name`].
    pins: Arc<RwLock<BTreeMap<Address, Pin>>>,
    /// Names whose pins cannot be read, with the key that each was found to lead to since the start.
    lost_pins: Arc<RwLock<BTreeMap<Address, Option<PublicKey>>>>,
    /// Set for good when the account is being removed.
    gone: Arc<AtomicBool>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct People {
    all: RwLock<BTreeMap<AccountName, Arc<Person>>>,
    /// Numbers of accounts that are being removed: the store has their records until the end.
    removed: RwLock<BTreeSet<u64>>,
}

impl People {
    /// Reads the accounts from the store, and the contacts of those that were not known: of the others what is here is newer than
    /// anything read. An account of the same name with another number is another account.
    pub async fn load(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let mut people = BTreeMap::new();
        for account in storage.accounts().await? {
            if self.removed.read().unwrap_or_else(PoisonError::into_inner).contains(&account.id) {
                continue;
            }
            let known = self.get(&account.name).filter(|known| known.account.id == account.id);
            let person = match known {
                Some(known) => Person {
                    account,
                    contacts: known.contacts.clone(),
                    pins: known.pins.clone(),
                    lost_pins: known.lost_pins.clone(),
                    gone: known.gone.clone(),
                },
                None => {
                    let contacts = storage.contacts(&account.name).await?;
                    let by_key = contacts.into_iter().map(|contact| (contact.key, contact));
                    let contacts = Arc::new(RwLock::new(by_key.collect()));
                    let unreadable = storage.unreadable_pins(&account.name).await?;
                    let (pins, lost) = by_name(storage.pins(&account.name).await?, unreadable);
                    Person {
                        account,
                        contacts,
                        pins: Arc::new(RwLock::new(pins)),
                        lost_pins: Arc::new(RwLock::new(lost)),
                        gone: Arc::default(),
                    }
                }
            };
            people.insert(person.account.name.clone(), Arc::new(person));
        }
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        for (name, before) in all.iter() {
            if people.get(name).is_none_or(|now| now.account.id != before.account.id) {
                before.gone.store(true, Ordering::SeqCst);
            }
        }
        *all = people;
        Ok(())
    }

    /// Marks the account as being removed: its tasks write nothing more, and nobody is found under
    /// the name until another account has it.
    pub fn forget(&self, name: &AccountName) {
        let forgotten = self.all.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(person) = forgotten {
            self.removed.write().unwrap_or_else(PoisonError::into_inner).insert(person.account.id);
            person.gone.store(true, Ordering::SeqCst);
        }
    }

    pub fn get(&self, name: &AccountName) -> Option<Arc<Person>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Person>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn contact(&self, account: &AccountName, key: PublicKey) -> Option<Contact> {
        self.get(account)?.contact(key)
    }
}

impl Person {
    /// Whether the account is being or was removed. Nothing is written under its name any more,
    /// because another account may have the name.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

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

    /// The contacts whose gateways claim this name.
    pub fn tellers(&self, name: &Address) -> Vec<PublicKey> {
        let contacts = self.contacts.read().unwrap_or_else(PoisonError::into_inner);
        contacts
            .values()
            .filter(|contact| contact.addresses.contains(name))
            .map(|contact| contact.key)
            .collect()
    }

    /// The pin of a [name](Address::name).
    pub fn pin(&self, name: &Address) -> Option<Pin> {
        self.pins.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All pins, in the order of names.
    pub fn pins(&self) -> Vec<Pin> {
        self.pins.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether a [name](Address::name) has a pin that cannot be read, so that its owner is not
    /// known.
    pub fn has_lost_pin(&self, name: &Address) -> bool {
        self.lost_pins.read().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    /// Whether anything is known about the owner of a [name](Address::name).
    pub fn is_pinned(&self, name: &Address) -> bool {
        self.has_lost_pin(name) || self.pin(name).is_some()
    }

    /// Notes the key that a name whose pin cannot be read leads to now.
    pub fn leads_to(&self, name: &Address, key: PublicKey) {
        let mut lost = self.lost_pins.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(leads_to) = lost.get_mut(name) {
            *leads_to = Some(key);
        }
    }

    /// The names whose pins cannot be read, and the keys they lead to where those are known.
    pub fn lost_pins(&self) -> BTreeMap<Address, Option<PublicKey>> {
        self.lost_pins.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The pin was written to the store.
    pub fn remember_pin(&self, pin: Pin) {
        self.lost_pins.write().unwrap_or_else(PoisonError::into_inner).remove(&pin.address);
        self.pins.write().unwrap_or_else(PoisonError::into_inner).insert(pin.address.clone(), pin);
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

/// Pins by name, and names whose pins are lost.
type Pins = (BTreeMap<Address, Pin>, BTreeMap<Address, Option<PublicKey>>);

/// Version 0.1.0 pinned each spelling of a name for itself: the name itself counts, else the spelling that was seen first. A
/// spelling whose pin cannot be read may have been the first one.
fn by_name(pins: Vec<Pin>, unreadable: Vec<Address>) -> Pins {
    let mut lost: BTreeMap<Address, Option<PublicKey>> =
        unreadable.iter().map(|address| (address.name(), None)).collect();
    lost.retain(|name, _| pins.iter().all(|pin| pin.address != *name));
    let mut by_name: BTreeMap<Address, Pin> = BTreeMap::new();
    let mut pins: Vec<(bool, Pin)> =
        pins.into_iter().map(|pin| (pin.address != pin.address.name(), pin)).collect();
    pins.sort_by_key(|(is_other_spelling, pin)| (*is_other_spelling, pin.first_seen));
    for (_, pin) in pins.into_iter().filter(|(_, pin)| !lost.contains_key(&pin.address.name())) {
        let name = pin.address.name();
        by_name.entry(name.clone()).or_insert(Pin { address: name, ..pin });
    }
    (by_name, lost)
}
