//! What happens in the gateway, for those who watch: a bounded log of events with increasing ids.
//!
//! `GET /api/v1/events` streams it as server-sent events (WHATWG HTML, section 9.2): `id` is the event's number, `data`
//! one line of JSON ([`Event`]), which names its kind: a listener hears kinds it does not know, too. A client that comes back sends `Last-Event-ID` and gets what it missed,
//! as far as it is still kept. What it missed for good is told by an event of type `gap` (and shows as a jump of ids):
//! it should read the state again. With `?account=NAME` only that account's events come, and those of no account.
//!
//! Ids also increase over restarts, as long as the wall clock does.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail::{AccountName, Clock};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::dto::{Event, FORGOTTEN, Timestamp};
use crate::limits::{EVENT_BYTES, EVENTS_KEPT};

/// The log. Cheap to clone; clones are the same log.
#[derive(Clone)]
pub struct EventLog(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    kept: usize,
    ring: Mutex<Ring>,
    /// The id of the newest event.
    newest: watch::Sender<u64>,
}

struct Ring {
    next: u64,
    events: VecDeque<Arc<Event>>,
}

impl EventLog {
    /// An empty log that keeps [`EVENTS_KEPT`] events.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::keeping(clock, EVENTS_KEPT)
    }

    /// An empty log that keeps `kept` events, 1 at least.
    #[must_use]
    pub fn keeping(clock: Arc<dyn Clock>, kept: usize) -> Self {
        // A thousand events a millisecond are never reached: ids of the next run are larger than those of this
        // one. They stay below 2^53 until the year 2255, so JavaScript reads them.
        let next = clock.wall().0.saturating_mul(1000).saturating_add(1);
        let ring = Mutex::new(Ring { next, events: VecDeque::new() });
        Self(Arc::new(Inner { clock, kept: kept.max(1), ring, newest: watch::Sender::new(next - 1) }))
    }

    /// Adds an event; never blocks for long, never fails. Data of more than [`EVENT_BYTES`] as JSON (or that does not become
    /// JSON) is replaced by a note.
    pub fn publish(&self, kind: &str, account: Option<&AccountName>, data: &impl Serialize) {
        let data = match serde_json::to_value(data) {
            Ok(data) if data.to_string().len() <= EVENT_BYTES => data,
            _ => serde_json::json!({ "left-out": "too large for an event" }),
        };
        let time = Timestamp(self.0.clock.wall());
        let mut ring = self.ring();
        let id = ring.next;
        ring.next = id.saturating_add(1);
        if ring.events.len() >= self.0.kept {
            ring.events.pop_front();
        }
        let event = Event { id, time, kind: kind.to_owned(), account: account.cloned(), data };
        ring.events.push_back(Arc::new(event));
        self.0.newest.send_replace(id);
    }

    /// Forgets the events of a removed account, so that the next account of its name does not see
    /// them. Their places stay, so that listeners miss nothing else.
    pub fn forget(&self, account: &AccountName) {
        for event in &mut self.ring().events {
            if event.account.as_ref() == Some(account) {
                let (id, time) = (event.id, event.time);
                let kind = FORGOTTEN.to_owned();
                *event = Arc::new(Event { id, time, kind, account: None, data: Value::Null });
            }
        }
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        let newest = self.0.newest.subscribe();
        let seen = *newest.borrow();
        Listener { log: self.clone(), newest, seen }
    }

    /// Listens from the event after `id`.
    #[must_use]
    pub fn listen_after(&self, id: u64) -> Listener {
        Listener { seen: id, ..self.listen() }
    }

    /// Where its times come from.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clone()
    }

    /// The newest events that `is_wanted`, newest first, at most `most`.
    pub(crate) fn newest(&self, most: usize, is_wanted: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        self.ring().events.iter().rev().filter(|event| is_wanted(event)).take(most).cloned().collect()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes after event `seen`.
    fn after(&self, seen: u64) -> Next {
        let ring = self.ring();
        let newest = ring.next - 1;
        let oldest = ring.events.front().map_or(ring.next, |event| event.id);
        if seen > newest {
            // An id of another run, with another clock.
            return Next::Gap { seen: newest };
        }
        if seen + 1 < oldest {
            return Next::Gap { seen: oldest - 1 };
        }
        let index = usize::try_from(seen + 1 - oldest).unwrap_or(usize::MAX);
        ring.events.get(index).cloned().map_or(Next::Nothing, Next::Event)
    }
}

enum Next {
    Event(Arc<Event>),
    Gap { seen: u64 },
    Nothing,
}

impl fmt::Debug for EventLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EventLog").field("newest", &*self.0.newest.borrow()).finish_non_exhaustive()
    }
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An event.
    Event(Arc<Event>),
    /// Events were missed; the next one is `after + 1`.
    Gap {
        /// The newest id that is gone.
        after: u64,
    },
}

/// Hears events in order. It holds only its place: a slow listener costs no memory and misses
/// events that are no longer kept.
#[derive(Debug)]
pub struct Listener {
    log: EventLog,
    newest: watch::Receiver<u64>,
    seen: u64,
}

impl Listener {
    /// The next event, when there is one. May be dropped at any time without losing an event.
    pub async fn next(&mut self) -> Heard {
        loop {
            // Marked as seen before looking: what is published meanwhile wakes the wait below.
            self.newest.mark_unchanged();
            match self.log.after(self.seen) {
                Next::Event(event) => {
                    self.seen = event.id;
                    return Heard::Event(event);
                }
                Next::Gap { seen } => {
                    self.seen = seen;
                    return Heard::Gap { after: seen };
                }
                Next::Nothing => {
                    // The log lives as long as this listener: the sender cannot be gone.
                    let _ = self.newest.changed().await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
