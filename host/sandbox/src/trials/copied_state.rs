//! Component state in memory: that of the test bench, and copies for calls whose changes shall not be kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mail::AccountName;
use mail::limits::STATE_ROW_BYTES;

use crate::capabilities::{State, StateError};

/// Keys and values of one account.
#[derive(Clone, Debug, Default)]
pub struct Space(pub BTreeMap<String, Vec<u8>>);

impl Space {
    fn set(&mut self, key: &str, value: &[u8], quota: u64) -> Result<(), StateError> {
        let others = self.0.iter().filter(|(name, _)| *name != key);
        let charge = |name: &str, value: &[u8]| (name.len() + value.len()) as u64 + STATE_ROW_BYTES;
        let used: u64 = others.map(|(name, value)| charge(name, value)).sum();
        if used + charge(key, value) > quota {
            return Err(StateError::QuotaExceeded(quota));
        }
        self.0.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn keys(&self, prefix: &str, after: Option<&str>, max: usize) -> Vec<String> {
        let is_wanted =
            |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
        self.0.keys().filter(is_wanted).take(max).cloned().collect()
    }
}

/// The state of one entry of the policy set, by account. It is changed here alone.
#[derive(Debug, Default)]
pub struct CopiedState(Mutex<HashMap<AccountName, Space>>);

impl CopiedState {
    /// Begins with what an account has. An account nothing was put for begins empty.
    pub fn put(&self, account: AccountName, space: Space) {
        self.spaces().insert(account, space);
    }

    /// Whether the account began already.
    pub fn has(&self, account: &AccountName) -> bool {
        self.spaces().contains_key(account)
    }

    /// The account is removed.
    pub fn forget(&self, account: &AccountName) {
        self.spaces().remove(account);
    }

    fn spaces(&self) -> MutexGuard<'_, HashMap<AccountName, Space>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State for CopiedState {
    fn get(&self, _entry: &str, account: &AccountName, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.spaces().get(account).and_then(|space| space.0.get(key)).cloned())
    }

    fn set(
        &self,
        _entry: &str,
        account: &AccountName,
        key: &str,
        value: &[u8],
        quota: u64,
    ) -> Result<(), StateError> {
        self.spaces().entry(account.clone()).or_default().set(key, value, quota)
    }

    fn delete(&self, _entry: &str, account: &AccountName, key: &str) -> Result<(), StateError> {
        if let Some(space) = self.spaces().get_mut(account) {
            space.0.remove(key);
        }
        Ok(())
    }

    fn keys(
        &self,
        _entry: &str,
        account: &AccountName,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<String>, StateError> {
        Ok(self.spaces().get(account).map(|space| space.keys(prefix, after, max)).unwrap_or_default())
    }

    fn snapshot(&self, _entry: &str, account: &AccountName) -> Result<BTreeMap<String, Vec<u8>>, StateError> {
        Ok(self.spaces().get(account).map(|space| space.0.clone()).unwrap_or_default())
    }
}
