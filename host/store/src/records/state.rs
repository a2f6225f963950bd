//! State of components: key and value by (space, account), with a quota. A space is named `slot/entry/component/version`.
//!
//! Components call this in the middle of a decision, so a change is kept in memory, where every reader sees it at once, and goes
//! to disk with the next durable commit, at the latest after [`LAZY_TIME`](crate::limits::LAZY_TIME). A crash within that time undoes
//! the last changes, all of a moment or none. The calls block, for microseconds; only where more than
//! [`STATE_UNSAVED_BYTES`] wait for the disk, a change waits too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;
use mail::AccountName;
use mail::limits::STATE_ROW_BYTES;
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::engine::context::Context;
use crate::engine::shared::{Message, Shared};
use crate::engine::tables::{STATE, STATE_USAGE};
use crate::error::Error;
use crate::limits::{LIST_ENTRIES, STATE_KEY_BYTES, STATE_SPACE_BYTES, STATE_UNSAVED_BYTES};

/// The owner of state: space, account.
type Owner = (String, String);

/// A space of an account that holds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSpace {
    /// Its name: `slot/entry/component/version`.
    pub space: String,
    /// The account it is kept for.
    pub account: AccountName,
    /// What it counts against its quota, bytes.
    pub bytes: u64,
}

/// A change that is not on disk.
#[derive(Clone, Debug)]
struct Change {
    /// None: deleted.
    value: Option<Bytes>,
    /// Counts changes, so that one made while another is being written is not taken for written.
    sequence: u64,
}

/// Changes that are not on disk, and how much space everybody uses.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    changes: HashMap<Owner, BTreeMap<Vec<u8>, Change>>,
    /// Bytes of keys and values.
    usage: HashMap<Owner, u64>,
    /// How many keys there are, where that was asked for.
    keys: HashMap<Owner, u64>,
    bytes: usize,
    sequence: u64,
    /// The last change that the transaction now running writes.
    in_flight: u64,
    /// Attempts to save that failed.
    failures: u64,
}

impl Overlay {
    /// What was in flight is on disk, or could not be written.
    pub(crate) fn saved(&mut self, success: bool) {
        if !success {
            self.failures += 1;
            return;
        }
        let (in_flight, mut saved) = (self.in_flight, 0);
        self.changes.retain(|_, changes| {
            changes.retain(|key, change| {
                let keep = change.sequence > in_flight;
                saved += if keep { 0 } else { cost(key, change.value.as_ref()) };
                keep
            });
            !changes.is_empty()
        });
        self.bytes -= saved;
    }

    pub(crate) fn is_unsaved(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The entries that have state of an account.
    pub(crate) fn entries_of(&self, account: &str) -> Vec<String> {
        let of_account = self.usage.keys().filter(|(_, owner)| owner == account);
        of_account.map(|(entry, _)| entry.clone()).collect()
    }

    fn usage(&self, owner: &Owner) -> u64 {
        self.usage.get(owner).copied().unwrap_or(0)
    }

    /// Counts the keys on disk of an owner whose keys have not changed since the start. Later
    /// changes keep the count.
    fn count_keys(
        &mut self,
        owner: &Owner,
        stored: impl FnOnce() -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        if let Some(keys) = self.keys.get(owner) {
            return Ok(*keys);
        }
        let keys = stored()?;
        self.keys.insert(owner.clone(), keys);
        Ok(keys)
    }
}

/// What keys and values count against a quota: what they take up in the file, about.
fn charge(bytes: u64, keys: u64) -> u64 {
    bytes.saturating_add(keys.saturating_mul(STATE_ROW_BYTES))
}

/// What a change takes in memory, about.
fn cost(key: &[u8], value: Option<&Bytes>) -> usize {
    key.len() + value.map_or(0, Bytes::len) + 64
}

impl Store {
    /// The value under `key`; None if there is none.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn state_get(&self, entry: &str, account: &AccountName, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let owner = owner(entry, account);
        let change =
            self.inner.shared.state().changes.get(&owner).and_then(|changes| changes.get(key)).cloned();
        match change {
            Some(change) => Ok(change.value),
            None => self.get(|transaction| stored(transaction, &owner, key)),
        }
    }

    /// Sets `key`, unless keys and values of this space and account together, with [`STATE_ROW_BYTES`] for each key, would then take more
    /// than `quota` bytes.
    ///
    /// # Errors
    /// [`Error::LimitReached`] beyond the quota or with a key longer than [`STATE_KEY_BYTES`].
    pub fn state_set(
        &self,
        entry: &str,
        account: &AccountName,
        key: &[u8],
        value: Bytes,
        quota: u64,
    ) -> Result<(), Error> {
        if entry.len() > STATE_SPACE_BYTES || key.len() > STATE_KEY_BYTES {
            return Err(Error::LimitReached(format!(
                "a key of state cannot have more than {STATE_KEY_BYTES} bytes"
            )));
        }
        self.inner.shared.check_space()?;
        self.change(owner(entry, account), key, Some(value), quota).map(drop)
    }

    /// Deletes `key`. False if it was not there.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn state_delete(&self, entry: &str, account: &AccountName, key: &[u8]) -> Result<bool, Error> {
        self.change(owner(entry, account), key, None, u64::MAX)
    }

    /// Keys that start with `prefix` and come after `after`, in order, at most `max`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn state_keys(
        &self,
        entry: &str,
        account: &AccountName,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let is_wanted = |key: &[u8]| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let from = after.map_or(prefix, |after| after.max(prefix));
        let max = max.min(LIST_ENTRIES);
        let (owner, shared) = (owner(entry, account), &self.inner.shared);
        let changes = shared.state().changes.get(&owner).cloned().unwrap_or_default();
        let mut keys: Vec<Vec<u8>> = self.get(|transaction| {
            let table = transaction.open_table(STATE)?;
            let mut keys = Vec::new();
            for row in table.range((owner.0.as_str(), owner.1.as_str(), from)..)? {
                let row = row?;
                let (entry, account, key) = row.0.value();
                let is_inside = entry == owner.0 && account == owner.1 && key.starts_with(prefix);
                if !is_inside || keys.len() >= max {
                    break;
                }
                if is_wanted(key) && !changes.contains_key(key) {
                    keys.push(key.to_vec());
                }
            }
            Ok(keys)
        })?;
        let added = changes.iter().filter(|(key, change)| change.value.is_some() && is_wanted(key));
        keys.extend(added.map(|(key, _)| key.clone()));
        keys.sort_unstable();
        keys.truncate(max);
        Ok(keys)
    }

    /// All keys and values of an entry and account as of one moment: what a replay or a shadow starts from.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn state_snapshot(
        &self,
        entry: &str,
        account: &AccountName,
    ) -> Result<BTreeMap<Vec<u8>, Bytes>, Error> {
        let (owner, shared) = (owner(entry, account), &self.inner.shared);
        // Changes first: one that is saved in between is in both and the same; a change made after is in neither.
        let changes = shared.state().changes.get(&owner).cloned().unwrap_or_default();
        let mut all = self.get(|transaction| stored_all(transaction, &owner))?;
        for (key, change) in changes {
            match change.value {
                Some(value) => all.insert(key, value),
                None => all.remove(&key),
            };
        }
        Ok(all)
    }

    /// What the keys and values of a space and account count against their quota, bytes.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn state_usage(&self, entry: &str, account: &AccountName) -> Result<u64, Error> {
        let (owner, shared) = (owner(entry, account), &self.inner.shared);
        let mut overlay = shared.state();
        let stored = || {
            shared.engine.read(|transaction| count_stored(transaction, &owner)).map_err(|(error, _)| error)
        };
        let keys = overlay.count_keys(&owner, stored)?;
        Ok(charge(overlay.usage(&owner), keys))
    }

    /// The spaces that hold anything, with the bytes they count against their quota, in the order of space and account.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn state_spaces(&self) -> Result<Vec<StateSpace>, Error> {
        let owners: BTreeSet<Owner> = {
            let overlay = self.inner.shared.state();
            let used = overlay.usage.iter().filter(|(_, bytes)| **bytes > 0);
            used.map(|(owner, _)| owner.clone()).collect()
        };
        let mut spaces = Vec::new();
        for (space, account) in owners {
            // An account that is none has no space that somebody could ask for.
            let Ok(account) = account.parse::<AccountName>() else { continue };
            let bytes = self.state_usage(&space, &account)?;
            spaces.push(StateSpace { space, account, bytes });
        }
        Ok(spaces)
    }

    /// Deletes everything in a space of an account; durable when this returns. Returns how many keys there were.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn state_clear(&self, space: &str, account: &AccountName) -> Result<u64, Error> {
        let (store, space, account) = (self.clone(), space.to_owned(), account.clone());
        let cleared = self
            .off_async(move || {
                let mut cleared = 0;
                loop {
                    let keys = store.state_keys(&space, &account, &[], None, LIST_ENTRIES)?;
                    if keys.is_empty() {
                        return Ok(cleared);
                    }
                    for key in keys {
                        cleared += u64::from(store.state_delete(&space, &account, &key)?);
                    }
                }
            })
            .await?;
        self.flush().await?;
        Ok(cleared)
    }

    /// Gives the state in the space `from`, of all accounts, to the space `into`; a key that is there already keeps its value. For
    /// state of programs that had one space for all components of an entry. To be called before components run.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn state_adopt(&self, from: &str, into: &str) -> Result<(), Error> {
        let given: Vec<StateSpace> =
            self.state_spaces()?.into_iter().filter(|space| space.space == from).collect();
        if given.is_empty() {
            return Ok(());
        }
        let (store, into) = (self.clone(), into.to_owned());
        self.off_async(move || {
            for StateSpace { space: from, account, .. } in given {
                for (key, value) in store.state_snapshot(&from, &account)? {
                    if store.state_get(&into, &account, &key)?.is_none() {
                        store.state_set(&into, &account, &key, value, u64::MAX)?;
                    }
                    store.state_delete(&from, &account, &key)?;
                }
            }
            Ok(())
        })
        .await?;
        self.flush().await
    }

    /// Makes the space `into`, of all accounts, a copy of the space `from` as it is now; durable when this returns.
    ///
    /// # Errors
    /// [`Error::LimitReached`] on a full disk, [`Error::Failed`].
    pub async fn state_copy(&self, from: &str, into: &str) -> Result<(), Error> {
        self.state_forget(into).await?;
        let accounts: Vec<AccountName> = self.accounts_with_state(from)?;
        let (store, from, into) = (self.clone(), from.to_owned(), into.to_owned());
        self.off_async(move || {
            for account in accounts {
                for (key, value) in store.state_snapshot(&from, &account)? {
                    store.state_set(&into, &account, &key, value, u64::MAX)?;
                }
            }
            Ok(())
        })
        .await?;
        self.flush().await
    }

    /// Deletes everything in a space, of all accounts; durable when this returns.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn state_forget(&self, space: &str) -> Result<(), Error> {
        for account in self.accounts_with_state(space)? {
            self.state_clear(space, &account).await?;
        }
        Ok(())
    }

    fn accounts_with_state(&self, space: &str) -> Result<Vec<AccountName>, Error> {
        let of_space = self.state_spaces()?.into_iter().filter(|used| used.space == space);
        Ok(of_space.map(|used| used.account).collect())
    }

    /// Makes a change; tells whether the key was there. After a fault it is tried once more.
    fn change(&self, owner: Owner, key: &[u8], value: Option<Bytes>, quota: u64) -> Result<bool, Error> {
        let change = Change { value, sequence: 0 };
        match self.try_change(&owner, key, &change, quota) {
            Err((error, generation)) if error.is_fault() => self.inner.shared.repair(generation)?,
            other => return other.map_err(|(error, _)| error),
        }
        self.try_change(&owner, key, &change, quota).map_err(|(error, _)| error)
    }

    /// As [`Store::change`]. Must not wait for a repair while it holds the lock, which the writer thread wants too.
    fn try_change(
        &self,
        owner: &Owner,
        key: &[u8],
        change: &Change,
        quota: u64,
    ) -> Result<bool, (Error, u64)> {
        let shared = &self.inner.shared;
        let mut overlay = shared.room_for_state().map_err(|error| (error, shared.engine.generation()))?;
        let unsaved = overlay.changes.get(owner).and_then(|changes| changes.get(key));
        let old = match unsaved {
            Some(unsaved) => unsaved.value.clone(),
            // Under the lock: another change of this key waits.
            None => shared.engine.read(|transaction| stored(transaction, owner, key))?,
        };
        let mut failed_in = 0;
        let stored = || {
            let count = shared.engine.read(|transaction| count_stored(transaction, owner));
            count.map_err(|(error, generation)| {
                failed_in = generation;
                error
            })
        };
        let keys = overlay.count_keys(owner, stored).map_err(|error| (error, failed_in))?;
        overlay.apply(owner, key, old.as_ref(), change, keys, quota).map_err(|error| (error, 0))?;
        drop(overlay);
        Ok(old.is_some())
    }
}

impl Shared {
    /// Waits until there is room for another change, and tells the writer thread that there will be something to save.
    fn room_for_state(&self) -> Result<MutexGuard<'_, Overlay>, Error> {
        let mut overlay = self.state();
        let failures = overlay.failures;
        while overlay.bytes > STATE_UNSAVED_BYTES {
            self.send(Message::Flush)?;
            overlay = self.state_saved.wait(overlay).unwrap_or_else(PoisonError::into_inner);
            if overlay.failures > failures {
                return Err(Error::LimitReached(
                    "component state cannot be saved: look at the disk".to_owned(),
                ));
            }
        }
        if !overlay.is_unsaved() {
            self.send(Message::Unsaved)?;
        }
        Ok(overlay)
    }
}

impl Overlay {
    fn apply(
        &mut self,
        owner: &Owner,
        key: &[u8],
        old: Option<&Bytes>,
        change: &Change,
        keys: u64,
        quota: u64,
    ) -> Result<(), Error> {
        let bytes = |value: Option<&Bytes>| value.map_or(0, |value| (key.len() + value.len()) as u64);
        let value = change.value.as_ref();
        let usage = self.usage(owner).saturating_sub(bytes(old)) + bytes(value);
        let keys = keys.saturating_sub(u64::from(old.is_some())) + u64::from(value.is_some());
        if value.is_some() && charge(usage, keys) > quota {
            return Err(Error::LimitReached(format!(
                "the state of {} for {} would pass {quota} bytes",
                owner.0, owner.1
            )));
        }
        if old.is_none() && value.is_none() {
            return Ok(());
        }
        self.sequence += 1;
        self.bytes += cost(key, value);
        self.usage.insert(owner.clone(), usage);
        self.keys.insert(owner.clone(), keys);
        let change = Change { sequence: self.sequence, ..change.clone() };
        let replaced = self.changes.entry(owner.clone()).or_default().insert(key.to_vec(), change);
        self.bytes -= replaced.map_or(0, |old| cost(key, old.value.as_ref()));
        Ok(())
    }
}

fn owner(entry: &str, account: &AccountName) -> Owner {
    (entry.to_owned(), account.as_str().to_owned())
}

fn stored(transaction: &ReadTransaction, owner: &Owner, key: &[u8]) -> Result<Option<Bytes>, Error> {
    let value = transaction.open_table(STATE)?.get((owner.0.as_str(), owner.1.as_str(), key))?;
    Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
}

fn count_stored(transaction: &ReadTransaction, owner: &Owner) -> Result<u64, Error> {
    let table = transaction.open_table(STATE)?;
    let mut keys = 0;
    for row in table.range((owner.0.as_str(), owner.1.as_str(), &[][..])..)? {
        let row = row?;
        let (entry, account, _) = row.0.value();
        if entry != owner.0 || account != owner.1 {
            break;
        }
        keys += 1;
    }
    Ok(keys)
}

fn stored_all(transaction: &ReadTransaction, owner: &Owner) -> Result<BTreeMap<Vec<u8>, Bytes>, Error> {
    let table = transaction.open_table(STATE)?;
    let mut all = BTreeMap::new();
    for row in table.range((owner.0.as_str(), owner.1.as_str(), &[][..])..)? {
        let (key, value) = row?;
        let (entry, account, key) = key.value();
        if entry != owner.0 || account != owner.1 {
            break;
        }
        all.insert(key.to_vec(), Bytes::copy_from_slice(value.value()));
    }
    Ok(all)
}

/// Writes the changes that are not on disk.
pub(crate) fn write_pending(context: &mut Context<'_, '_>) -> Result<(), Error> {
    let (changes, usage) = {
        let mut overlay = context.shared.state();
        overlay.in_flight = overlay.sequence;
        let usage: Vec<(Owner, u64)> =
            overlay.changes.keys().map(|owner| (owner.clone(), overlay.usage(owner))).collect();
        (overlay.changes.clone(), usage)
    };
    for ((entry, account), changes) in &changes {
        let table = context.t.state.write()?;
        for (key, change) in changes {
            let key = (entry.as_str(), account.as_str(), key.as_slice());
            match &change.value {
                Some(value) => table.insert(key, &value[..])?,
                None => table.remove(key)?,
            };
        }
    }
    for ((entry, account), bytes) in &usage {
        let table = context.t.state_usage.write()?;
        match bytes {
            0 => table.remove((entry.as_str(), account.as_str()))?,
            _ => table.insert((entry.as_str(), account.as_str()), bytes)?,
        };
    }
    Ok(())
}

/// Takes over how much space everybody uses.
pub(crate) fn load(shared: &Shared) -> Result<(), Error> {
    let usage = shared.read(|transaction| {
        let table = transaction.open_table(STATE_USAGE)?;
        let rows = table.iter()?;
        rows.map(|row| {
            let (key, bytes) = row?;
            let (entry, account) = key.value();
            Ok(((entry.to_owned(), account.to_owned()), bytes.value()))
        })
        .collect::<Result<HashMap<Owner, u64>, Error>>()
    })?;
    shared.state().usage = usage;
    Ok(())
}
