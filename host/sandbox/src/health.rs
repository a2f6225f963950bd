//! How a live component is doing.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mail::Wall;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Upper bounds of the timing histogram in microseconds; one more bucket holds what took longer.
pub const TIMING_BUCKETS: [u64; 8] = [50, 100, 250, 1000, 5000, 25_000, 100_000, 1_000_000];

/// Counts the calls of one live component.
#[derive(Debug, Default)]
pub(crate) struct Health {
    calls: AtomicU64,
    failures: AtomicU64,
    consecutive: AtomicU32,
    buckets: [AtomicU64; TIMING_BUCKETS.len() + 1],
    last_failure: Mutex<Option<(Wall, Failure)>>,
}

/// How a live component is doing, since it went live in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Calls that ended, failed ones included.
    pub calls: u64,
    /// Calls that failed by the component's fault.
    pub failures: u64,
    /// How many of them in a row, up to now.
    pub consecutive_failures: u32,
    /// The last failure, for people.
    pub last_failure: Option<String>,
    /// When that was.
    pub last_failure_at: Option<Wall>,
    /// Calls by duration: one number for each of [`TIMING_BUCKETS`], and one for what took longer.
    pub durations: Vec<u64>,
}

impl Health {
    /// Counts a call; returns how many failed in a row now.
    pub(crate) fn count(&self, failure: Option<&Failure>, duration: Duration, now: Wall) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = TIMING_BUCKETS.iter().position(|bound| micros <= *bound).unwrap_or(TIMING_BUCKETS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        match failure {
            Some(failure) if failure.is_components_fault() => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((now, failure.clone()));
                self.consecutive.fetch_add(1, Ordering::Relaxed) + 1
            }
            // The gateway's own trouble says nothing about the component.
            Some(_) => self.consecutive(),
            None => {
                self.consecutive.store(0, Ordering::Relaxed);
                0
            }
        }
    }

    /// Failures in a row up to now.
    pub(crate) fn consecutive(&self) -> u32 {
        self.consecutive.load(Ordering::Relaxed)
    }

    /// The figures as they are now.
    pub(crate) fn report(&self) -> HealthReport {
        let last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        HealthReport {
            calls: self.calls.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            consecutive_failures: self.consecutive(),
            last_failure: last.as_ref().map(|(_, failure)| failure.to_string()),
            last_failure_at: last.map(|(when, _)| when),
            durations: self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
        }
    }
}
