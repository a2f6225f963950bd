//! What offline mail has on disk, and how a process writes it: as part of the core's, so that any
//! change can be its last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use drops::mailbox::Period;
use drops::point::Secret;
use gateway::testing::MemoryStorage;
use mail::AccountName;

use crate::ports::{Document, Documents, Failure, KeyFiles};
use crate::shared::lock;

/// Documents read at once.
const PAGE: usize = 5;

/// Kind, owner and key of a document.
pub(crate) type Name = (String, String, Vec<u8>);

/// What is durable.
#[derive(Default)]
pub(crate) struct Disk {
    pub documents: Mutex<BTreeMap<Name, Vec<u8>>>,
    pub keys: Mutex<BTreeMap<(AccountName, Period), Secret>>,
    /// Changes of documents of this kind fail, but for every third.
    pub refuses: Mutex<Option<&'static str>>,
    refused: AtomicU64,
    /// Documents that were told to be unreadable.
    pub unreadable: Mutex<BTreeSet<Name>>,
    /// How often it was told that the own record changed.
    pub record_changes: AtomicU64,
    /// Mails from boards that the core took.
    pub taken: AtomicU64,
}

impl Disk {
    /// Documents of a kind, and their bytes.
    pub fn documents_of(&self, kind: &str) -> (usize, usize) {
        let documents = lock(&self.documents);
        let of_kind = documents.iter().filter(|((other, ..), _)| other == kind);
        of_kind.fold((0, 0), |(count, bytes), (_, document)| (count + 1, bytes + document.len()))
    }
}

/// The disk as one process sees it.
pub(crate) struct Files {
    pub disk: Arc<Disk>,
    pub storage: Arc<MemoryStorage>,
}

impl Files {
    /// Makes a change, if the process lives that long.
    async fn change(&self, make: impl FnOnce(&Disk) + Send) -> Result<(), Failure> {
        self.storage.step(|| make(&self.disk)).await.map_err(|error| Failure(error.to_string()))
    }
}

#[async_trait]
impl Documents for Files {
    async fn put(
        &self,
        kind: &'static str,
        owner: &str,
        key: Vec<u8>,
        document: Option<Vec<u8>>,
    ) -> Result<(), Failure> {
        if *lock(&self.disk.refuses) == Some(kind)
            && self.disk.refused.fetch_add(1, Ordering::Relaxed) % 3 < 2
        {
            return Err(Failure("the disk is full".to_owned()));
        }
        let name = (kind.to_owned(), owner.to_owned(), key);
        self.change(|disk| {
            match document {
                Some(document) => lock(&disk.documents).insert(name, document),
                None => lock(&disk.documents).remove(&name),
            };
        })
        .await
    }

    async fn page(&self, kind: &'static str, owner: &str, key: &[u8]) -> Result<Vec<Document>, Failure> {
        let documents = lock(&self.disk.documents);
        let from = (kind.to_owned(), owner.to_owned(), key.to_vec());
        let page = documents.range(from..).take_while(|((other, ..), _)| other == kind).take(PAGE);
        Ok(page.map(|((_, owner, key), bytes)| (owner.clone(), key.clone(), bytes.clone())).collect())
    }

    fn unreadable(&self, kind: &'static str, owner: &str, key: &[u8], _bytes: &[u8]) {
        lock(&self.disk.unreadable).insert((kind.to_owned(), owner.to_owned(), key.to_vec()));
    }
}

#[async_trait]
impl KeyFiles for Files {
    async fn read(&self, account: &AccountName) -> Result<Vec<(Period, Secret)>, Failure> {
        let keys = lock(&self.disk.keys);
        let own = keys.iter().filter(|((of, _), _)| of == account);
        Ok(own.map(|((_, period), key)| (*period, key.clone())).collect())
    }

    async fn write(&self, account: &AccountName, period: Period, key: Secret) -> Result<(), Failure> {
        self.change(|disk| drop(lock(&disk.keys).insert((account.clone(), period), key))).await
    }

    async fn erase(&self, account: &AccountName, period: Period) -> Result<(), Failure> {
        self.change(|disk| drop(lock(&disk.keys).remove(&(account.clone(), period)))).await
    }

    async fn forget(&self, account: &AccountName) -> Result<(), Failure> {
        self.change(|disk| lock(&disk.keys).retain(|(of, _), _| of != account)).await
    }
}
