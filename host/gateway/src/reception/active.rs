//! Mails that are coming in now, in memory: where each goes on, and how much is still to come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mail::record::{ArrivalKey, Partial};
use mail::{AccountName, BodyDigest, PublicKey};

use super::ReceptionError;
use crate::core::lock;

/// How far a mail has come. `end` may be ahead of `durable`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub end: u64,
    pub durable: u64,
    pub size: u64,
    pub digest: BodyDigest,
}

impl From<Partial> for Progress {
    fn from(partial: Partial) -> Self {
        let Partial { durable, size, digest, .. } = partial;
        Self { end: durable, durable, size, digest }
    }
}

impl Progress {
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
    /// Bytes still to come.
    expected: AtomicU64,
}

impl Active {
    /// So many bytes of it are still to come.
    pub fn expect(&self, bytes: u64) {
        self.expected.store(bytes, Ordering::Relaxed);
    }

    fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// Whether nobody uses it and nothing is lost by forgetting it: the store knows as much.
    fn is_idle(&self) -> bool {
        self.progress
            .try_lock()
            .is_ok_and(|progress| progress.is_none_or(|progress| progress.end == progress.durable))
    }
}

/// All mails that are coming in.
#[derive(Debug, Default)]
pub(crate) struct Receptions(Mutex<HashMap<ArrivalKey, Arc<Active>>>);

impl Receptions {
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

    /// Forgets it unless another connection is using it.
    pub(super) fn forget_idle(&self, key: &ArrivalKey) {
        let mut all = lock(&self.0);
        if all.get(key).is_some_and(|active| active.is_idle()) {
            all.remove(key);
        }
    }

    /// Bytes still to come from one sender, and from all.
    pub(super) fn expected(&self, sender: PublicKey) -> (u64, u64) {
        let all = lock(&self.0);
        let of_sender = all.iter().filter(|(key, _)| key.sender == sender);
        (
            of_sender.map(|(_, active)| active.expected()).sum(),
            all.values().map(|active| active.expected()).sum(),
        )
    }

    /// Mails that are coming in from one sender.
    pub(super) fn count(&self, sender: PublicKey) -> usize {
        lock(&self.0).keys().filter(|key| key.sender == sender).count()
    }

    /// The peer is gone: nothing more is expected of what it began. Of a mail whose last bytes are not durable yet its end is
    /// remembered: the store goes on there.
    pub fn peer_gone(&self, account: &AccountName, sender: PublicKey) {
        let of_peer = |key: &ArrivalKey| key.sender == sender && key.account == *account;
        lock(&self.0).retain(|key, active| {
            if of_peer(key) {
                active.expect(0);
            }
            !of_peer(key) || !active.is_idle()
        });
    }
}
