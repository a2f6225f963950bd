//! Rows that cannot be read: they are passed over, left where they are, counted and reported.
//!
//! A row that this program cannot read stays as it is: a later program may read it, and a copy of
//! the store has it too. Somebody who reads a list gets the other rows. Rows that were met are
//! remembered in memory, so that they can be shown; [`Store::look_for_unreadable`] meets all of
//! them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use mail::AccountName;
use mail::storage::Identities as _;
use redb::{AccessGuard, ReadTransaction, StorageError, Value};

use crate::Store;
use crate::engine::shared::lock;
use crate::engine::tables::{DOCUMENTS, META, TOX_SAVED};
use crate::error::Error;
use crate::limits::UNREADABLE_ROWS;
use crate::upkeep::rows::{self, Row};

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadableRow {
    /// Its table, or the kind of a document.
    pub table: String,
    /// Its key, readable.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

/// Whether a row is there and still cannot be read.
type IsStill = Box<dyn Fn(&ReadTransaction) -> Result<bool, Error> + Send>;

struct Met {
    why: String,
    is_still: IsStill,
}

/// The rows that were met, by table and key.
#[derive(Default)]
pub(crate) struct Unreadable(Mutex<BTreeMap<(String, String), Met>>);

impl fmt::Debug for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Unreadable").field(&self.rows().len()).finish()
    }
}

impl Unreadable {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<(String, String), Met>> {
        lock(&self.0)
    }

    /// Remembers a row, and says it once.
    pub(crate) fn note(&self, table: &str, key: String, why: String, is_still: IsStill) {
        let mut rows = self.rows();
        let name = (table.to_owned(), key);
        if rows.len() >= UNREADABLE_ROWS || rows.contains_key(&name) {
            return;
        }
        let (table, key) = &name;
        tracing::error!(
            table,
            key,
            why,
            "a row of the store cannot be read: it stays set aside, everything else goes on"
        );
        rows.insert(name, Met { why, is_still });
    }

    /// The record in a row; None where it cannot be read, which is remembered.
    pub(crate) fn readable<T: Row>(&self, key: &<T::Key as Value>::SelfType<'_>, bytes: &[u8]) -> Option<T> {
        match T::parse(key, bytes) {
            Ok(record) => Some(record),
            Err(why) => {
                let place = <T::Key as Value>::as_bytes(key).as_ref().to_vec();
                let is_still: IsStill =
                    Box::new(move |transaction| rows::is_unreadable::<T>(transaction, &place));
                self.note(T::TABLE, T::describe(key), why.to_string(), is_still);
                None
            }
        }
    }

    /// The rows that still cannot be read.
    fn list(&self, transaction: &ReadTransaction) -> Result<Vec<UnreadableRow>, Error> {
        let mut failed = None;
        let mut rows = self.rows();
        rows.retain(|_, met| match (met.is_still)(transaction) {
            Ok(is_still) => is_still,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        let row = |((table, key), met): (&(String, String), &Met)| UnreadableRow {
            table: table.clone(),
            key: key.clone(),
            why: met.why.clone(),
        };
        failed.map_or_else(|| Ok(rows.iter().map(row).collect()), Err)
    }
}

/// A read transaction whose readers pass over what they cannot read.
pub(crate) struct View<'s> {
    pub(crate) transaction: &'s ReadTransaction,
    pub(crate) unreadable: &'s Unreadable,
}

impl Deref for View<'_> {
    type Target = ReadTransaction;

    fn deref(&self) -> &ReadTransaction {
        self.transaction
    }
}

/// A row as redb hands it out.
type RowOf<'g, T> = Result<(AccessGuard<'g, <T as Row>::Key>, AccessGuard<'g, &'static [u8]>), StorageError>;

impl View<'_> {
    /// The records of a range, without those that cannot be read.
    pub(crate) fn records<'g, T: Row>(
        &self,
        range: impl Iterator<Item = RowOf<'g, T>>,
    ) -> impl Iterator<Item = Result<T, Error>> {
        range.filter_map(|row| match row {
            Ok((key, bytes)) => self.unreadable.readable::<T>(&key.value(), bytes.value()).map(Ok),
            Err(error) => Some(Err(error.into())),
        })
    }
}

impl Store {
    /// The rows that could not be read so far and still cannot, at most [`UNREADABLE_ROWS`]: all there are once
    /// [`Store::look_for_unreadable`] has looked.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn unreadable(&self) -> Result<Vec<UnreadableRow>, Error> {
        self.get(|view| view.unreadable.list(view))
    }

    /// Reads every record once, some thousands at a time, and returns what cannot be read. Takes a second for a million
    /// mails; everything else goes on.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn look_for_unreadable(&self) -> Result<Vec<UnreadableRow>, Error> {
        let store = self.clone();
        self.off_async(move || {
            rows::look_at_all(&store)?;
            store.unreadable()
        })
        .await
    }

    /// Remembers a document that its owner cannot read. It stays until another one is written in
    /// its place.
    pub fn unreadable_document(&self, kind: &str, owner: &str, key: &[u8], bytes: &[u8], why: &str) {
        let name =
            if owner.is_empty() { hex::encode(key) } else { format!("{} of {owner}", hex::encode(key)) };
        let (place, bytes) =
            ((kind.to_owned(), owner.to_owned(), key.to_vec()), Bytes::copy_from_slice(bytes));
        let is_still: IsStill = Box::new(move |transaction| {
            let (kind, owner, key) = &place;
            let kept =
                transaction.open_table(DOCUMENTS)?.get((kind.as_str(), owner.as_str(), key.as_slice()))?;
            Ok(kept.is_some_and(|kept| kept.value() == bytes))
        });
        self.inner.shared.unreadable.note(kind, name, why.to_owned(), is_still);
    }

    /// Remembers a file beside the store that was set aside, for as long as it is there. `kind`
    /// says what it was to be.
    pub fn unreadable_file(&self, kind: &str, file: PathBuf, why: &str) {
        let name = file.display().to_string();
        let is_still: IsStill = Box::new(move |_| Ok(file.exists()));
        self.inner.shared.unreadable.note(kind, name, why.to_owned(), is_still);
    }

    /// Remembers that the saved data of an account's Tox instance cannot be used. They stay, until others are written in their place.
    ///
    /// # Errors
    /// [`mail::storage::StorageError::Failed`].
    pub async fn unreadable_tox_saved(
        &self,
        account: &AccountName,
        why: &str,
    ) -> Result<(), mail::storage::StorageError> {
        let Some(saved) = self.tox_saved(account).await? else { return Ok(()) };
        let name = account.clone();
        let is_still: IsStill = Box::new(move |transaction| {
            let kept = transaction.open_table(TOX_SAVED)?.get(name.as_str())?;
            Ok(kept.is_some_and(|kept| kept.value() == saved.as_slice()))
        });
        self.inner.shared.unreadable.note("tox_saved", account.to_string(), why.to_owned(), is_still);
        Ok(())
    }

    /// Keeps a copy of a setting that its owner cannot read, under `unreadable-` and its name, and
    /// remembers it. A setting written in its place later does not touch the copy.
    ///
    /// # Errors
    /// As [`Store::meta_put`].
    pub async fn set_setting_aside(&self, name: &str, value: Bytes, why: &str) -> Result<(), Error> {
        let copy = format!("unreadable-{name}");
        self.meta_put(&copy, Some(value)).await?;
        let kept = copy.clone();
        let is_still: IsStill =
            Box::new(move |transaction| Ok(transaction.open_table(META)?.get(kept.as_str())?.is_some()));
        self.inner.shared.unreadable.note("settings", copy, why.to_owned(), is_still);
        Ok(())
    }
}
