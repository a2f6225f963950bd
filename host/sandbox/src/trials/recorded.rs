//! Capabilities that answer a call as they answered an earlier one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mail::{AccountName, Address, Cause, PublicKey};

use crate::capabilities::{Contact, Contacts, Dns, DnsError, TxtAnswer};
use crate::record::CapabilityCall;

/// DNS and contacts as they were recorded.
pub struct Recorded {
    calls: Vec<CapabilityCall>,
    /// Who is asked for contacts that were not recorded; none: it cannot be answered. DNS is never asked: names would leave the machine
    /// for a component that decides nothing.
    otherwise: Option<Arc<dyn Contacts>>,
    missing: Mutex<Option<String>>,
}

impl Recorded {
    /// Answers as `calls` say, and asks `otherwise` for contacts they do not speak of.
    pub fn new(calls: Vec<CapabilityCall>, otherwise: Option<Arc<dyn Contacts>>) -> Self {
        Self { calls, otherwise, missing: Mutex::new(None) }
    }

    /// The first question that could not be answered, without the words of the component.
    pub fn missing(&self) -> Option<String> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn miss(&self, what: String) -> String {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.get_or_insert(what).clone()
    }

    /// The recorded contact of a question.
    fn contact(&self, by: &str, is_meant: impl Fn(&str) -> bool) -> Option<Option<Contact>> {
        self.calls.iter().find_map(|call| match call {
            CapabilityCall::Contact { by: asked, value, answer } if asked == by && is_meant(value) => {
                Some(answer.clone())
            }
            _ => None,
        })
    }

    fn contact_or(
        &self,
        by: &str,
        recorded: Option<Option<Contact>>,
        ask: impl FnOnce(&dyn Contacts) -> Result<Option<Contact>, Cause>,
    ) -> Result<Option<Contact>, Cause> {
        match (recorded, &self.otherwise) {
            (Some(answer), _) => Ok(answer),
            (None, Some(otherwise)) => ask(&**otherwise),
            (None, None) => {
                let what = format!("it asked for another contact by {by} than the recorded call did");
                Err(Cause::new(self.miss(what)))
            }
        }
    }
}

impl Dns for Recorded {
    fn lookup_txt(&self, name: &str, _time: Duration) -> Result<TxtAnswer, DnsError> {
        let recorded = self.calls.iter().find_map(|call| match call {
            CapabilityCall::LookupTxt { name: asked, answer } if asked == name => Some(answer.clone()),
            _ => None,
        });
        recorded.unwrap_or_else(|| {
            let why = "it asked DNS for another name than the recorded call did";
            Err(DnsError::Unavailable(self.miss(why.to_owned())))
        })
    }
}

impl Contacts for Recorded {
    fn by_alias(&self, account: &AccountName, alias: &str) -> Result<Option<Contact>, Cause> {
        let recorded = self.contact("alias", |value| value == alias);
        self.contact_or("alias", recorded, |contacts| contacts.by_alias(account, alias))
    }

    fn by_key(&self, account: &AccountName, key: PublicKey) -> Result<Option<Contact>, Cause> {
        let recorded = self.contact("key", |value| value.parse() == Ok(key));
        self.contact_or("key", recorded, |contacts| contacts.by_key(account, key))
    }

    fn by_address(&self, account: &AccountName, address: &Address) -> Result<Option<Contact>, Cause> {
        let recorded = self.contact("address", |value| value.parse().as_ref() == Ok(address));
        self.contact_or("address", recorded, |contacts| contacts.by_address(account, address))
    }

    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, Cause> {
        let recorded = self.calls.iter().find_map(|call| match call {
            CapabilityCall::AccountOf { address: asked, answer } if asked.parse().as_ref() == Ok(address) => {
                Some(answer.clone())
            }
            _ => None,
        });
        match (recorded, &self.otherwise) {
            (Some(answer), _) => Ok(answer),
            (None, Some(otherwise)) => otherwise.account_of(address),
            (None, None) => {
                let what = "it asked whose another address is than the recorded call did";
                Err(Cause::new(self.miss(what.to_owned())))
            }
        }
    }
}
