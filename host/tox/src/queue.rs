//! The events of one instance, from its owning thread to its one consumer: in order, bounded per friend.
//!
//! The owning thread must never wait (it serves all friends), so a bound means dropping, never blocking:
//! of one friend at a time, told by [`Event::Overflow`], and ended by the consumer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail::PublicKey;
use tokio::sync::Notify;

use crate::event::{Connection, Event};
use crate::limits;

/// The events of one instance. Dropping it stops nothing; further events are thrown away.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
}

/// Both ends of the event queue.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    friends: HashMap<PublicKey, Backlog>,
    /// The own connection's changes are counted like a friend's.
    own: Changes,
    /// The cost of all waiting events of friends.
    bytes: usize,
    requests: usize,
    saved_data_changed: bool,
    /// The instance has stopped: what is here is all there will be.
    ended: bool,
    /// Nobody takes events any more.
    abandoned: bool,
}

/// What waits of one friend. Removed when nothing does.
#[derive(Debug, Default)]
struct Backlog {
    bytes: usize,
    overflowed: bool,
    connection: Changes,
}

/// Waiting changes of one connection.
#[derive(Debug, Default)]
struct Changes {
    waiting: usize,
    /// The newest, where too many wait for it to stand in the queue too.
    withheld: Option<Connection>,
}

impl Changes {
    /// Counts a change; `false` if it is withheld.
    fn add(&mut self, connection: Connection) -> bool {
        if self.waiting >= limits::UNDELIVERED_CONNECTION_CHANGES {
            self.withheld = Some(connection);
            return false;
        }
        self.waiting += 1;
        true
    }

    /// One was taken; gives the withheld one, once all before it are taken.
    fn take(&mut self) -> Option<Connection> {
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting > 0 {
            return None;
        }
        let withheld = self.withheld.take()?;
        self.waiting = 1;
        Some(withheld)
    }
}

impl Events {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// The next event; `None` when the instance has stopped and all its events were taken. May be cancelled.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            {
                let mut state = self.queue.state();
                if let Some(event) = state.pop() {
                    return Some(event);
                }
                if state.ended {
                    return None;
                }
            }
            self.queue.ready.notified().await;
        }
    }

    /// As [`Self::next`], but takes all that wait, at most `most` (one or more): cheaper where packets come by
    /// the thousand. Empty when the instance has stopped and all its events were taken. May be cancelled.
    pub async fn next_batch(&mut self, most: usize) -> Vec<Event> {
        let Some(first) = self.next().await else {
            return Vec::new();
        };
        let mut batch = vec![first];
        let mut state = self.queue.state();
        while batch.len() < most
            && let Some(event) = state.pop()
        {
            batch.push(event);
        }
        batch
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        *state = State { abandoned: true, ended: state.ended, ..State::default() };
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state whole: each change is made in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, or drops it where its bound says so. The consumer notices at [`Self::wake`].
    pub fn push(&self, event: Event) {
        let mut state = self.state();
        if !state.abandoned {
            state.push(event);
        }
    }

    /// Tells the consumer that events were added.
    pub fn wake(&self) {
        if !self.state().events.is_empty() {
            self.ready.notify_one();
        }
    }

    /// Takes events of this friend again.
    pub fn resume(&self, key: &PublicKey) {
        let mut state = self.state();
        if let Some(backlog) = state.friends.get_mut(key) {
            backlog.overflowed = false;
        }
        state.forget_if_empty(key);
    }

    /// The instance has stopped.
    pub fn end(&self) {
        self.state().ended = true;
        self.ready.notify_one();
    }
}

impl State {
    fn push(&mut self, event: Event) {
        let wanted = match &event {
            Event::SelfConnection(connection) => self.own.add(*connection),
            Event::FriendConnection { key, connection } => {
                self.friends.entry(*key).or_default().connection.add(*connection)
            }
            Event::SavedDataChanged => !std::mem::replace(&mut self.saved_data_changed, true),
            Event::FriendRequest { .. } => self.count_request(),
            Event::Receipt { key, .. } => {
                // As many as messages were sent: bounded by ourselves, so never dropped.
                self.add_cost(*key, cost(&event));
                true
            }
            Event::Packet { key, .. }
            | Event::Message { key, .. }
            | Event::Name { key, .. }
            | Event::StatusMessage { key, .. } => self.count_bytes(*key, cost(&event)),
            Event::Overflow { .. } => true,
        };
        if wanted {
            self.events.push_back(event);
        }
    }

    fn count_request(&mut self) -> bool {
        let room = self.requests < limits::UNDELIVERED_FRIEND_REQUESTS;
        if room {
            self.requests += 1;
        } else {
            tracing::debug!("a friend request was dropped: {} wait already", self.requests);
        }
        room
    }

    /// Whether an event of this cost still fits; the first that does not leaves an overflow event.
    fn count_bytes(&mut self, key: PublicKey, cost: usize) -> bool {
        let bound = if self.bytes > limits::UNDELIVERED_BYTES {
            limits::UNDELIVERED_BYTES_PER_FRIEND_CROWDED
        } else {
            limits::UNDELIVERED_BYTES_PER_FRIEND
        };
        let backlog = self.friends.entry(key).or_default();
        if backlog.overflowed {
            return false;
        }
        if backlog.bytes + cost > bound {
            backlog.overflowed = true;
            self.events.push_back(Event::Overflow { key });
            return false;
        }
        self.add_cost(key, cost);
        true
    }

    fn add_cost(&mut self, key: PublicKey, cost: usize) {
        self.friends.entry(key).or_default().bytes += cost;
        self.bytes += cost;
    }

    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        match &event {
            Event::SelfConnection(_) => {
                if let Some(withheld) = self.own.take() {
                    self.events.push_back(Event::SelfConnection(withheld));
                }
            }
            Event::FriendConnection { key, .. } => {
                let key = *key;
                let withheld = self.friends.get_mut(&key).and_then(|backlog| backlog.connection.take());
                if let Some(connection) = withheld {
                    self.events.push_back(Event::FriendConnection { key, connection });
                }
                self.forget_if_empty(&key);
            }
            Event::SavedDataChanged => self.saved_data_changed = false,
            Event::FriendRequest { .. } => self.requests = self.requests.saturating_sub(1),
            Event::Packet { key, .. }
            | Event::Message { key, .. }
            | Event::Receipt { key, .. }
            | Event::Name { key, .. }
            | Event::StatusMessage { key, .. } => self.uncount(key, cost(&event)),
            Event::Overflow { .. } => {}
        }
        Some(event)
    }

    fn uncount(&mut self, key: &PublicKey, cost: usize) {
        self.bytes = self.bytes.saturating_sub(cost);
        if let Some(backlog) = self.friends.get_mut(key) {
            backlog.bytes = backlog.bytes.saturating_sub(cost);
        }
        self.forget_if_empty(key);
    }

    fn forget_if_empty(&mut self, key: &PublicKey) {
        if self
            .friends
            .get(key)
            .is_some_and(|friend| friend.bytes == 0 && !friend.overflowed && friend.connection.waiting == 0)
        {
            self.friends.remove(key);
        }
    }
}

/// What an event counts while it waits.
fn cost(event: &Event) -> usize {
    let content = match event {
        Event::Packet { bytes, .. } => bytes.len(),
        Event::Message { text, .. } | Event::StatusMessage { text, .. } => text.len(),
        Event::Name { name, .. } => name.len(),
        _ => 0,
    };
    limits::EVENT_OVERHEAD_BYTES + content
}

#[cfg(test)]
mod tests;
