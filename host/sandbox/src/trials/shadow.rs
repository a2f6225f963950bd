//! Shadows: a component that is asked what the live one is asked, on real traffic, and whose answers are compared and not used.
//!
//! A shadow has a budget of its own (one thread for all of them, behind everything else; what finds no place in its queue is dropped
//! and counted), and a copy of the state of its own, made when it begins. DNS and contacts answer it as they answered the
//! live component. What the live one did not ask of DNS, nobody is asked: the answers are not compared then. One that fails again and again
//! is not asked any more. It ends with the process, with [`Sandbox::end_shadow`](crate::Sandbox::end_shadow), or when it goes live.

mod control;
mod kept_mail;
pub(crate) mod lane;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use mail::decision::mail_filter::MessageBytes;
use mail::{ComponentDigest, Wall};
use serde::Serialize;

use crate::capabilities::Capabilities;
use crate::engine::Engine;
use crate::engine::guest::Call;
use crate::engine::run;
use crate::engine::version::Version;
use crate::failure::Failure;
use crate::limits::{SHADOW_DIFFERENCES, SHADOW_FAILING_TIME, SHADOW_FAILURES};
use crate::questions::Question;
use crate::record::DecisionRecord;
use crate::slot::Slot;
use crate::slots::health::{Asked, Health, HealthReport};
use crate::slots::{Entry, SlotsKeeper};
use crate::trials::copied_state::CopiedState;
use crate::trials::difference::{Difference, Outcome};
use crate::trials::recorded::Recorded;

pub(crate) use kept_mail::KeptMail;

/// A component beside the live one of an entry.
pub(crate) struct Shadow {
    pub(crate) slot: Slot,
    pub(crate) entry: Arc<str>,
    pub(crate) version: Version,
    since: Wall,
    state: Arc<CopiedState>,
    capabilities: Capabilities,
    keeper: Arc<dyn SlotsKeeper>,
    health: Health,
    same: AtomicU64,
    dropped: AtomicU64,
    seen: Mutex<Seen>,
    failing: Mutex<Failing>,
    /// Why it is not asked any more.
    stopped: OnceLock<String>,
}

/// What a shadow did since it last answered.
#[derive(Default)]
struct Failing {
    calls: u32,
    time: Duration,
}

#[derive(Default)]
struct Seen {
    different: u64,
    differences: VecDeque<Difference>,
    not_compared: u64,
    not_compared_why: Option<String>,
}

/// How a shadow is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShadowReport {
    /// The slot.
    pub slot: Slot,
    /// The entry it runs beside.
    pub entry: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub sha256: ComponentDigest,
    /// Since when it runs.
    pub since: Wall,
    /// Answers like the live one's.
    pub same: u64,
    /// Answers that differ, failures included.
    pub different: u64,
    /// Calls it was not asked, because too many waited for its thread.
    pub dropped: u64,
    /// Calls that cannot be compared: the gateway's own trouble, a mail that was gone when the shadow wanted to read it, or a look-up in
    /// DNS that the live component did not make.
    pub not_compared: u64,
    /// The last reason of those.
    pub not_compared_why: Option<String>,
    /// Why it is not asked any more, if so: it failed too often in a row.
    pub stopped: Option<String>,
    /// Calls, failures and durations.
    pub health: HealthReport,
    /// The newest differences, oldest first, at most [`SHADOW_DIFFERENCES`].
    pub differences: Vec<Difference>,
}

/// An answer differs from the live one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShadowDiffers {
    /// The slot.
    pub slot: Slot,
    /// The entry.
    pub entry: String,
    /// The shadow's version.
    pub sha256: ComponentDigest,
    /// The difference.
    pub difference: Difference,
}

/// What a shadow is asked.
pub(crate) struct Beside<Q> {
    pub(crate) entry: Arc<Entry>,
    pub(crate) call: Call,
    pub(crate) question: Q,
    pub(crate) source: Option<Arc<dyn MessageBytes>>,
    /// What the live component was asked and did; none if it was not asked.
    pub(crate) live: Option<DecisionRecord>,
}

impl Shadow {
    /// Asks the shadow soon, or counts that it was not asked. Does not wait.
    pub(crate) fn offer<Q: Question>(self: &Arc<Self>, engine: &Arc<Engine>, beside: Beside<Q>) {
        if self.stopped.get().is_some() {
            return;
        }
        let (shadow, of_job) = (Arc::clone(self), Arc::clone(engine));
        if !engine.shadows().offer(move || shadow.ask(&of_job, beside)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One that fails again and again has shown what it can; one that spins would keep a processor busy for ever.
    fn stop_if_failing(&self, failure: Option<&Failure>, duration: Duration) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failure) = failure else {
            *failing = Failing::default();
            return;
        };
        failing.calls += 1;
        failing.time += duration;
        if failing.calls >= SHADOW_FAILURES || failing.time >= SHADOW_FAILING_TIME {
            let (calls, time) = (failing.calls, failing.time.as_secs());
            let why =
                format!("it failed {calls} times in a row, for {time} s; the last time, {}", failure.kind());
            if self.stopped.set(why).is_ok() {
                tracing::warn!(slot = %self.slot, name = self.version.name, "a shadow fails and is not asked any more");
            }
        }
    }

    /// On the thread of shadows.
    fn ask<Q: Question>(&self, engine: &Engine, beside: Beside<Q>) {
        if self.stopped.get().is_some() {
            return;
        }
        let calls = beside.live.as_ref().map(|live| live.capability_calls.clone()).unwrap_or_default();
        let contacts = Some(Arc::clone(&self.capabilities.contacts));
        let recorded = Arc::new(Recorded::new(calls, contacts));
        let capabilities = Capabilities {
            state: Arc::clone(&self.state) as _,
            dns: Arc::clone(&recorded) as _,
            contacts: Arc::clone(&recorded) as _,
            recorder: Arc::clone(&self.capabilities.recorder),
        };
        let Beside { entry, call, question, source, live } = beside;
        let shown_as = format!("{} (shadow {})", self.entry, self.version.name).into();
        let call = Call { shown_as, ..call };
        let begin = engine.clock().monotonic();
        let asked = run::ask(
            engine,
            &capabilities,
            &self.version.prepared,
            &call,
            &entry.settings,
            &question,
            source,
        );
        let duration = engine.clock().monotonic().since(begin);
        let outcome: Outcome = asked.answer.map(|answer| crate::record::json(&answer));
        let counted = Asked::new(Q::FUNCTION, question.direction(), call.account.clone());
        self.health.count(&counted, outcome.as_ref().err(), duration, call.now);
        self.stop_if_failing(
            outcome.as_ref().err().filter(|failure| failure.is_components_fault()),
            duration,
        );
        if let Some(live) = live {
            self.compare(&live, &outcome, recorded.missing());
        }
    }

    /// `missing`: what the shadow asked and nobody answered.
    fn compare(&self, live: &DecisionRecord, shadow: &Outcome, missing: Option<String>) {
        let why = missing.or_else(|| incomparable(&live.outcome)).or_else(|| incomparable(shadow));
        if let Some(why) = why {
            let mut seen = self.seen();
            seen.not_compared += 1;
            seen.not_compared_why = Some(why);
            return;
        }
        if live.outcome == *shadow {
            self.same.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let difference = {
            let mut seen = self.seen();
            seen.different += 1;
            let difference = Difference::new(seen.different, live, shadow);
            if seen.differences.len() >= SHADOW_DIFFERENCES {
                seen.differences.pop_front();
            }
            seen.differences.push_back(difference.clone());
            difference
        };
        let entry = self.entry.to_string();
        self.keeper.shadow_differs(ShadowDiffers {
            slot: self.slot,
            entry,
            sha256: self.version.digest,
            difference,
        });
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is doing.
    pub(crate) fn report(&self) -> ShadowReport {
        let health = self.health.report();
        let seen = self.seen();
        ShadowReport {
            slot: self.slot,
            entry: self.entry.to_string(),
            name: self.version.name.clone(),
            sha256: self.version.digest,
            since: self.since,
            same: self.same.load(Ordering::Relaxed),
            different: seen.different,
            dropped: self.dropped.load(Ordering::Relaxed),
            not_compared: seen.not_compared,
            not_compared_why: seen.not_compared_why.clone(),
            stopped: self.stopped.get().cloned(),
            health,
            differences: seen.differences.iter().cloned().collect(),
        }
    }
}

/// The gateway's own trouble says nothing about either component.
fn incomparable(outcome: &Outcome) -> Option<String> {
    let failure = outcome.as_ref().err()?;
    (!failure.is_components_fault()).then(|| failure.kind().to_string())
}
