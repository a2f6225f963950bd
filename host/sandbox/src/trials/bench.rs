//! The test bench: a component in the real sandbox, asked what a case file says, with everything else made up. No gateway runs.
//!
//! A case file (TOML) says what the component is told, what state, DNS and contacts answer, and what is expected:
//!
//! ```toml
//! about = "nobody is woken at night"
//! now = 2026-11-22T23:30:00Z
//!
//! [settings]
//! quiet-from = "22:00"
//!
//! [[call]]
//! ask = { next-attempt = { attempts = 3, problem = { status = "4.4.1", text = "offline" } } }
//! answer = { after = 23400 }
//! ```
//!
//! Names and units are those of the WIT package; what is left out has a plain default. In expected texts `*` stands for anything, and
//! of records only the named fields are compared. Calls of a file share the state, so what one learns the next one knows.

mod ask;
mod case;
mod conformance;
mod expect;
mod world;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mail::Wall;
use mail::decision::mail_filter::MessageBytes;
use serde::Serialize;
use serde_json::Value;
use wasmtime::component::Component;

pub use case::{Case, InvalidCase};
pub use conformance::cases as conformance_cases;

use crate::awaited::Awaited;
use crate::capabilities::Capabilities;
use crate::engine::Engine;
use crate::engine::guest::Call;
use crate::engine::run;
use crate::engine::version::Prepared;
use crate::failure::Failure;
use crate::library::cache::load_fresh;
use crate::library::check::{self, Refused};
use crate::library::compile::{CompileError, CompileMode, compile};
use crate::library::error::LibraryError;
use crate::library::fitting::fitting;
use crate::limits::BENCH_STACK_BYTES;
use crate::questions::Question;
use crate::questions::validate::one_line;
use crate::record::LogLine;
use crate::slot::Slot;
use ask::Ask;
use world::World;

/// A component on the bench.
pub struct Bench {
    engine: Arc<Engine>,
    component: Component,
    prepared: Vec<(Slot, Prepared)>,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Bench").field(&self.slots()).finish()
    }
}

/// One call of a case, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallReport {
    /// The function of the slot's interface.
    pub function: &'static str,
    /// The answer in the words of the WIT package, or why there is none.
    pub answer: Result<Value, Failure>,
    /// What is not as expected; none if all is, or nothing was expected but an answer.
    pub unexpected: Option<String>,
    /// How long the call took, a fresh instance included.
    pub duration: Duration,
    /// Linear memory at the end, in bytes.
    pub memory_bytes: u64,
    /// What it logged.
    pub log: Vec<LogLine>,
}

impl Bench {
    /// Checks and compiles a component, where and within what limits `mode` says. Takes up to half a minute for an interpreter.
    ///
    /// # Errors
    /// [`LibraryError`], the same as adding it would give.
    pub fn new(engine: &Arc<Engine>, mode: &CompileMode, component: &[u8]) -> Result<Self, LibraryError> {
        let candidates = check::slots(component)?;
        let wasm = engine.wasm().engine();
        let compiled = compile(mode, wasm, engine.stack_bytes(), component, &Awaited::default())?;
        let component = load_fresh(wasm, compiled)
            .map_err(|error| CompileError::Invalid(one_line(&format!("{error:#}"), 1000)))?;
        Self::of(engine, &candidates, &component)
    }

    /// A component that is compiled already.
    pub(crate) fn of(
        engine: &Arc<Engine>,
        candidates: &[Slot],
        component: &Component,
    ) -> Result<Self, LibraryError> {
        let prepared = fitting(engine.wasm(), candidates, component)?;
        Ok(Self { engine: Arc::clone(engine), component: component.clone(), prepared })
    }

    /// The slots whose conformance cases the component answers, each call with any valid answer. Ends early when nobody waits any more.
    ///
    /// # Errors
    /// [`Refused::Conformance`] with the first failure if there is no such slot.
    pub fn conforming(&self, awaited: &Awaited) -> Result<Vec<Slot>, LibraryError> {
        let mut conforming = Vec::new();
        let mut first = None;
        for slot in self.slots() {
            match self.conforms(slot, awaited)? {
                None => conforming.push(slot),
                Some(refused) => first = first.or(Some(refused)),
            }
        }
        match first {
            Some(refused) if conforming.is_empty() => Err(refused.into()),
            _ => Ok(conforming),
        }
    }

    /// What is wrong with the component in a slot, if anything is.
    fn conforms(&self, slot: Slot, awaited: &Awaited) -> Result<Option<Refused>, LibraryError> {
        let case = conformance_cases(slot).map_err(|error| LibraryError::Conformance(error.to_string()))?;
        let reports = self.run_within(&case, Duration::MAX, awaited)?;
        if awaited.is_abandoned() {
            return Err(CompileError::Abandoned.into());
        }
        let failed = reports.into_iter().find_map(|report| {
            let failure = report.answer.err().filter(Failure::is_components_fault)?;
            Some((report.function, failure))
        });
        Ok(failed.map(|(function, failure)| Refused::Conformance {
            slot,
            case: case.about.clone(),
            function: function.to_owned(),
            failure: failure.to_string(),
        }))
    }

    /// The slots the component fits.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        self.prepared.iter().map(|(slot, _)| *slot).collect()
    }

    /// Asks everything a case says, in order. Blocks as long as that takes: each call has its time limit.
    ///
    /// # Errors
    /// If the component is not for the slot of a call, or no thread can be started.
    pub fn run(&self, case: &Case) -> Result<Vec<CallReport>, LibraryError> {
        self.run_within(case, Duration::MAX, &Awaited::default())
    }

    /// As [`Bench::run`], but no call begins after `time`: there are fewer reports than calls then. Once nobody waits any more the
    /// call under way ends too.
    ///
    /// # Errors
    /// As [`Bench::run`].
    pub fn run_within(
        &self,
        case: &Case,
        time: Duration,
        awaited: &Awaited,
    ) -> Result<Vec<CallReport>, LibraryError> {
        let begin = self.engine.clock().monotonic();
        let is_time_left = || !awaited.is_abandoned() && self.engine.clock().monotonic().since(begin) < time;
        let world = Arc::new(World::new(case));
        let other = self.with_stack(case.limits.stack_bytes)?;
        let prepared = other.as_ref().unwrap_or(&self.prepared);
        let asked = thread::scope(|scope| {
            let calls = case.calls.iter().take_while(|_| is_time_left());
            let run = || calls.map(|call| self.call(case, call, prepared, (&world, awaited))).collect();
            let thread = thread::Builder::new().name("bench".into()).stack_size(BENCH_STACK_BYTES);
            Ok(thread.spawn_scoped(scope, run)?.join())
        });
        asked
            .map_err(|error| LibraryError::Compile(CompileError::Failed(error)))?
            .map_err(|_| LibraryError::Stopped)?
    }

    /// The component with another stack limit than it is prepared for; none if that is the one.
    fn with_stack(&self, bytes: u64) -> Result<Option<Vec<(Slot, Prepared)>>, LibraryError> {
        let invalid = |error| CompileError::Invalid(one_line(&format!("{error:#}"), 1000));
        let wasm = self.engine.with_stack(bytes).map_err(invalid)?;
        if wasmtime::Engine::same(wasm.engine(), self.component.engine()) {
            return Ok(None);
        }
        let component = wasm.adopt(self.component.clone()).map_err(invalid)?;
        Ok(Some(fitting(&wasm, &self.slots(), &component)?))
    }

    fn call(
        &self,
        case: &Case,
        call: &case::CaseCall,
        prepared: &[(Slot, Prepared)],
        (world, awaited): (&Arc<World>, &Awaited),
    ) -> Result<CallReport, LibraryError> {
        let slot = call.ask.slot();
        let found = prepared.iter().find(|(fits, _)| *fits == slot);
        let Some((_, prepared)) = found else {
            return Err(LibraryError::WrongSlot { name: "under test".into(), slot });
        };
        let asked = Asking { bench: self, prepared, case, now: call.now, world, slot, awaited };
        let report = match &call.ask {
            Ask::AllowSubmission(question) => asked.ask(question, None),
            Ask::AcceptFriend(question) => asked.ask(question, None),
            Ask::NextAttempt(question) => asked.ask(question, None),
            Ask::AllowDeposit(question) => asked.ask(question, None),
            Ask::Resolve(question) => asked.ask(question, None),
            Ask::Select(question) => asked.ask(&question.question(), None),
            Ask::Filter(question) => asked.ask(&question.facts(), Some(call.mail())),
            Ask::Learn(question) => asked.ask(&question.feedback(), Some(call.mail())),
        };
        let unexpected = expect::unexpected(call, &report);
        Ok(CallReport { unexpected, ..report })
    }
}

/// One question being asked.
struct Asking<'a> {
    bench: &'a Bench,
    prepared: &'a Prepared,
    case: &'a Case,
    now: Wall,
    world: &'a Arc<World>,
    slot: Slot,
    awaited: &'a Awaited,
}

impl Asking<'_> {
    fn ask<Q: Question>(&self, question: &Q, source: Option<Arc<dyn MessageBytes>>) -> CallReport {
        let capabilities = Capabilities {
            state: Arc::clone(&self.world.state) as _,
            dns: Arc::clone(self.world) as _,
            contacts: Arc::clone(self.world) as _,
            recorder: Arc::clone(self.world) as _,
        };
        let call = Call {
            shown_as: "bench".into(),
            state: format!("{}/bench", self.slot).into(),
            account: self.case.account.clone(),
            now: self.now,
            limits: Arc::clone(&self.case.limits),
            seat: None,
            awaited: self.awaited.clone(),
        };
        let engine = &self.bench.engine;
        let begin = engine.clock().monotonic();
        let asked =
            run::ask(engine, &capabilities, self.prepared, &call, &self.case.settings, question, source);
        CallReport {
            function: Q::FUNCTION,
            answer: asked.answer.map(|answer| expect::in_wit_words(&answer)),
            unexpected: None,
            duration: engine.clock().monotonic().since(begin),
            memory_bytes: asked.memory,
            log: asked.transcript.log,
        }
    }
}

#[cfg(test)]
mod tests;
