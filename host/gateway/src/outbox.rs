//! The outbox: mails that wait for their recipients, and the schedule that tries them.
//!
//! The store holds the entries; here is a small index of them. An entry is *waiting* until a moment, *ready* while its
//! recipient is online and others are before it, and *running* while one task alone decides about it. A task visits an
//! entry to deliver it, to note that it failed, to tell the sender that it takes long, or to give it up.
//!
//! Time: in memory everything is monotonic, so a wall clock that goes back stalls nothing. When the wall clock jumps ahead (the
//! machine slept, or the clock was set), every wait is shortened by the jump. Nothing is given up until the
//! clocks have agreed for [`limits::CLOCK_STEADY`]. In the store stand wall-clock times; after a restart no wait is longer
//! than [`limits::RESTART_WAIT`].

mod attempt;
mod index;
pub(crate) mod memory;
mod runner;
mod schedule;
mod visit;

use std::time::Duration;

use mail::record::{OutboxEntry, Outcome, Route};
use mail::{AccountName, MailId};

pub(crate) use self::attempt::delivered_status;
pub(crate) use self::index::Next;
use self::index::Owner;
pub(crate) use self::index::Waiting;
use crate::core::Core;
use crate::limits;
use crate::lock::lock;
use crate::ports::{Event, StorageError};

pub(crate) use self::runner::run;

/// What became of the wish to take a mail back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is out of the outbox and was not delivered as far as this gateway knows.
    Yes,
    /// There is no such entry (any more): delivered, bounced, or never there.
    NotThere,
}

impl Core {
    /// What the index keeps of an entry. A `new` one is due at once; one read at the start when it was to be.
    pub fn waiting(&self, entry: &OutboxEntry, new: bool) -> Waiting {
        let now = self.now();
        let owner = Owner {
            account: entry.account.clone(),
            peer: match &entry.route {
                Route::Local(_) => None,
                Route::Remote(destination) => Some(destination.key()),
            },
        };
        let online = owner.peer.is_some_and(|key| self.network.is_online(&entry.account, key));
        let wait = entry.next_attempt.filter(|_| !new).map_or(Duration::ZERO, |due| due.since(now.wall));
        let delay_due = entry.created.plus(self.patience().delay_notice).since(now.wall);
        let tell_delay = entry.envelope.notify.delay && !entry.marks.delay_reported;
        Waiting {
            id: entry.id,
            owner,
            online,
            size: entry.size,
            created: entry.created,
            try_at: now.after(wait.min(limits::RESTART_WAIT)),
            delay_at: if tell_delay { now.after(delay_due) } else { u64::MAX },
            deadline: now.after(entry.expires.since(now.wall).min(mail::limits::EXPIRY_LONGEST)),
        }
    }

    /// Reads the outbox at the start, a page at a time: only the index stays in memory.
    pub async fn load_outbox(&self) -> Result<(), StorageError> {
        lock(&self.outbox.index).observe(self.now());
        let mut page = self.storage.outbox_page(None, limits::LIST_ENTRIES).await?;
        while let Some(last) = page.last().map(|entry| entry.id) {
            for entry in page {
                let waiting = self.waiting(&entry, false);
                lock(&self.outbox.index).insert(waiting);
            }
            page = self.storage.outbox_page(Some(last), limits::LIST_ENTRIES).await?;
        }
        self.outbox.changed.notify_one();
        Ok(())
    }

    /// A page of the outbox of an account, oldest first: at most `limit` entries (1 000 at most) after `after`.
    pub async fn list_outbox(
        &self,
        account: &AccountName,
        after: Option<MailId>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StorageError> {
        let ids = lock(&self.outbox.index).page(account, after, limit.min(limits::LIST_ENTRIES));
        let mut entries = Vec::with_capacity(ids.len());
        for id in ids {
            entries.extend(self.storage.outbox_entry(id).await?);
        }
        Ok(entries)
    }

    /// One entry, if it is the account's.
    pub async fn outbox_entry(
        &self,
        account: &AccountName,
        id: MailId,
    ) -> Result<Option<OutboxEntry>, StorageError> {
        Ok(self.storage.outbox_entry(id).await?.filter(|entry| entry.account == *account))
    }

    /// Tries an entry now, whatever the schedule says. False if the account has no such entry.
    pub async fn retry_now(&self, account: &AccountName, id: MailId) -> Result<bool, StorageError> {
        let Some(entry) = self.outbox_entry(account, id).await? else { return Ok(false) };
        if let Route::Remote(destination) = &entry.route {
            self.request_again(account, destination.key());
        }
        lock(&self.outbox.index).retry_now(id, self.now());
        self.outbox.changed.notify_one();
        Ok(true)
    }

    /// Takes a mail back. A transfer under way is stopped first; if the recipient turns out to have the mail already, it was
    /// delivered.
    pub async fn cancel(&self, account: &AccountName, id: MailId) -> Result<Cancelled, StorageError> {
        loop {
            let Some(entry) = self.outbox_entry(account, id).await? else { return Ok(Cancelled::NotThere) };
            if lock(&self.outbox.index).claim(id) {
                return self.cancel_claimed(entry).await;
            }
            if !lock(&self.outbox.index).is_running(id) {
                return Ok(Cancelled::NotThere);
            }
            if let Route::Remote(destination) = &entry.route {
                self.network.cancel(account, destination.key(), id);
            }
            self.outbox.task_done(id).await;
        }
    }

    /// Releases a quarantined mail.
    pub async fn release(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        if let Some(mut entry) = self.storage.release(account, uidl).await? {
            let now = self.clock.wall();
            entry.expires = now.plus(self.patience().expiry);
            self.storage.update_outbox(entry.clone()).await?;
            self.outbox.insert(self.waiting(&entry, true));
            self.outbox_changed(account, entry.id, "released from quarantine");
        }
        Ok(())
    }

    async fn cancel_claimed(&self, entry: OutboxEntry) -> Result<Cancelled, StorageError> {
        let (id, account) = (entry.id, entry.account);
        let result = self.storage.finish_outbox(id, Outcome::Cancelled, Vec::new()).await;
        let now = self.now();
        match result {
            Ok(()) => {
                self.outbox.finish(id, Next::Gone, now);
                self.left_outbox(id);
                self.outbox_changed(&account, id, "taken back by the user");
                Ok(Cancelled::Yes)
            }
            Err(StorageError::NotFound) => {
                self.outbox.finish(id, Next::Gone, now);
                Ok(Cancelled::NotThere)
            }
            Err(error) => {
                self.outbox.finish(id, Next::later(now), now);
                Err(error)
            }
        }
    }

    /// Tells that the recipient has a mail, or never will.
    pub fn ended(&self, entry: &OutboxEntry, delivered: bool) {
        let after = self.clock.wall().since(entry.created);
        self.events.publish(Event::Ended { account: entry.account.clone(), id: entry.id, delivered, after });
    }

    pub fn outbox_changed(&self, account: &AccountName, id: MailId, what: &str) {
        tracing::info!(%account, %id, what, "outbox");
        self.events.publish(Event::OutboxChanged { account: account.clone(), id, what: what.to_owned() });
    }
}

#[cfg(test)]
mod tests;
