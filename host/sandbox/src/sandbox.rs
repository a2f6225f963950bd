//! The slots at work: typed calls, swaps, and going back to the last good version.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use mail::{AccountName, ComponentDigest, Wall};
use tokio::sync::{Mutex, Semaphore};

use crate::capabilities::{Capabilities, MessageSource};
use crate::engine::Engine;
use crate::failure::{CallError, Failure};
use crate::guest::Call;
use crate::library::Library;
use crate::limits::{FILTERS, NAME_BYTES};
use crate::mail_filter::{Feedback, Header, MailFacts, Verdict};
use crate::policy::{
    Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission,
    SubmissionAnswer,
};
use crate::question::Question;
use crate::record::{DecisionRecord, Transcript, json};
use crate::relay_selector::{Plan, Select};
use crate::resolver::{Resolve, ResolveAnswer};
use crate::run;
use crate::shadow::{Beside, KeptMail, Shadow};
use crate::slot::Slot;
use crate::slots::{Entry, EntryConfig, EntryStatus, FellBack, Live, SlotsConfig, SlotsKeeper, SwapError};
use crate::validate::one_line;
use crate::version::Version;

/// Failures in a row after which the last good version comes back by itself.
const FAILURES_BEFORE_FALLBACK: u32 = 5;

/// Header fields a whole chain of filters may add.
const HEADERS_OF_CHAIN: usize = 64;

/// The four slots and their live components.
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) library: Arc<Library>,
    pub(crate) capabilities: Capabilities,
    pub(crate) keeper: Arc<dyn SlotsKeeper>,
    pub(crate) entries: ArcSwap<Entries>,
    /// One for each slot at most.
    pub(crate) shadows: [ArcSwapOption<Shadow>; 4],
    /// One change at a time. Never held across a call of a component.
    pub(crate) changes: Mutex<()>,
}

/// Entries by slot; the filters in order.
pub(crate) type Entries = [Vec<Arc<Entry>>; 4];

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sandbox")
    }
}

impl Sandbox {
    /// Brings the components of `config` to life. An entry whose component cannot be loaded gets its last good one; if
    /// that fails too the sandbox does not start.
    ///
    /// # Errors
    /// [`SwapError`] for the first entry that cannot be filled.
    pub async fn start(
        engine: Arc<Engine>,
        library: Arc<Library>,
        capabilities: Capabilities,
        keeper: Arc<dyn SlotsKeeper>,
        config: SlotsConfig,
    ) -> Result<Self, SwapError> {
        let entries = build(&library, config).await?;
        let shared = Shared {
            engine,
            library,
            capabilities,
            keeper,
            entries: ArcSwap::from_pointee(entries),
            shadows: Default::default(),
            changes: Mutex::new(()),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Slot `policy`: may this be submitted?
    ///
    /// # Errors
    /// [`CallError`]: tell the mail program to try again (451). So for every call: the error means that no answer came.
    pub async fn allow_submission(
        &self,
        account: &AccountName,
        now: Wall,
        submission: Submission,
    ) -> Result<SubmissionAnswer, CallError> {
        self.decide(account, now, submission).await
    }

    /// Slot `policy`: accept this friend request?
    ///
    /// # Errors
    /// [`CallError`]: ask the user.
    pub async fn accept_friend(
        &self,
        account: &AccountName,
        now: Wall,
        request: FriendRequest,
    ) -> Result<FriendRequestAnswer, CallError> {
        self.decide(account, now, request).await
    }

    /// Slot `policy`: when is this tried again?
    ///
    /// # Errors
    /// [`CallError`]: use the built-in schedule.
    pub async fn next_attempt(
        &self,
        account: &AccountName,
        now: Wall,
        retry: Retry,
    ) -> Result<RetryAnswer, CallError> {
        self.decide(account, now, retry).await
    }

    /// Slot `policy`: may this cell be deposited?
    ///
    /// # Errors
    /// [`CallError`]: refuse it.
    pub async fn allow_deposit(
        &self,
        account: &AccountName,
        now: Wall,
        deposit: Deposit,
    ) -> Result<DepositAnswer, CallError> {
        self.decide(account, now, deposit).await
    }

    /// Slot `resolver`: whom does this address mean?
    ///
    /// # Errors
    /// [`CallError`]: tell the mail program to try again (451).
    pub async fn resolve(
        &self,
        account: &AccountName,
        now: Wall,
        question: Resolve,
    ) -> Result<ResolveAnswer, CallError> {
        self.decide(account, now, question).await
    }

    /// Slot `relay-selector`: where do copies of this mail wait?
    ///
    /// # Errors
    /// [`CallError`]: use no relay; the mail waits in the outbox.
    pub async fn select(
        &self,
        account: &AccountName,
        now: Wall,
        question: Select,
    ) -> Result<Plan, CallError> {
        self.decide(account, now, question).await
    }

    /// Slot `mail-filter`: the whole chain. The first verdict other than accept ends it; header fields add up in the order of the
    /// filters, at most 64.
    ///
    /// # Errors
    /// [`CallError`] of the first filter that fails: refuse an outgoing mail for now (451), deliver or quarantine an incoming one as the
    /// policy set says. A chain without filters accepts.
    pub async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        facts: MailFacts,
        mail: Arc<dyn MessageSource>,
    ) -> Result<Verdict, CallError> {
        let mut headers: Vec<Header> = Vec::new();
        for entry in self.chain() {
            let source = Some(Arc::clone(&mail));
            match self.shared.call(&entry, account, now, facts.clone(), source).await? {
                Verdict::Accept(more) => headers.extend(more),
                verdict => return Ok(verdict),
            }
        }
        headers.truncate(HEADERS_OF_CHAIN);
        Ok(Verdict::Accept(headers))
    }

    /// Slot `mail-filter`: tells each filter that learns what the user decided.
    ///
    /// # Errors
    /// [`CallError`] of the first filter that fails; the others were told all the same.
    pub async fn learn(
        &self,
        account: &AccountName,
        now: Wall,
        feedback: Feedback,
        mail: Arc<dyn MessageSource>,
    ) -> Result<(), CallError> {
        let mut first = Ok(());
        for entry in self.chain() {
            if !learns(&entry.live.load().version) {
                self.shared.tell_shadow(&entry, account, now, &feedback, &mail);
                continue;
            }
            let told =
                self.shared.call(&entry, account, now, feedback.clone(), Some(Arc::clone(&mail))).await;
            first = first.and(told);
        }
        first
    }

    /// Every entry: what is live, and how it is doing.
    #[must_use]
    pub fn status(&self) -> Vec<EntryStatus> {
        self.shared.entries.load().iter().flatten().map(|entry| entry.status()).collect()
    }

    /// The configuration as it is kept.
    #[must_use]
    pub fn config(&self) -> SlotsConfig {
        self.shared.config(None)
    }

    /// Puts a component into an entry, in one step: calls in flight finish on the old version, later ones get the new one. `entry` may be
    /// left out where the slot has one only.
    ///
    /// # Errors
    /// [`SwapError`]; nothing is changed then.
    pub async fn use_component(
        &self,
        slot: Slot,
        entry: Option<&str>,
        component: ComponentDigest,
    ) -> Result<EntryStatus, SwapError> {
        let limits = Arc::clone(&self.entry(slot, entry)?.limits);
        let version = Arc::new(self.shared.library.version(slot, component, &limits).await?);
        let _one_at_a_time = self.shared.changes.lock().await;
        let entry = self.entry(slot, entry)?;
        check_size(&version, slot, &entry.name, entry.limits.compiled_bytes)?;
        let live = entry.live.load_full();
        let next = if live.version.digest == version.digest {
            // Put in again: its past failures are forgotten, and what to go back to stays.
            Live::new(version, live.last_good.clone())
        } else {
            Live::new(version, live.good_one())
        };
        self.go_live(&entry, next).await
    }

    /// Puts the earlier version back; the one that was live can come back by another rollback.
    ///
    /// # Errors
    /// [`SwapError::NothingToRollBack`], or as [`Sandbox::use_component`].
    pub async fn rollback(&self, slot: Slot, entry: Option<&str>) -> Result<EntryStatus, SwapError> {
        let _one_at_a_time = self.shared.changes.lock().await;
        let entry = self.entry(slot, entry)?;
        let live = entry.live.load_full();
        let earlier = live.last_good.clone().ok_or(SwapError::NothingToRollBack(slot))?;
        self.go_live(&entry, Live::new(earlier, Some(Arc::clone(&live.version)))).await
    }

    /// Puts a whole policy set to work, in one step: entries, order of filters, settings and limits. An entry that gets another component
    /// can go back to the one it has now, unless that one is failing.
    ///
    /// # Errors
    /// [`SwapError`]; nothing is changed then.
    pub async fn configure(&self, config: SlotsConfig) -> Result<(), SwapError> {
        let entries = build(&self.shared.library, config).await?;
        let _one_at_a_time = self.shared.changes.lock().await;
        for entry in entries.iter().flatten() {
            self.keep_good_one(entry);
        }
        self.save(config_of(&entries, None)).await?;
        self.shared.entries.store(Arc::new(entries));
        for slot in Slot::ALL {
            self.shared.end_needless_shadow(slot);
        }
        Ok(())
    }

    /// What an entry that is not live yet goes back to: what stands in its place now.
    fn keep_good_one(&self, entry: &Entry) {
        let Ok(place) = self.entry(entry.slot, Some(&entry.name)) else { return };
        let (now, next) = (place.live.load(), entry.live.load_full());
        let goes_back_to_now = next.last_good.as_ref().is_none_or(|good| good.digest == now.version.digest);
        if next.version.digest != now.version.digest && goes_back_to_now {
            entry.live.store(Arc::new(Live::new(Arc::clone(&next.version), now.good_one())));
        }
    }

    /// A call that goes to the one entry of a slot.
    async fn decide<Q: Question>(
        &self,
        account: &AccountName,
        now: Wall,
        question: Q,
    ) -> Result<Q::Answer, CallError> {
        let entries = self.shared.entries.load();
        let Some(entry) = entries.get(Q::SLOT.index()).and_then(|entries| entries.first()).cloned() else {
            return Err(CallError { slot: Q::SLOT, entry: None, failure: Failure::Missing });
        };
        self.shared.call(&entry, account, now, question, None).await
    }

    /// The filters as they stand now: a change in the middle of a mail does not reach it.
    fn chain(&self) -> Vec<Arc<Entry>> {
        self.shared.entries.load().get(Slot::MailFilter.index()).cloned().unwrap_or_default()
    }

    pub(crate) fn entry(&self, slot: Slot, name: Option<&str>) -> Result<Arc<Entry>, SwapError> {
        let entries = self.shared.entries.load();
        let entries = entries.get(slot.index()).map(Vec::as_slice).unwrap_or_default();
        match (name, entries) {
            (None, [only]) => Ok(Arc::clone(only)),
            (None, [_, ..]) => Err(SwapError::WhichEntry(slot)),
            (None, []) => Err(SwapError::NoEntry { slot, entry: slot.name().to_owned() }),
            (Some(name), entries) => {
                let found = entries.iter().find(|entry| &*entry.name == name).cloned();
                found.ok_or_else(|| SwapError::NoEntry { slot, entry: one_line(name, NAME_BYTES) })
            }
        }
    }

    /// First durable, then live.
    async fn go_live(&self, entry: &Arc<Entry>, next: Live) -> Result<EntryStatus, SwapError> {
        self.save(self.shared.config(Some((entry, &next)))).await?;
        entry.live.store(Arc::new(next));
        self.shared.end_needless_shadow(entry.slot);
        Ok(entry.status())
    }

    pub(crate) async fn save(&self, config: SlotsConfig) -> Result<(), SwapError> {
        let keeper = Arc::clone(&self.shared.keeper);
        let saved = tokio::task::spawn_blocking(move || keeper.save(&config)).await;
        saved.unwrap_or_else(|_| Err("the gateway is stopping".into())).map_err(SwapError::Keeper)
    }
}

impl Shared {
    /// The configuration, with one entry as it will be.
    fn config(&self, change: Option<(&Arc<Entry>, &Live)>) -> SlotsConfig {
        config_of(&self.entries.load(), change)
    }

    /// Asks one entry, on a thread of its slot.
    async fn call<Q: Question>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        account: &AccountName,
        now: Wall,
        question: Q,
        source: Option<Arc<dyn MessageSource>>,
    ) -> Result<Q::Answer, CallError> {
        let call = call(entry, account, now);
        let lane = self.engine.lane(Q::SLOT);
        let (answered, answer) = tokio::sync::oneshot::channel();
        let (shared, at) = (Arc::clone(self), Arc::clone(entry));
        let job = move || {
            shared.answer(&at, &call, &question, source, |answer| {
                // Nobody waits any more: the record is kept all the same.
                let _ = answered.send(answer);
            })
        };
        let error = |failure| CallError { slot: Q::SLOT, entry: Some(entry.name.to_string()), failure };
        lane.run(&entry.turns, job).await.map_err(error)?;
        answer.await.unwrap_or(Err(Failure::Stopped)).map_err(error)
    }

    /// Runs on a thread of the slot: asks, hands the answer on, then counts and records.
    fn answer<Q: Question>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        call: &Call,
        question: &Q,
        source: Option<Arc<dyn MessageSource>>,
        hand_on: impl FnOnce(Result<Q::Answer, Failure>),
    ) {
        let live = entry.live.load_full();
        let shadow = self.shadow_of(entry);
        let source = match &shadow {
            Some(_) => source.map(|source| Arc::new(KeptMail::new(source)) as Arc<dyn MessageSource>),
            None => source,
        };
        let clock = self.engine.clock();
        let begin = clock.monotonic();
        let asked = run::ask(
            &self.engine,
            &self.capabilities,
            &live.version.prepared,
            call,
            &entry.settings,
            question,
            source.clone(),
        );
        let (answer, transcript) = (asked.answer, asked.transcript);
        let duration = clock.monotonic().since(begin);

        let outcome = match &answer {
            Ok(answer) => Ok(json(answer)),
            Err(failure) => Err(failure.clone()),
        };
        hand_on(answer);
        let failed = live.health.count(outcome.as_ref().err(), duration, call.now);
        if failed >= FAILURES_BEFORE_FALLBACK {
            self.fall_back(entry, &live, &outcome);
        }
        let record = record::<Q>(entry, &live, call, question, outcome, transcript, duration);
        if let Some(shadow) = shadow {
            let (entry, live) = (Arc::clone(entry), Some(record.clone()));
            let beside = Beside { entry, call: call.clone(), question: question.clone(), source, live };
            shadow.offer(&self.engine, beside);
        }
        self.capabilities.recorder.record(record);
    }

    /// A filter that learns, beside one that does not.
    fn tell_shadow(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        account: &AccountName,
        now: Wall,
        feedback: &Feedback,
        mail: &Arc<dyn MessageSource>,
    ) {
        let Some(shadow) = self.shadow_of(entry).filter(|shadow| learns(&shadow.version)) else { return };
        let beside = Beside {
            entry: Arc::clone(entry),
            call: call(entry, account, now),
            question: feedback.clone(),
            source: Some(Arc::clone(mail)),
            live: None,
        };
        shadow.offer(&self.engine, beside);
    }

    /// The last good version comes back, unless something else changed meanwhile.
    fn fall_back(&self, entry: &Arc<Entry>, failed: &Arc<Live>, outcome: &Result<String, Failure>) {
        let Some(good) = failed.last_good.clone() else { return };
        let Ok(_one_at_a_time) = self.changes.try_lock() else { return };
        // A policy set may have put another entry in this one's place.
        let is_in_use = self.entries.load().iter().flatten().any(|used| Arc::ptr_eq(used, entry));
        if !is_in_use || !Arc::ptr_eq(&entry.live.load(), failed) {
            return;
        }
        let event = FellBack {
            slot: entry.slot,
            entry: entry.name.to_string(),
            from: failed.version.digest,
            to: good.digest,
            why: outcome.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        };
        let next = Live::new(good, None);
        if let Err(error) = self.keeper.save(&self.config(Some((entry, &next)))) {
            tracing::warn!("that the last good component is back could not be kept: {error}");
        }
        entry.live.store(Arc::new(next));
        self.keeper.fell_back(event);
    }
}

/// Entries as they are kept, with one as it will be.
fn config_of(entries: &Entries, change: Option<(&Arc<Entry>, &Live)>) -> SlotsConfig {
    let config = |entry: &Arc<Entry>| match change {
        Some((changed, next)) if Arc::ptr_eq(changed, entry) => entry.config(next),
        _ => entry.config(&entry.live.load()),
    };
    SlotsConfig { entries: entries.iter().flatten().map(config).collect() }
}

/// For whom and how an entry is asked.
fn call(entry: &Entry, account: &AccountName, now: Wall) -> Call {
    Call {
        entry: Arc::clone(&entry.name),
        state: Arc::clone(&entry.state),
        account: account.clone(),
        now,
        limits: Arc::clone(&entry.limits),
    }
}

/// Whether a filter hears what the user decides.
fn learns(version: &Version) -> bool {
    matches!(version.prepared.learning_mail_filter(), Ok(Some(_)))
}

fn record<Q: Question>(
    entry: &Entry,
    live: &Live,
    call: &Call,
    question: &Q,
    outcome: Result<String, Failure>,
    transcript: Transcript,
    duration: Duration,
) -> DecisionRecord {
    DecisionRecord {
        slot: Q::SLOT,
        function: Q::FUNCTION.to_owned(),
        entry: entry.name.to_string(),
        account: call.account.clone(),
        component: live.version.digest,
        facts: json(question),
        capability_calls: transcript.calls,
        capability_calls_dropped: transcript.calls_dropped,
        outcome,
        log: transcript.log,
        log_lines_dropped: transcript.log_dropped,
        when: call.now,
        duration,
    }
}

/// Loads what a configuration names.
async fn build(library: &Library, config: SlotsConfig) -> Result<Entries, SwapError> {
    check(&config)?;
    let mut entries = Entries::default();
    for entry in config.entries {
        let slot = entry.slot;
        if let Some(place) = entries.get_mut(slot.index()) {
            place.push(Arc::new(bring_to_life(library, entry).await?));
        }
    }
    Ok(entries)
}

/// An entry with its component loaded.
pub(crate) async fn bring_to_life(library: &Library, config: EntryConfig) -> Result<Entry, SwapError> {
    let last_good = match config.last_good {
        // That an old version is gone is no reason not to use the new one.
        Some(digest) => {
            let version = library.version(config.slot, digest, &config.limits).await.ok();
            version.filter(|version| version.compiled_bytes <= config.limits.compiled_bytes).map(Arc::new)
        }
        None => None,
    };
    let version = match library.version(config.slot, config.component, &config.limits).await {
        Ok(version) => {
            check_size(&version, config.slot, &config.entry, config.limits.compiled_bytes).map(|()| version)
        }
        Err(error) => Err(error.into()),
    };
    let live = match (version, last_good) {
        (Ok(version), last_good) => Live::new(Arc::new(version), last_good),
        (Err(error), Some(good)) => {
            tracing::warn!("entry {}: {error}; the last good component is used", config.entry);
            Live::new(good, None)
        }
        (Err(error), None) => return Err(error),
    };
    let turns = usize::try_from(config.limits.concurrency.clamp(1, 64)).unwrap_or(1);
    Ok(Entry {
        slot: config.slot,
        state: format!("{}/{}", config.slot, config.entry).into(),
        name: config.entry.into(),
        settings: config.settings,
        keeps_settings: config.keeps_settings,
        limits: Arc::new(config.limits),
        turns: Arc::new(Semaphore::new(turns)),
        live: ArcSwap::from_pointee(live),
    })
}

/// Whether the compiled form of a component is as small as its entry wants it.
pub(crate) fn check_size(version: &Version, slot: Slot, entry: &str, limit: u64) -> Result<(), SwapError> {
    if version.compiled_bytes <= limit {
        return Ok(());
    }
    let (name, bytes, entry) = (version.name.clone(), version.compiled_bytes, entry.to_owned());
    Err(SwapError::TooLarge { name, bytes, slot, entry, limit })
}

/// The rules of policy sets.
pub(crate) fn check(config: &SlotsConfig) -> Result<(), SwapError> {
    for slot in Slot::ALL {
        let names: Vec<&str> = config
            .entries
            .iter()
            .filter(|entry| entry.slot == slot)
            .map(|entry| entry.entry.as_str())
            .collect();
        let most = if slot == Slot::MailFilter { FILTERS } else { 1 };
        if names.len() > most {
            return Err(SwapError::Invalid(format!(
                "slot {slot} has {} entries; {most} at most",
                names.len()
            )));
        }
        for (place, name) in names.iter().enumerate() {
            if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
                return Err(SwapError::Invalid(format!("slot {slot} has an entry without a usable name")));
            }
            if names.iter().skip(place + 1).any(|other| other == name) {
                return Err(SwapError::Invalid(format!("slot {slot} has two entries called `{name}`")));
            }
        }
    }
    Ok(())
}
