//! The health of a live component: counts, durations, and whether it has to be replaced.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail::record::Direction;
use mail::{AccountName, Wall};
use serde::Serialize;

use crate::failure::{Failure, FailureSummary};
use crate::limits::{FAILED_OF_WINDOW, FAILURES_IN_A_ROW, GOOD_ANSWERS, HEALTH_ROWS, HEALTH_WINDOW};

/// Upper bounds of the timing histogram in microseconds; one more bucket holds what took longer.
pub const TIMING_BUCKETS: [u64; 8] = [50, 100, 250, 1000, 5000, 25_000, 100_000, 1_000_000];

/// What a call was for: a component may answer one function and fail in another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    /// The function.
    pub(crate) function: &'static str,
    /// Whether it was outgoing mail; None if there is no direction.
    pub(crate) is_outgoing: Option<bool>,
    /// The account that the call was for.
    pub(crate) account: AccountName,
}

impl Asked {
    /// A call of a function.
    pub(crate) fn new(function: &'static str, direction: Option<Direction>, account: AccountName) -> Self {
        let is_outgoing = direction.map(|direction| direction == Direction::Outgoing);
        Self { function, is_outgoing, account }
    }

    fn kind(&self) -> Kind {
        (self.function, self.is_outgoing)
    }
}

type Kind = (&'static str, Option<bool>);

/// Counts the calls of one live component.
#[derive(Debug, Default)]
pub(crate) struct Health {
    calls: AtomicU64,
    failures: AtomicU64,
    not_asked: AtomicU64,
    gateway_failures: AtomicU64,
    buckets: [AtomicU64; TIMING_BUCKETS.len() + 1],
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    /// By function and direction.
    kinds: BTreeMap<Kind, Row>,
    /// The same for each account, so that the answers for others do not hide that it fails for one.
    accounts: BTreeMap<Asked, Row>,
    /// Whether calls found a free place.
    places: Row,
    answered: u64,
    last_failure: Option<(Wall, FailureSummary)>,
}

/// The last calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    in_a_row: u32,
    /// One bit a call, the newest lowest; set where it failed.
    window: u32,
    known: u32,
}

impl Row {
    fn count(&mut self, failed: bool) {
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
        self.window = ((self.window << 1) | u32::from(failed)) & ((1 << HEALTH_WINDOW) - 1);
        self.known = (self.known + 1).min(HEALTH_WINDOW);
    }

    fn failed(self) -> u32 {
        self.window.count_ones()
    }

    /// Whether a component with such calls is replaced.
    fn is_hopeless(self) -> bool {
        self.in_a_row >= FAILURES_IN_A_ROW || self.failed() >= FAILED_OF_WINDOW
    }

    /// Whether people are told that the component fails.
    fn is_failing(self) -> bool {
        self.in_a_row > 0 || (self.known >= FAILURES_IN_A_ROW && self.failed() * 2 >= self.known)
    }
}

/// How a live component is doing, since it went live in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// Calls that ended, failed ones included.
    pub calls: u64,
    /// Calls that failed by the component's fault.
    pub failures: u64,
    /// Calls that were not made: no place became free in time, or the gateway was stopping.
    pub not_asked: u64,
    /// Calls that failed by the gateway's own fault: its storage, for instance.
    pub gateway_failures: u64,
    /// How many failed in a row up to now by the component's fault, in the function (and direction) where that is most.
    pub consecutive_failures: u32,
    /// Whether something is wrong: in some function the last call failed, or half of the last ones did, or calls were not made.
    pub is_failing: bool,
    /// The last failure, of whatever account.
    pub last_failure: Option<FailureSummary>,
    /// When that was.
    pub last_failure_at: Option<Wall>,
    /// Calls by duration: one number for each of [`TIMING_BUCKETS`], and one for what took longer.
    pub durations: Vec<u64>,
}

impl Health {
    /// Counts a call; true if the component is to be replaced: it failed [`FAILURES_IN_A_ROW`] times in a row, or in
    /// [`FAILED_OF_WINDOW`] of the last [`HEALTH_WINDOW`] calls, in one function and direction, for all or for one account.
    pub(crate) fn count(
        &self,
        asked: &Asked,
        failure: Option<&Failure>,
        duration: Duration,
        now: Wall,
    ) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = TIMING_BUCKETS.iter().position(|bound| micros <= *bound).unwrap_or(TIMING_BUCKETS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let mut rows = self.rows();
        rows.places.count(false);
        if let Some(failure) = failure {
            rows.last_failure =
                Some((now, FailureSummary { function: asked.function, kind: failure.kind() }));
            if !failure.is_components_fault() {
                // The gateway's own trouble says nothing about the component.
                self.gateway_failures.fetch_add(1, Ordering::Relaxed);
                return false;
            }
            self.failures.fetch_add(1, Ordering::Relaxed);
        } else {
            rows.answered += 1;
        }
        rows.count(asked, failure.is_some())
    }

    /// Counts a call that was not made.
    pub(crate) fn count_not_asked(&self, function: &'static str, failure: &Failure, now: Wall) {
        self.not_asked.fetch_add(1, Ordering::Relaxed);
        let mut rows = self.rows();
        rows.places.count(true);
        rows.last_failure = Some((now, FailureSummary { function, kind: failure.kind() }));
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most failures in a row up to now, of one function and direction.
    pub(crate) fn consecutive(&self) -> u32 {
        self.rows().in_a_row()
    }

    /// Whether it answered real calls, and none of its functions fails.
    pub(crate) fn is_good(&self) -> bool {
        let rows = self.rows();
        rows.answered >= GOOD_ANSWERS && !rows.is_failing()
    }

    /// Whether some function fails.
    pub(crate) fn is_failing(&self) -> bool {
        self.rows().is_failing()
    }

    /// The figures as they are now.
    pub(crate) fn report(&self) -> HealthReport {
        let rows = self.rows();
        let last = rows.last_failure;
        HealthReport {
            calls: self.calls.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            not_asked: self.not_asked.load(Ordering::Relaxed),
            gateway_failures: self.gateway_failures.load(Ordering::Relaxed),
            consecutive_failures: rows.in_a_row(),
            is_failing: rows.is_failing() || rows.places.failed() > 0,
            last_failure: last.map(|(_, failure)| failure),
            last_failure_at: last.map(|(when, _)| when),
            durations: self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
        }
    }
}

impl Rows {
    fn count(&mut self, asked: &Asked, failed: bool) -> bool {
        let kind = self.kinds.entry(asked.kind()).or_default();
        kind.count(failed);
        let is_hopeless = kind.is_hopeless();
        // An account that never failed needs no row.
        if failed && !self.accounts.contains_key(asked) && self.accounts.len() < HEALTH_ROWS {
            self.accounts.insert(asked.clone(), Row::default());
        }
        let Some(row) = self.accounts.get_mut(asked) else { return is_hopeless };
        row.count(failed);
        let is_hopeless = is_hopeless || row.is_hopeless();
        if row.failed() == 0 {
            self.accounts.remove(asked);
        }
        is_hopeless
    }

    fn in_a_row(&self) -> u32 {
        self.kinds.values().map(|row| row.in_a_row).max().unwrap_or_default()
    }

    fn is_failing(&self) -> bool {
        self.kinds.values().chain(self.accounts.values()).any(|row| row.is_failing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(function: &'static str, account: &str) -> Asked {
        Asked::new(function, None, account.parse().unwrap())
    }

    /// Counts answers (`.`) and failures (`x`) of alternating kinds; whether it is to be replaced at the end, and after how many.
    fn replaced(health: &Health, calls: &[(&Asked, char)]) -> Option<usize> {
        let failure = Failure::Trapped("x".into());
        calls.iter().position(|(asked, what)| {
            health.count(asked, (*what == 'x').then_some(&failure), Duration::ZERO, Wall(1))
        })
    }

    #[test]
    fn answers_of_another_function_do_not_hide_that_one_always_fails() {
        let (good, bad) = (asked("allow-submission", "anna"), asked("next-attempt", "anna"));
        let calls = [(&bad, 'x'), (&good, '.'), (&good, '.')].repeat(5);
        assert_eq!(replaced(&Health::default(), &calls), Some(12));
    }

    #[test]
    fn answers_for_outgoing_mail_do_not_hide_that_incoming_always_fails() {
        let of = |direction| Asked::new("filter", Some(direction), "anna".parse().unwrap());
        let (out, inc) = (of(Direction::Outgoing), of(Direction::Incoming));
        let calls = [(&inc, 'x'), (&out, '.'), (&out, '.'), (&out, '.')].repeat(5);
        assert_eq!(replaced(&Health::default(), &calls), Some(16));
    }

    #[test]
    fn answers_for_other_accounts_do_not_hide_that_it_fails_for_one() {
        let (anna, ben) = (asked("filter", "anna"), asked("filter", "ben"));
        let calls = [(&ben, 'x'), (&anna, '.'), (&anna, '.'), (&anna, '.'), (&anna, '.')].repeat(5);
        assert_eq!(replaced(&Health::default(), &calls), Some(20));
    }

    #[test]
    fn one_good_answer_in_five_is_not_health() {
        let anna = asked("filter", "anna");
        let calls = [(&anna, 'x'), (&anna, 'x'), (&anna, 'x'), (&anna, 'x'), (&anna, '.')].repeat(4);
        let health = Health::default();
        assert!(replaced(&health, &calls).is_some());
        assert!(health.report().is_failing && !health.is_good());
    }

    #[test]
    fn a_failure_now_and_then_is_forgiven() {
        let anna = asked("filter", "anna");
        let mut calls = vec![(&anna, 'x'), (&anna, 'x')];
        calls.extend([(&anna, '.'); 8]);
        let health = Health::default();
        assert_eq!(replaced(&health, &calls.repeat(20)), None);
        assert!(!health.report().is_failing && health.is_good());
        assert_eq!(health.report().failures, 40);
    }

    #[test]
    fn calls_that_were_not_made_show_and_are_not_the_components_fault() {
        let health = Health::default();
        health.count_not_asked("filter", &Failure::Busy, Wall(7));
        let report = health.report();
        assert_eq!((report.calls, report.failures, report.not_asked), (0, 0, 1));
        let busy = FailureSummary { function: "filter", kind: crate::failure::FailureKind::Busy };
        assert!(report.is_failing && report.last_failure == Some(busy));
        assert!(!health.is_failing());
        let disk = Failure::Gateway("the disk".into());
        assert!(!health.count(&asked("filter", "anna"), Some(&disk), Duration::ZERO, Wall(8)));
        assert_eq!((health.report().gateway_failures, health.report().failures), (1, 0));
    }
}
