//! One bound on the memory of all sessions.

use std::collections::HashMap;
use std::sync::Arc;

use mail::MailId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{RECEIVE_MEMORY, SEND_MEMORY, WINDOW_MOST};

/// Bytes that a permit stands for.
const UNIT: u64 = 1024;

/// The memory that all sessions of a daemon may use for bodies together. Transfers that find none wait for it, in the
/// order they came. Clones share it.
#[derive(Clone, Debug)]
pub struct Memory {
    receive: Arc<Semaphore>,
    send: Arc<Semaphore>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(RECEIVE_MEMORY, SEND_MEMORY)
    }
}

impl Memory {
    /// At most `receive` bytes for bodies that come and `send` for those that go; each at least one full window.
    #[must_use]
    pub fn new(receive: usize, send: usize) -> Self {
        let semaphore = |bytes: usize| {
            let units = units(bytes as u64).max(units(WINDOW_MOST.into()));
            Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS)))
        };
        Self { receive: semaphore(receive), send: semaphore(send) }
    }

    /// Bytes nobody uses, of those for bodies that come.
    #[must_use]
    pub fn free_to_receive(&self) -> u64 {
        self.receive.available_permits() as u64 * UNIT
    }

    /// Bytes nobody uses, of those for bodies that go.
    #[must_use]
    pub fn free_to_send(&self) -> u64 {
        self.send.available_permits() as u64 * UNIT
    }

    /// Waits for memory to send `bytes`. None cannot happen: the semaphore is never closed.
    pub(crate) async fn send(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.send).acquire_many_owned(units(bytes)).await.ok()
    }

    /// Waits for `units` of memory to receive.
    pub(crate) async fn receive(&self, units: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.receive).acquire_many_owned(units).await.ok()
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// What one session holds of the memory to receive: for all accepted mails together, never more than its window,
/// since the window bounds what the peer can send.
#[derive(Debug)]
pub(crate) struct Share {
    window: u32,
    accepted: HashMap<MailId, u32>,
    held: Option<OwnedSemaphorePermit>,
}

impl Share {
    pub(crate) fn new(window: u32) -> Self {
        Self { window: units(window.into()), accepted: HashMap::new(), held: None }
    }

    fn wanted(&self, more: u32) -> u32 {
        self.accepted.values().fold(more, |sum, each| sum.saturating_add(*each)).min(self.window)
    }

    fn held(&self) -> u32 {
        let permits = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(permits).unwrap_or(u32::MAX)
    }

    /// Units to wait for before a mail of `size` bytes may be accepted.
    pub(crate) fn missing(&self, size: u64) -> u32 {
        self.wanted(units(size)).saturating_sub(self.held())
    }

    /// The mail is accepted, with the units that were missing.
    pub(crate) fn accept(&mut self, mail: MailId, size: u64, permit: Option<OwnedSemaphorePermit>) {
        self.accepted.insert(mail, units(size));
        match (&mut self.held, permit) {
            (Some(held), Some(permit)) => held.merge(permit),
            (held @ None, permit) => *held = permit,
            (Some(_), None) => {}
        }
        self.give_back();
    }

    /// The mail is complete or interrupted.
    pub(crate) fn release(&mut self, mail: MailId) {
        self.accepted.remove(&mail);
        self.give_back();
    }

    fn give_back(&mut self) {
        let surplus = self.held().saturating_sub(self.wanted(0));
        if let Some(held) = &mut self.held
            && let Ok(surplus) = usize::try_from(surplus)
        {
            drop(held.split(surplus));
        }
    }
}

#[cfg(test)]
mod tests;
