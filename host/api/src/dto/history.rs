//! Figures of the last hour and days.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Slot, Timestamp};

/// What happened in this gateway lately. Minutes and hours without events are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// The last hour by the minute, oldest first.
    pub minutes: Vec<Slice>,
    /// The last 14 days by the hour, oldest first.
    pub hours: Vec<Slice>,
}

/// A minute or an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slice {
    /// When it began.
    pub start: Timestamp,
    /// Mails accepted from mail programs, one for each recipient.
    pub submitted: u64,
    /// Mails that reached their recipients.
    pub delivered: u64,
    /// Mails whose senders were told that they cannot be delivered.
    pub returned: u64,
    /// Mails that arrived here.
    pub arrived: u64,
    /// Arrived mails that a filter set aside.
    pub quarantined: u64,
    /// Times from submission to delivery.
    pub delivery: Times,
    /// Calls of components, by slot.
    pub components: BTreeMap<Slot, Times>,
}

/// A number of times, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Times {
    /// How many times.
    pub calls: u64,
    /// Their sum in microseconds.
    pub microseconds: u64,
    /// The longest, in microseconds.
    pub longest: u64,
}

impl Times {
    /// Adds one time.
    pub fn add(&mut self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.calls += 1;
        self.microseconds = self.microseconds.saturating_add(microseconds);
        self.longest = self.longest.max(microseconds);
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.microseconds = self.microseconds.saturating_add(other.microseconds);
        self.longest = self.longest.max(other.longest);
    }

    /// The mean time in microseconds; 0 if there is none.
    #[must_use]
    pub fn mean(self) -> u64 {
        self.microseconds.checked_div(self.calls).unwrap_or(0)
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self {
            start: Timestamp(mail::Wall(0)),
            submitted: 0,
            delivered: 0,
            returned: 0,
            arrived: 0,
            quarantined: 0,
            delivery: Times::default(),
            components: BTreeMap::new(),
        }
    }
}
