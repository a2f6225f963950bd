//! What happened in the last hour and days, in figures: what the pages draw.
//!
//! Counts and times are added up for each minute of the last hour and each hour of the last days. Only minutes and hours in which
//! something happened take room. It is kept over restarts by whoever holds it: see [`History::save`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail::{Clock, Wall};
use serde::{Deserialize, Serialize};

use crate::dto::{self, Slice, Slot, Timestamp};
use crate::limits::{HISTORY_HOURS, HISTORY_MINUTES};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// The figures. Cheap to clone; clones are the same figures.
#[derive(Clone)]
pub struct History(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    spans: Mutex<Spans>,
}

/// Oldest first.
#[derive(Default, Serialize, Deserialize)]
struct Spans {
    minutes: VecDeque<Slice>,
    hours: VecDeque<Slice>,
}

impl History {
    /// Nothing happened yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, spans: Mutex::default() }))
    }

    /// Takes over what [`Self::save`] wrote. What cannot be read is left out: figures are not worth a failed start.
    pub fn restore(&self, saved: &[u8]) {
        match serde_json::from_slice::<Spans>(saved) {
            Ok(mut spans) => {
                // A file of somebody else may hold more than this program would.
                spans.minutes.truncate(HISTORY_MINUTES);
                spans.hours.truncate(HISTORY_HOURS);
                *self.spans() = spans;
            }
            Err(error) => {
                tracing::warn!(%error, "the figures of the last days cannot be read: they begin anew")
            }
        }
    }

    /// Everything as bytes, some hundred kilobytes at most.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        // Numbers and times cannot fail to become JSON.
        serde_json::to_vec(&*self.spans()).unwrap_or_default()
    }

    /// A mail was accepted from a mail program.
    pub fn submitted(&self) {
        self.add(|slice| slice.submitted += 1);
    }

    /// A mail left the outbox after this long: the recipient has it, or not.
    pub fn ended(&self, delivered: bool, after: Duration) {
        self.add(|slice| {
            if delivered {
                slice.delivered += 1;
                slice.delivery.add(after);
            } else {
                slice.returned += 1;
            }
        });
    }

    /// A mail arrived here.
    pub fn arrived(&self, quarantined: bool) {
        self.add(|slice| {
            slice.arrived += 1;
            slice.quarantined += u64::from(quarantined);
        });
    }

    /// A component was called and took this long.
    pub fn decided(&self, slot: Slot, took: Duration) {
        self.add(|slice| slice.components.entry(slot).or_default().add(took));
    }

    /// The figures as they are now.
    #[must_use]
    pub fn figures(&self) -> dto::History {
        let now = self.0.clock.wall();
        let spans = self.spans();
        let since =
            |width: u64, slices: usize| Wall(start(now, width).saturating_sub(width * (slices as u64 - 1)));
        let of = |slices: &VecDeque<Slice>, from: Wall| -> Vec<Slice> {
            slices.iter().filter(|slice| slice.start.0 >= from).cloned().collect()
        };
        dto::History {
            minutes: of(&spans.minutes, since(MINUTE, HISTORY_MINUTES)),
            hours: of(&spans.hours, since(HOUR, HISTORY_HOURS)),
        }
    }

    fn add(&self, change: impl Fn(&mut Slice)) {
        let now = self.0.clock.wall();
        let mut spans = self.spans();
        change(current(&mut spans.minutes, start(now, MINUTE), HISTORY_MINUTES));
        change(current(&mut spans.hours, start(now, HOUR), HISTORY_HOURS));
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.0.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("History(..)")
    }
}

const fn start(now: Wall, width: u64) -> u64 {
    now.0 - now.0 % width
}

/// The slice that starts at `start`. While the clock is before the newest slice, that slice goes
/// on.
fn current(slices: &mut VecDeque<Slice>, start: u64, most: usize) -> &mut Slice {
    if slices.back().is_none_or(|newest| newest.start.0.0 < start) {
        if slices.len() >= most {
            slices.pop_front();
        }
        slices.push_back(Slice { start: Timestamp(Wall(start)), ..Slice::default() });
    }
    let newest = slices.len() - 1;
    &mut slices[newest]
}

#[cfg(test)]
mod tests;
