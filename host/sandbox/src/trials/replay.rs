//! Replays: a component is asked what was decided before, and its answers are compared with the recorded ones.
//!
//! Capability calls answer as they were recorded; what was not recorded cannot be answered, and the decision counts as not replayed.
//! The state is a copy of what it is now. Filters read mails that are still stored. Nothing a replay does is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mail::decision::mail_filter::{Feedback, MailFacts, MessageBytes};
use mail::decision::policy::{Deposit, FriendRequest, Retry, Submission};
use mail::decision::relay_selector::Select;
use mail::decision::resolver::Resolve;
use mail::{Cause, ComponentDigest, Monotonic};
use serde::Serialize;

use crate::awaited::Awaited;
use crate::capabilities::{Capabilities, StateError};
use crate::engine::Engine;
use crate::engine::guest::Call;
use crate::engine::run;
use crate::engine::version::Version;
use crate::failure::FailureKind;
use crate::limits::{REPLAY_DIFFERENCE_BYTES, REPLAY_DIFFERENCES, REPLAY_REASONS, REPLAY_TIME};
use crate::questions::Question;
use crate::questions::words::without_words;
use crate::record::{DecisionRecord, json};
use crate::slot::Slot;
use crate::slots::sandbox::Sandbox;
use crate::slots::{Entry, SwapError};
use crate::trials::copied_state::{CopiedState, Space};
use crate::trials::difference::{Difference, Outcome};
use crate::trials::recorded::Recorded;

/// The decisions a replay goes through, and the mails they were about. Called on a thread that may block.
pub trait History: Send + 'static {
    /// The next decision of the slot, oldest first; none at the end.
    ///
    /// # Errors
    /// Why it cannot be read: it is counted, and the next one asked for.
    fn next(&mut self) -> Option<Result<(u64, DecisionRecord), NotReplayed>>;

    /// The mail that a filter was asked about; none if it is no longer stored.
    fn mail(&mut self, record: &DecisionRecord, facts: &MailFacts) -> Option<Arc<dyn MessageBytes>>;
}

/// Why a decision cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayed {
    /// Its record is of another slot.
    #[error("it was another slot's")]
    OtherSlot,
    /// Its record has less than the facts.
    #[error("its record was too large and was cut")]
    Cut,
    /// The component was not to blame for the recorded failure.
    #[error("the gateway itself failed then")]
    GatewayFailed,
    /// Its record is not one of this version.
    #[error("it was recorded by another version of the gateway")]
    OtherVersion,
    /// Its facts are not those of this version.
    #[error("its facts were recorded by another version of the gateway")]
    OtherFacts,
    /// The mail that it was about was deleted, or delivered elsewhere.
    #[error("the mail is no longer stored")]
    MailGone,
    /// The component asked for something that the recorded call did not ask for.
    #[error("{0}")]
    NotRecorded(String),
    /// The component could not be asked now.
    #[error("{0}")]
    Failed(FailureKind),
    /// The state that it begins with cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The records cannot be read from there on.
    #[error("the records from there on cannot be read: {0}")]
    Unreadable(#[source] Cause),
}

/// The component that is replayed.
#[derive(Debug)]
pub enum Candidate {
    /// One of the library.
    Known(ComponentDigest),
    /// The bytes of a file; they are not kept.
    File(Vec<u8>),
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// The slot.
    pub slot: Slot,
    /// The entry.
    pub entry: String,
    /// The component that was asked.
    pub sha256: ComponentDigest,
    /// Recorded decisions of the entry.
    pub decisions: u64,
    /// Answers as recorded.
    pub same: u64,
    /// Answers that differ, failures included.
    pub different: u64,
    /// The first differences, at most [`REPLAY_DIFFERENCES`].
    pub differences: Vec<Difference>,
    /// What could not be replayed: why, and how many decisions.
    pub not_replayed: BTreeMap<String, u64>,
    /// Whether it ended early, after [`REPLAY_TIME`].
    pub incomplete: bool,
    /// Time of all calls together.
    pub duration: Duration,
}

impl Sandbox {
    /// Asks a component what the live ones of an entry were asked. Runs on a thread of its own, behind everything else.
    ///
    /// # Errors
    /// [`SwapError`] if the component or the entry cannot be used.
    pub async fn replay(
        &self,
        slot: Slot,
        entry: Option<&str>,
        candidate: Candidate,
        history: impl History,
    ) -> Result<ReplayReport, SwapError> {
        let entry = self.entry(slot, entry)?;
        let version = match candidate {
            Candidate::Known(digest) => self.shared.library.version(slot, digest, &entry.limits).await?,
            Candidate::File(bytes) => self.shared.library.candidate(slot, bytes, &entry.limits).await?,
        };
        let (_waiter, awaited) = Awaited::by_somebody();
        let replay = Replay {
            awaited,
            engine: Arc::clone(&self.shared.engine),
            capabilities: self.shared.capabilities.clone(),
            report: ReplayReport {
                slot,
                entry: entry.name.to_string(),
                sha256: version.digest,
                decisions: 0,
                same: 0,
                different: 0,
                differences: Vec::new(),
                not_replayed: BTreeMap::new(),
                incomplete: false,
                duration: Duration::ZERO,
            },
            entry,
            version,
            state: Arc::new(CopiedState::default()),
            kept: 0,
        };
        let (sender, report) = tokio::sync::oneshot::channel();
        let stack_bytes = self.shared.engine.stack_bytes() + (4 << 20);
        let run = move || {
            if let Some(report) = supervisor::attempt_now("replay", || replay.run(history)) {
                // If nobody waits any more, nobody misses it.
                let _ = sender.send(report);
            }
        };
        let started = thread::Builder::new().name("replay".into()).stack_size(stack_bytes).spawn(run);
        started.map_err(|error| SwapError::Replay(Cause::new(error)))?;
        let failed = || SwapError::Replay(Cause::new("it failed within the gateway; its log says more"));
        report.await.map_err(|_| failed())
    }
}

/// A replay at work.
struct Replay {
    engine: Arc<Engine>,
    capabilities: Capabilities,
    entry: Arc<Entry>,
    version: Version,
    state: Arc<CopiedState>,
    report: ReplayReport,
    /// Bytes of the differences kept.
    kept: usize,
    awaited: Awaited,
}

impl Replay {
    /// Ends early when nobody waits any more.
    fn run(mut self, mut history: impl History) -> ReplayReport {
        if let Err(error) = rustix::process::nice(10) {
            tracing::debug!("a replay runs with ordinary priority: {error}");
        }
        let begin = self.now();
        while let Some(decision) = history.next() {
            if self.now().since(begin) > REPLAY_TIME || self.awaited.is_abandoned() {
                self.report.incomplete = true;
                break;
            }
            match decision {
                Ok((_, record)) if record.entry != *self.entry.name => {}
                Ok((id, record)) => {
                    self.report.decisions += 1;
                    match self.ask(&mut history, &record) {
                        Ok(outcome) => self.compare(id, &record, &outcome),
                        Err(why) => self.not_replayed(&why),
                    }
                }
                Err(why) => {
                    self.report.decisions += 1;
                    self.not_replayed(&why);
                }
            }
        }
        self.report
    }

    fn now(&self) -> Monotonic {
        self.engine.clock().monotonic()
    }

    fn compare(&mut self, id: u64, record: &DecisionRecord, outcome: &Outcome) {
        // What a record does not have cannot differ.
        let comparable = match record.words_left_out {
            true => without_words(outcome),
            false => outcome.clone(),
        };
        if record.outcome == comparable {
            self.report.same += 1;
            return;
        }
        self.report.different += 1;
        let difference = Difference::new(id, record, outcome);
        let bytes = difference.bytes();
        if self.report.differences.len() < REPLAY_DIFFERENCES && self.kept + bytes <= REPLAY_DIFFERENCE_BYTES
        {
            self.kept += bytes;
            self.report.differences.push(difference);
        }
    }

    fn not_replayed(&mut self, why: &NotReplayed) {
        let reasons = &mut self.report.not_replayed;
        let why = why.to_string();
        let why = if reasons.contains_key(&why) || reasons.len() < REPLAY_REASONS {
            why
        } else {
            "for other reasons".to_owned()
        };
        *reasons.entry(why).or_default() += 1;
    }

    /// The answer to a recorded question, or why it cannot be asked.
    fn ask(&mut self, history: &mut impl History, record: &DecisionRecord) -> Result<Outcome, NotReplayed> {
        if record.slot != self.report.slot {
            return Err(NotReplayed::OtherSlot);
        }
        if record.is_cut {
            return Err(NotReplayed::Cut);
        }
        if record.outcome.as_ref().is_err_and(|failure| !failure.is_components_fault()) {
            return Err(NotReplayed::GatewayFailed);
        }
        match record.function.as_str() {
            Submission::FUNCTION => self.question::<Submission>(record, None),
            FriendRequest::FUNCTION => self.question::<FriendRequest>(record, None),
            Retry::FUNCTION => self.question::<Retry>(record, None),
            Deposit::FUNCTION => self.question::<Deposit>(record, None),
            Resolve::FUNCTION => self.question::<Resolve>(record, None),
            Select::FUNCTION => self.question::<Select>(record, None),
            MailFacts::FUNCTION => {
                let facts: MailFacts = facts(record)?;
                let mail = history.mail(record, &facts).ok_or(NotReplayed::MailGone)?;
                self.question::<MailFacts>(record, Some(mail))
            }
            Feedback::FUNCTION => {
                let feedback: Feedback = facts(record)?;
                let mail = history.mail(record, &feedback.facts).ok_or(NotReplayed::MailGone)?;
                self.question::<Feedback>(record, Some(mail))
            }
            _ => Err(NotReplayed::OtherVersion),
        }
    }

    fn question<Q: Question>(
        &mut self,
        record: &DecisionRecord,
        source: Option<Arc<dyn MessageBytes>>,
    ) -> Result<Outcome, NotReplayed> {
        let question: Q = facts(record)?;
        self.copy_state(record)?;
        let recorded = Arc::new(Recorded::new(record.capability_calls.clone(), None));
        let capabilities = Capabilities {
            state: Arc::clone(&self.state) as _,
            dns: Arc::clone(&recorded) as _,
            contacts: Arc::clone(&recorded) as _,
            recorder: Arc::clone(&self.capabilities.recorder),
        };
        let call = Call {
            shown_as: format!("{} (replay of {})", self.entry.name, self.version.name).into(),
            state: self.entry.space(&self.version),
            account: record.account.clone(),
            now: record.when,
            limits: Arc::clone(&self.entry.limits),
            seat: None,
            awaited: self.awaited.clone(),
        };
        let begin = self.now();
        let asked = run::ask(
            &self.engine,
            &capabilities,
            &self.version.prepared,
            &call,
            &self.entry.settings,
            &question,
            source,
        );
        self.report.duration += self.now().since(begin);
        if let Some(missing) = recorded.missing() {
            return Err(NotReplayed::NotRecorded(missing));
        }
        match asked.answer {
            Err(failure) if !failure.is_components_fault() => Err(NotReplayed::Failed(failure.kind())),
            answer => Ok(answer.map(|answer| json(&answer))),
        }
    }

    /// An account's state begins as it is now.
    fn copy_state(&self, record: &DecisionRecord) -> Result<(), NotReplayed> {
        if self.state.has(&record.account) {
            return Ok(());
        }
        // That of the live component: what was decided was decided with it.
        let live = self.entry.space(&self.entry.live.load().version);
        let space = self.capabilities.state.snapshot(&live, &record.account);
        self.state.put(record.account.clone(), Space(space?));
        Ok(())
    }
}

fn facts<T: serde::de::DeserializeOwned>(record: &DecisionRecord) -> Result<T, NotReplayed> {
    serde_json::from_str(&record.facts).map_err(|_| NotReplayed::OtherFacts)
}
