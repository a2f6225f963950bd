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
mod claimed;
mod index;
pub(crate) mod memory;
mod runner;
mod schedule;
mod visit;

use std::time::Duration;

use mail::record::{OutboxEntry, Outcome, Route};
use mail::storage::StorageError;
use mail::{AccountName, MailId, Refusal};

pub(crate) use self::attempt::delivered_status;
pub(crate) use self::claimed::Claimed;
pub(crate) use self::index::Next;
use self::index::Owner;
pub(crate) use self::index::Waiting;
use crate::Gateway;
use crate::limits;
use crate::lock::lock;
use crate::ports::Event;

pub(crate) use self::runner::run;

/// What became of the wish to take a mail back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is out of the outbox and was not delivered as far as this gateway knows.
    Yes,
    /// The entry does not exist (any more): the mail was delivered, it bounced, or it was never
    /// there.
    NotThere,
}

impl Gateway {
    /// What the index keeps of an entry. A `new` one is due at once; one read at the start when it was to be.
    pub(crate) fn waiting(&self, entry: &OutboxEntry, new: bool) -> Waiting {
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
    pub(crate) async fn load_outbox(&self) -> Result<(), StorageError> {
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

    /// A page of an account's outbox, oldest first: at most `limit` entries (1 000 at most) after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_outbox(
        &self,
        account: &AccountName,
        after: Option<MailId>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StorageError> {
        let ids = lock(&self.outbox.index).page(account, after, limit.min(limits::LIST_ENTRIES));
        let mut entries = Vec::with_capacity(ids.len());
        for id in ids {
            entries.extend(self.storage.outbox_entry(id).await?.map(|entry| self.as_scheduled(entry)));
        }
        Ok(entries)
    }

    /// One entry, if it is the account's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn outbox_entry(
        &self,
        account: &AccountName,
        id: MailId,
    ) -> Result<Option<OutboxEntry>, StorageError> {
        let entry = self.storage.outbox_entry(id).await?.filter(|entry| entry.account == *account);
        Ok(entry.map(|entry| self.as_scheduled(entry)))
    }

    /// The entry with the times at which things will happen. They are not those in the store where a clock jumped since.
    pub(crate) fn as_scheduled(&self, mut entry: OutboxEntry) -> OutboxEntry {
        let now = self.now();
        let Some((next, end)) = lock(&self.outbox.index).schedule(entry.id, now) else { return entry };
        // An answer may come by drop relay: then it is not given up before.
        let end = end.max(self.copies(entry.id).answer_until.unwrap_or_default());
        let jumped = |stored: mail::Wall, true_one: mail::Wall| {
            u128::from(stored.0.abs_diff(true_one.0)) > limits::CLOCK_JUMP.as_millis()
        };
        if jumped(entry.expires, end) {
            entry.expires = end;
        }
        if entry.next_attempt.is_some_and(|stored| jumped(stored, next)) {
            entry.next_attempt = Some(next);
        }
        entry
    }

    /// Tries an entry now. False if the account has no such entry.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn retry_now(&self, account: &AccountName, id: MailId) -> Result<bool, StorageError> {
        let Some(entry) = self.outbox_entry(account, id).await? else { return Ok(false) };
        if let Route::Remote(destination) = &entry.route {
            self.request_again(account, destination.key());
        }
        lock(&self.outbox.index).retry_now(id, self.now());
        self.outbox.changed.notify_one();
        Ok(true)
    }

    /// Takes a mail back.
    ///
    /// # Errors
    /// When the store fails; the mail stays.
    pub async fn cancel(&self, account: &AccountName, id: MailId) -> Result<Cancelled, StorageError> {
        loop {
            let Some(entry) = self.outbox_entry(account, id).await? else { return Ok(Cancelled::NotThere) };
            if let Some(claimed) = self.claim_entry(id) {
                return self.cancel_claimed(claimed, entry).await;
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

    /// Gives an entry up now, whatever the schedule says; its sender is told. One that is being delivered is waited for.
    pub(crate) async fn bounce_now(&self, id: MailId, refusal: Refusal) -> Result<(), StorageError> {
        loop {
            let Some(entry) = self.storage.outbox_entry(id).await? else { return Ok(()) };
            if let Some(claimed) = self.claim_entry(id) {
                let next = self.bounce(entry, refusal).await?;
                claimed.end(next);
                return Ok(());
            }
            if !lock(&self.outbox.index).is_running(id) {
                return Ok(());
            }
            self.outbox.task_done(id).await;
        }
    }

    /// Releases a quarantined mail into mailbox or outbox. An outgoing one gets its full time from now.
    ///
    /// # Errors
    /// `NotFound` if there is none, or when the store fails.
    pub async fn release(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        if let Some(mut entry) = self.storage.release(account, uidl).await? {
            let now = self.clock.wall();
            entry.expires = now.plus(self.patience().expiry);
            // It is in the outbox already: what fails from here on must not keep it out of the schedule.
            if let Err(error) = self.storage.update_outbox(entry.clone()).await {
                tracing::warn!(%error, id = %entry.id, "a released mail keeps the time it was to bounce at");
            }
            self.outbox.insert(self.waiting(&entry, true));
            self.outbox_changed(account, entry.id, "released from quarantine");
        }
        Ok(())
    }

    async fn cancel_claimed(
        &self,
        claimed: Claimed<'_>,
        entry: OutboxEntry,
    ) -> Result<Cancelled, StorageError> {
        let (id, account) = (entry.id, entry.account);
        match self.storage.finish_outbox(id, Outcome::Cancelled, Vec::new()).await {
            Ok(()) => {
                claimed.end(Next::Gone);
                self.left_outbox(id);
                self.outbox_changed(&account, id, "taken back by the user");
                Ok(Cancelled::Yes)
            }
            Err(StorageError::NotFound) => {
                claimed.end(Next::Gone);
                Ok(Cancelled::NotThere)
            }
            Err(error) => Err(error),
        }
    }

    /// Tells that the recipient has a mail, or never will.
    pub(crate) fn ended(&self, entry: &OutboxEntry, delivered: bool) {
        let after = self.clock.wall().since(entry.created);
        self.events.publish(Event::Ended { account: entry.account.clone(), id: entry.id, delivered, after });
    }

    pub(crate) fn outbox_changed(&self, account: &AccountName, id: MailId, what: &str) {
        tracing::info!(%account, %id, what, "outbox");
        self.events.publish(Event::OutboxChanged { account: account.clone(), id, what: what.to_owned() });
    }
}

#[cfg(test)]
mod tests;
