//! What a component on the bench sees of the gateway: what the case says, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mail::{AccountName, Address, Cause, MailId, PublicKey};

use super::case::{Case, DnsAnswer};
use crate::capabilities::{Contact, Contacts, Dns, DnsError, Recorder, TxtAnswer};
use crate::record::DecisionRecord;
use crate::trials::copied_state::{CopiedState, Space};

/// The world of one case: one component, one account.
pub(super) struct World {
    pub(super) state: Arc<CopiedState>,
    dns: BTreeMap<String, DnsAnswer>,
    contacts: Vec<Contact>,
    accounts: Vec<AccountName>,
}

impl World {
    pub(super) fn new(case: &Case) -> Self {
        let space = case.state.iter().map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect();
        let state = CopiedState::default();
        state.put(case.account.clone(), Space(space));
        Self {
            state: Arc::new(state),
            dns: case.dns.clone(),
            contacts: case.contacts.clone(),
            accounts: case.accounts.clone(),
        }
    }

    fn contact(&self, is_meant: impl Fn(&Contact) -> bool) -> Option<Contact> {
        self.contacts.iter().find(|contact| is_meant(contact)).cloned()
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
    fn by_alias(&self, _account: &AccountName, alias: &str) -> Result<Option<Contact>, Cause> {
        Ok(self.contact(|contact| contact.alias == alias))
    }

    fn by_key(&self, _account: &AccountName, key: PublicKey) -> Result<Option<Contact>, Cause> {
        Ok(self.contact(|contact| contact.key == key))
    }

    fn by_address(&self, _account: &AccountName, address: &Address) -> Result<Option<Contact>, Cause> {
        Ok(self.contact(|contact| contact.addresses.contains(address)))
    }

    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, Cause> {
        let is_meant = |account: &&AccountName| address.is_tox() && address.local() == account.as_str();
        Ok(self.accounts.iter().find(is_meant).cloned())
    }
}

impl Recorder for World {
    fn record(&self, _record: DecisionRecord, _mail: Option<MailId>) {
        // The bench reports what the records would say.
    }
}
