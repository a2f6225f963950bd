//! What survives a gateway's death, and the life of one process that can end at any change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use drops::mailbox::Period;
use drops::point::Secret;
use mail::record::{ContactState, OutboxEntry};
use mail::{AccountName, Acknowledgement, BodyDigest, MailId, PublicKey};

use crate::ports::{Document, Documents, Failure, KeyFiles};
use crate::shared::lock;

/// Documents read at once.
const PAGE: usize = 5;

/// Kind, owner and key of a document.
pub(crate) type Name = (String, String, Vec<u8>);

impl Disk {
    /// An empty one, with room for everything.
    pub fn new() -> Self {
        Self { request_room: AtomicU64::new(u64::MAX), ..Self::default() }
    }

    /// Documents of a kind, and their bytes.
    pub fn documents_of(&self, kind: &str) -> (usize, usize) {
        let documents = lock(&self.documents);
        let of_kind = documents.iter().filter(|((other, ..), _)| other == kind);
        of_kind.fold((0, 0), |(count, bytes), (_, document)| (count + 1, bytes + document.len()))
    }
}

/// Everything durable of one gateway.
#[derive(Default)]
pub(crate) struct Disk {
    pub documents: Mutex<BTreeMap<Name, Vec<u8>>>,
    pub keys: Mutex<BTreeMap<Period, Secret>>,
    pub outbox: Mutex<BTreeMap<MailId, (OutboxEntry, Bytes)>>,
    /// How mails left the outbox.
    pub ended: Mutex<Vec<(MailId, &'static str)>>,
    pub mailbox: Mutex<Vec<Bytes>>,
    pub arrivals: Mutex<BTreeMap<(PublicKey, MailId), (BodyDigest, Acknowledgement)>>,
    pub contacts: Mutex<BTreeMap<PublicKey, ContactState>>,
    pub requests: Mutex<Vec<PublicKey>>,
    /// Friend requests there is room for beside those that wait.
    pub request_room: AtomicU64,
    /// Changes of documents of this kind fail, but for every third.
    pub refuses: Mutex<Option<&'static str>>,
    refused: AtomicU64,
    /// Documents that were told to be unreadable.
    pub unreadable: Mutex<BTreeSet<Name>>,
    /// How often it was told that the own record changed.
    pub record_changes: AtomicU64,
}

/// One process: dead after its n-th change.
pub(crate) struct Life {
    pub disk: std::sync::Arc<Disk>,
    changes: AtomicU64,
    /// Dies at this change, before or after it is made; 0: never.
    dies_at: u64,
    after: bool,
    is_dead: AtomicBool,
}

impl Life {
    pub fn new(disk: &std::sync::Arc<Disk>, dies_at: u64, after: bool) -> Self {
        let disk = std::sync::Arc::clone(disk);
        Self { disk, changes: AtomicU64::new(0), dies_at, after, is_dead: AtomicBool::new(false) }
    }

    pub fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    pub fn kill(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    /// Makes a change, if the process lives that long.
    pub fn change<T>(&self, make: impl FnOnce(&Disk) -> T) -> Result<T, Failure> {
        let dead = || Failure("the process is dead".to_owned());
        if self.is_dead() {
            return Err(dead());
        }
        let is_last = self.changes.fetch_add(1, Ordering::Relaxed) + 1 == self.dies_at;
        if is_last {
            self.kill();
        }
        if is_last && !self.after {
            return Err(dead());
        }
        let made = make(&self.disk);
        if is_last { Err(dead()) } else { Ok(made) }
    }
}

#[async_trait]
impl Documents for Life {
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
        self.change(|disk| {
            let name = (kind.to_owned(), owner.to_owned(), key);
            match document {
                Some(document) => lock(&disk.documents).insert(name, document),
                None => lock(&disk.documents).remove(&name),
            };
        })
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
impl KeyFiles for Life {
    async fn read(&self, _account: &AccountName) -> Result<Vec<(Period, Secret)>, Failure> {
        Ok(lock(&self.disk.keys).iter().map(|(period, key)| (*period, key.clone())).collect())
    }

    async fn write(&self, _account: &AccountName, period: Period, key: Secret) -> Result<(), Failure> {
        self.change(|disk| drop(lock(&disk.keys).insert(period, key)))
    }

    async fn erase(&self, _account: &AccountName, period: Period) -> Result<(), Failure> {
        self.change(|disk| drop(lock(&disk.keys).remove(&period)))
    }

    async fn forget(&self, _account: &AccountName) -> Result<(), Failure> {
        self.change(|disk| lock(&disk.keys).clear())
    }
}
