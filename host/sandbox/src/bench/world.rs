//! What a component on the bench sees of the gateway: what the case says, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail::{AccountName, Address, PublicKey};

use super::case::{Case, DnsAnswer};
use crate::capabilities::{Contact, Contacts, Dns, DnsError, Recorder, State, StateError, TxtAnswer};
use crate::record::DecisionRecord;

/// The world of one case: one component, one account.
pub(super) struct World {
    state: Mutex<BTreeMap<String, Vec<u8>>>,
    dns: BTreeMap<String, DnsAnswer>,
    contacts: Vec<Contact>,
    accounts: Vec<AccountName>,
}

impl World {
    pub(super) fn new(case: &Case) -> Self {
        let state = case.state.iter().map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect();
        Self {
            state: Mutex::new(state),
            dns: case.dns.clone(),
            contacts: case.contacts.clone(),
            accounts: case.accounts.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contact(&self, is_meant: impl Fn(&Contact) -> bool) -> Option<Contact> {
        self.contacts.iter().find(|contact| is_meant(contact)).cloned()
    }
}

impl State for World {
    fn get(&self, _entry: &str, _account: &AccountName, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.state().get(key).cloned())
    }

    fn set(
        &self,
        _entry: &str,
        _account: &AccountName,
        key: &str,
        value: &[u8],
        quota: u64,
    ) -> Result<(), StateError> {
        let mut state = self.state();
        let others = state.iter().filter(|(name, _)| *name != key);
        let used: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if (used + key.len() + value.len()) as u64 > quota {
            return Err(StateError::QuotaExceeded(quota));
        }
        state.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn delete(&self, _entry: &str, _account: &AccountName, key: &str) -> Result<(), StateError> {
        self.state().remove(key);
        Ok(())
    }

    fn keys(
        &self,
        _entry: &str,
        _account: &AccountName,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<String>, StateError> {
        let is_wanted =
            |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
        Ok(self.state().keys().filter(is_wanted).take(max).cloned().collect())
    }
}

impl Dns for World {
    fn lookup_txt(&self, name: &str, _time: Duration) -> Result<TxtAnswer, DnsError> {
        match self.dns.get(name) {
            None => Err(DnsError::NoRecord),
            Some(DnsAnswer { txt: None, .. }) => Err(DnsError::Unavailable("the case says so".into())),
            Some(DnsAnswer { txt: Some(records), secure }) => {
                Ok(TxtAnswer { records: records.clone(), secure: *secure })
            }
        }
    }
}

impl Contacts for World {
    fn by_alias(&self, _account: &AccountName, alias: &str) -> Result<Option<Contact>, String> {
        Ok(self.contact(|contact| contact.alias == alias))
    }

    fn by_key(&self, _account: &AccountName, key: PublicKey) -> Result<Option<Contact>, String> {
        Ok(self.contact(|contact| contact.key == key))
    }

    fn by_address(&self, _account: &AccountName, address: &Address) -> Result<Option<Contact>, String> {
        Ok(self.contact(|contact| contact.addresses.contains(address)))
    }

    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, String> {
        let is_meant = |account: &&AccountName| address.is_tox() && address.local() == account.as_str();
        Ok(self.accounts.iter().find(is_meant).cloned())
    }
}

impl Recorder for World {
    fn record(&self, _record: DecisionRecord) {
        // The bench reports what the records would say.
    }
}
