//! Mails that are coming in now, in memory: where each goes on, and how much is still to come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mail::line::LineEnds;
use mail::record::{ArrivalKey, Partial};
use mail::{AccountName, BodyHasher, PublicKey};

use super::error::ReceptionError;
use crate::lock::lock;

/// How far a mail has come. `end` may be ahead of `durable`, where a new connection goes on.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub end: u64,
    pub durable: u64,
    pub size: u64,
    /// What was seen of it on the way, so that it need not be read again. Only where it was seen from its first byte on.
    pub seen: Seen,
}

/// What passed by of a mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub hasher: BodyHasher,
    pub ends: LineEnds,
    /// All of a small mail, nothing of a larger one.
    pub head: Vec<u8>,
}

impl Seen {
    /// Takes the bytes that follow those before.
    pub fn take(&mut self, bytes: &[u8], size: u64) {
        self.hasher.update(bytes);
        self.ends.feed(bytes);
        if size <= mail::limits::BODY_CHUNK_BYTES as u64 {
            self.head.extend_from_slice(bytes);
        }
    }
}

impl From<Partial> for Progress {
    fn from(partial: Partial) -> Self {
        let Partial { durable, size, .. } = partial;
        Self { end: durable, durable, size, seen: Seen::default() }
    }
}

impl Progress {
    /// The next bytes are with the store, of which `durable` are on disk.
    pub fn advance(&mut self, bytes: &[u8], durable: u64) {
        if self.seen.hasher.length() == self.end {
            self.seen.take(bytes, self.size);
        }
        self.end += bytes.len() as u64;
        self.durable = durable;
    }

    /// The part of `bytes` (which start at `offset`) that is not here yet.
    pub fn fresh(&self, offset: u64, bytes: Bytes) -> Result<Bytes, ReceptionError> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.size {
            let text = format!("more bytes than the {} that were announced", self.size);
            return Err(ReceptionError::Protocol(text));
        }
        if offset > self.end {
            return Err(ReceptionError::Offset { expected: self.end });
        }
        let known = usize::try_from(self.end - offset).unwrap_or(usize::MAX);
        Ok(bytes.slice(known.min(bytes.len())..))
    }
}

/// One mail that is coming in. The lock is held through each step, so two connections take turns.
#[derive(Debug, Default)]
pub(super) struct Active {
    pub progress: tokio::sync::Mutex<Option<Progress>>,
}

impl Active {
    fn is_unused(&self) -> bool {
        self.progress.try_lock().is_ok()
    }
}

/// All mails that are coming in.
#[derive(Debug, Default)]
pub(crate) struct Receptions(Mutex<HashMap<ArrivalKey, Arc<Active>>>);

impl Receptions {
    /// The account is being removed.
    pub fn forget_account(&self, account: &AccountName) {
        lock(&self.0).retain(|key, _| key.account != *account);
    }

    /// The mail, as a new one if it is not known.
    pub(super) fn of(&self, key: &ArrivalKey) -> Arc<Active> {
        lock(&self.0).entry(key.clone()).or_default().clone()
    }

    pub(super) fn get(&self, key: &ArrivalKey) -> Option<Arc<Active>> {
        lock(&self.0).get(key).cloned()
    }

    pub(super) fn forget(&self, key: &ArrivalKey) {
        lock(&self.0).remove(key);
    }

    /// Forgets it unless a connection is using it, or it is under way.
    pub(super) fn forget_idle(&self, key: &ArrivalKey) {
        let mut all = lock(&self.0);
        let is_idle =
            |active: &Arc<Active>| active.progress.try_lock().is_ok_and(|progress| progress.is_none());
        if all.get(key).is_some_and(is_idle) {
            all.remove(key);
        }
    }

    /// Mails that are coming in from one sender.
    pub(super) fn count(&self, sender: PublicKey) -> usize {
        lock(&self.0).keys().filter(|key| key.sender == sender).count()
    }

    /// The peer is gone: what it began goes on where the store says.
    pub fn peer_gone(&self, account: &AccountName, sender: PublicKey) {
        let of_peer = |key: &ArrivalKey| key.sender == sender && key.account == *account;
        lock(&self.0).retain(|key, active| !of_peer(key) || !active.is_unused());
    }
}
