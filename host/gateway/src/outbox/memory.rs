//! What a gateway keeps in memory of its outbox.

use std::collections::HashMap;
use std::sync::Mutex;

use mail::{AccountName, MailId, PublicKey};
use tokio::sync::{Notify, oneshot};

use super::index::{Index, Next, Waiting};
use crate::lock::lock;
use crate::moment::Moment;

/// The index of the outbox, and who waits for something to happen to an entry.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(super) index: Mutex<Index>,
    pub(super) waiters: Mutex<HashMap<MailId, Vec<oneshot::Sender<()>>>>,
    pub(super) changed: Notify,
}

impl Outbox {
    /// A new entry, durable already: looked at as soon as it is due.
    pub fn insert(&self, waiting: Waiting) {
        lock(&self.index).insert(waiting);
        self.changed.notify_one();
    }

    /// Entries an account has in the outbox.
    pub fn queued(&self, account: &AccountName) -> u64 {
        lock(&self.index).queued(account)
    }

    pub fn peer_online(&self, account: &AccountName, key: PublicKey, now: Moment) {
        lock(&self.index).peer_online(account, key, now);
        self.changed.notify_one();
    }

    pub fn peer_offline(&self, account: &AccountName, key: PublicKey, now: Moment) {
        lock(&self.index).peer_offline(account, key, now);
        self.changed.notify_one();
    }

    /// Takes an entry that no task has.
    pub fn claim(&self, id: MailId) -> bool {
        lock(&self.index).claim(id)
    }

    /// Whether a task has the entry.
    pub fn is_running(&self, id: MailId) -> bool {
        lock(&self.index).is_running(id)
    }

    /// A task is done with an entry.
    pub fn finish(&self, id: MailId, next: Next, now: Moment) {
        lock(&self.index).finish(id, next, now);
        for waiter in lock(&self.waiters).remove(&id).into_iter().flatten() {
            let _nobody_waits_any_more = waiter.send(());
        }
        self.changed.notify_one();
    }

    /// Returns when the task that has the entry is done with it; at once if none has.
    pub async fn task_done(&self, id: MailId) {
        let receiver = {
            let index = lock(&self.index);
            if !index.is_running(id) {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            lock(&self.waiters).entry(id).or_default().push(sender);
            receiver
        };
        let _either_way_done = receiver.await;
    }
}
