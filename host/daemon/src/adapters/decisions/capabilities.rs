//! What components may use of the gateway: state, DNS, contacts; and where records of decisions go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use admin::History;
use bytes::Bytes;
use gateway::Gateway;
use mail::{AccountName, Address, Cause, MailId, PublicKey};
use resolve::Dnssec;
use sandbox::capabilities::{
    Contact, Contacts, Dns, DnsError, Recorder, State, StateError, StateTurn, TxtAnswer,
};
use sandbox::{DecisionRecord, Lines, StateVersion, Turns};
use store::Store;
use tokio::runtime::Handle;

use crate::adapters::slots::shown_slot;

/// Component state in the store.
#[derive(Clone)]
pub struct StoredState {
    store: Store,
    turns: Arc<Turns>,
    /// Versions go live one after the other.
    going_live: Arc<Mutex<()>>,
    /// Called on threads of the sandbox's own; the store is asynchronous.
    runtime: Handle,
}

impl StoredState {
    /// The state in a store. Everybody who uses that store's state has to share this one.
    pub fn new(store: Store, runtime: Handle) -> Self {
        Self { store, turns: Arc::default(), going_live: Arc::default(), runtime }
    }

    fn lines(&self) -> Result<Lines, StateError> {
        let stored = self.runtime.block_on(self.store.meta_get(LINES)).map_err(unavailable)?;
        let Some(json) = stored else { return Ok(Lines::default()) };
        // What nobody can read is begun anew: each version then begins with what the line has.
        Ok(serde_json::from_slice(&json)
            .inspect_err(|error| tracing::error!(%error, "which versions have state cannot be read"))
            .unwrap_or_default())
    }

    fn keep(&self, lines: &Lines) -> Result<(), StateError> {
        let json = serde_json::to_vec(lines).map_err(|error| StateError::Unavailable(error.to_string()))?;
        self.runtime.block_on(self.store.meta_put(LINES, Some(json.into()))).map_err(unavailable)
    }
}

/// The name of the document that says which versions of components have state.
const LINES: &str = "state-lines";

fn unavailable(error: store::Error) -> StateError {
    StateError::Unavailable(error.to_string())
}

impl State for StoredState {
    fn turn(&self, entry: &str, account: &AccountName, longest: Duration) -> Result<StateTurn, StateError> {
        match self.turns.take(entry, account, longest) {
            Some(turn) => Ok(Box::new(turn)),
            None => Err(StateError::Unavailable("other calls have it".to_owned())),
        }
    }

    fn goes_live(&self, version: &StateVersion) -> Result<(), StateError> {
        let _one_at_a_time = self.going_live.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = self.lines()?;
        let Some(step) = lines.goes_live(version) else { return Ok(()) };
        if let Some(from) = &step.copy_from {
            let copied = self.runtime.block_on(self.store.state_copy(from, &version.space));
            copied.map_err(unavailable)?;
        }
        self.keep(&lines)?;
        for space in &step.forget {
            self.runtime.block_on(self.store.state_forget(space)).map_err(unavailable)?;
        }
        Ok(())
    }

    fn get(&self, entry: &str, account: &AccountName, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.store.state_get(entry, account, key.as_bytes()).map_err(unavailable)?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn set(
        &self,
        entry: &str,
        account: &AccountName,
        key: &str,
        value: &[u8],
        quota: u64,
    ) -> Result<(), StateError> {
        match self.store.state_set(entry, account, key.as_bytes(), Bytes::copy_from_slice(value), quota) {
            Ok(()) => Ok(()),
            Err(store::Error::LimitReached(_)) => Err(StateError::QuotaExceeded(quota)),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn delete(&self, entry: &str, account: &AccountName, key: &str) -> Result<(), StateError> {
        self.store.state_delete(entry, account, key.as_bytes()).map(drop).map_err(unavailable)
    }

    fn keys(
        &self,
        entry: &str,
        account: &AccountName,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<String>, StateError> {
        let after = after.map(str::as_bytes);
        let keys =
            self.store.state_keys(entry, account, prefix.as_bytes(), after, max).map_err(unavailable)?;
        // Keys come from components as text.
        Ok(keys.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect())
    }

    fn snapshot(&self, entry: &str, account: &AccountName) -> Result<BTreeMap<String, Vec<u8>>, StateError> {
        let all = self.store.state_snapshot(entry, account).map_err(unavailable)?;
        let text = |(key, value): (Vec<u8>, Bytes)| Some((String::from_utf8(key).ok()?, value.to_vec()));
        Ok(all.into_iter().filter_map(text).collect())
    }
}

/// DNS through `resolve`.
pub struct GatewayDns(pub resolve::Dns);

impl Dns for GatewayDns {
    fn lookup_txt(&self, name: &str, time: Duration) -> Result<TxtAnswer, DnsError> {
        match self.0.lookup_txt_blocking(name, time) {
            Ok(answer) => Ok(TxtAnswer { records: answer.records, secure: answer.dnssec == Dnssec::Secure }),
            Err(resolve::DnsError::NoRecord) => Err(DnsError::NoRecord),
            Err(resolve::DnsError::Bogus) => Err(DnsError::Bogus),
            Err(resolve::DnsError::InvalidName(_)) => Err(DnsError::InvalidName),
            Err(error) => Err(DnsError::Unavailable(error.to_string())),
        }
    }
}

/// Contacts and accounts, as the core knows them. The core is made after the components that ask.
#[derive(Default)]
pub struct GatewayContacts(OnceLock<Weak<Gateway>>);

impl GatewayContacts {
    /// From now on they are known.
    pub fn connect(&self, gateway: &std::sync::Arc<Gateway>) {
        // Set once, by `up`; a second call would change nothing.
        let _ = self.0.set(std::sync::Arc::downgrade(gateway));
    }

    fn ask<T>(&self, question: impl FnOnce(&Gateway) -> T) -> Result<T, Cause> {
        let gateway = self.0.get().and_then(Weak::upgrade);
        let gateway = gateway.ok_or_else(|| Cause::new("the gateway is starting or stopping"))?;
        Ok(question(&gateway))
    }
}

/// A contact as components see it: with the addresses that count, not with all it claims.
fn seen(gateway: &Gateway, account: &AccountName, contact: mail::record::Contact) -> Contact {
    let addresses = gateway.counting_addresses(account, &contact);
    Contact {
        alias: contact.alias.to_string(),
        key: contact.key,
        tox_id: contact.tox_id,
        addresses,
        confirmed: contact.state == mail::record::ContactState::Confirmed,
    }
}

impl Contacts for GatewayContacts {
    fn by_alias(&self, account: &AccountName, alias: &str) -> Result<Option<Contact>, Cause> {
        self.ask(|gateway| {
            let contacts = gateway.contacts(account);
            let found = contacts.into_iter().find(|contact| contact.alias.as_str() == alias);
            found.map(|contact| seen(gateway, account, contact))
        })
    }

    fn by_key(&self, account: &AccountName, key: PublicKey) -> Result<Option<Contact>, Cause> {
        let address = Address::at_tox(&key.to_string()).map_err(Cause::new)?;
        self.by_address(account, &address)
    }

    fn by_address(&self, account: &AccountName, address: &Address) -> Result<Option<Contact>, Cause> {
        self.ask(|gateway| {
            gateway.find_contact(account, address).map(|contact| seen(gateway, account, contact))
        })
    }

    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, Cause> {
        self.ask(|gateway| gateway.account_with_address(address))
    }
}

/// Records of decisions in the store.
pub struct StoredDecisions {
    /// Where they are kept.
    pub store: Store,
    /// What they add to.
    pub history: History,
    /// Whether components' words are kept with them; the owner may change it meanwhile.
    pub keep_words: Arc<AtomicBool>,
}

impl Recorder for StoredDecisions {
    fn record(&self, record: DecisionRecord, mail: Option<MailId>) {
        self.history.decided(shown_slot(record.slot), record.duration);
        let keep_words = self.keep_words.load(Ordering::Relaxed);
        let record = if keep_words { record } else { record.without_words() };
        let bytes = match record.to_json(store::limits::DECISION_BYTES) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => return tracing::error!(%error, "a decision has no JSON form"),
        };
        let slot = record.slot.name();
        if let Err(error) = self.store.append_decision(slot, record.component, &record.account, mail, bytes) {
            tracing::warn!(%error, slot, "a decision was not recorded");
        }
    }
}
