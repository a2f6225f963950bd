//! The slots at work: typed calls, swaps, and going back to the last good version.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use mail::decision::mail_filter::{Feedback, Header, MailFacts, MessageBytes, Verdict};
use mail::decision::policy::{
    Deposit, DepositAnswer, FriendRequest, FriendRequestAnswer, Retry, RetryAnswer, Submission,
    SubmissionAnswer,
};
use mail::decision::relay_selector::{Plan, Select};
use mail::decision::resolver::{Resolve, ResolveAnswer};
use mail::{AccountName, Cause, ComponentDigest, MailId, Wall};
use tokio::sync::{Mutex, Semaphore};

use crate::awaited::Awaited;
use crate::capabilities::{Capabilities, StateError};
use crate::engine::Engine;
use crate::engine::guest::Call;
use crate::engine::run;
use crate::engine::seat::Seat;
use crate::engine::version::Version;
use crate::failure::{CallError, Failure, FailureSummary};
use crate::library::Library;
use crate::limits::{FILTERS, HEADERS_OF_CHAIN, NAME_BYTES};
use crate::questions::Question;
use crate::questions::validate::one_line;
use crate::record::{DecisionRecord, LogLevel, Transcript, json};
use crate::slot::Slot;
use crate::slots::health::Asked;
use crate::slots::lines::StateVersion;
use crate::slots::{
    Entry, EntryConfig, EntryStatus, Fallback, FellBack, Live, LostFilter, SlotsConfig, SlotsKeeper,
    SwapError,
};
use crate::trials::shadow::{Beside, KeptMail, Shadow};

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
    /// Filters that cannot be read.
    pub(crate) lost_filters: ArcSwap<Vec<LostFilter>>,
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
    /// Brings the components of `config` to life. An entry whose component cannot be loaded gets its last good one, else the built-in one
    /// of its slot; only if that fails too the sandbox does not start.
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
        let lost_filters = ArcSwap::from_pointee(config.lost_filters.clone());
        let entries = build(&library, config, Otherwise::LastResort).await?;
        let shared = Shared {
            engine,
            library,
            capabilities,
            keeper,
            entries: ArcSwap::from_pointee(entries),
            lost_filters,
            shadows: Default::default(),
            changes: Mutex::new(()),
        };
        let sandbox = Self { shared: Arc::new(shared) };
        let live: Vec<Arc<Entry>> = sandbox.shared.entries.load().iter().flatten().cloned().collect();
        for entry in live {
            let version = entry.state_version(&entry.live.load());
            // A full disk does not keep a gateway from starting.
            if let Err(error) = sandbox.state_goes_live(vec![version]).await {
                tracing::error!("entry {} begins without state: {error}", entry.name);
            }
        }
        Ok(sandbox)
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
    /// policy set says. A chain without filters accepts; one of which a filter is lost fails, because what it would have said is
    /// not known.
    pub async fn filter(
        &self,
        account: &AccountName,
        now: Wall,
        facts: MailFacts,
        mail: Arc<dyn MessageBytes>,
    ) -> Result<Verdict, CallError> {
        if let Some(lost) = self.shared.lost_filters.load().first() {
            let failure = Failure::Lost(lost.why.clone());
            return Err(self.shared.without(&lost.entry, account, now, &facts, failure));
        }
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

    /// Slot `mail-filter`: the filters give no answer about this mail for a reason that lies outside of them:
    /// [`Failure::Deadly`], or [`Failure::Gateway`] where asking them failed in the gateway. It is counted and recorded
    /// as every failure, with the first filter.
    pub fn pass_by_filters(
        &self,
        account: &AccountName,
        now: Wall,
        facts: MailFacts,
        failure: Failure,
    ) -> CallError {
        let Some(entry) = self.chain().into_iter().next() else {
            return self.shared.without(Slot::MailFilter.name(), account, now, &facts, failure);
        };
        let call = call(&entry, &entry.live.load().version, account, now);
        log_trouble(Slot::MailFilter, &entry.name, &failure);
        self.shared.not_answered(&entry, call, facts, &failure);
        let entry = Some(entry.name.to_string());
        CallError { slot: Slot::MailFilter, entry, function: MailFacts::FUNCTION, failure }
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
        mail: Arc<dyn MessageBytes>,
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

    /// Every entry: the live component and its health.
    #[must_use]
    pub fn status(&self) -> Vec<EntryStatus> {
        self.shared.entries.load().iter().flatten().map(|entry| entry.status()).collect()
    }

    /// Filters that cannot be read. The chain fails until each of them is
    /// [removed](Self::remove_filter) or [added](Self::add_filter) again.
    #[must_use]
    pub fn lost_filters(&self) -> Vec<LostFilter> {
        self.shared.lost_filters.load().to_vec()
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
            let next = Live::new(version, live.last_good.clone()).with_proven(live.proven.clone());
            next.with_past(live.is_proven() && !live.health.is_failing(), None)
        } else {
            Live::new(version, live.good_one()).with_proven(live.proven_one())
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
        let is_proven = live.proven.as_ref().is_some_and(|proven| proven.digest == earlier.digest);
        let next = Live::new(earlier, Some(Arc::clone(&live.version))).with_proven(live.proven_one());
        self.go_live(&entry, next.with_past(is_proven, None)).await
    }

    /// Dismisses the notice that a component of an entry failed and another took its place.
    ///
    /// # Errors
    /// [`SwapError`]; the notice stays then.
    pub async fn seen(&self, slot: Slot, entry: Option<&str>) -> Result<EntryStatus, SwapError> {
        let _one_at_a_time = self.shared.changes.lock().await;
        let entry = self.entry(slot, entry)?;
        let live = entry.live.load_full();
        if live.fallback.is_some() {
            let next = Live::new(Arc::clone(&live.version), live.last_good.clone());
            let next = next.with_proven(live.proven.clone()).with_past(live.is_proven(), None);
            return self.go_live(&entry, next).await;
        }
        Ok(entry.status())
    }

    /// Puts a whole policy set to work, in one step: entries, order of filters, settings and limits. An entry that gets another component
    /// can go back to the one it has now, unless that one is failing.
    ///
    /// # Errors
    /// [`SwapError`]; nothing is changed then.
    pub async fn configure(&self, config: SlotsConfig) -> Result<(), SwapError> {
        let lost_filters = config.lost_filters.clone();
        let entries = build(&self.shared.library, config, Otherwise::Refuse).await?;
        let _one_at_a_time = self.shared.changes.lock().await;
        for entry in entries.iter().flatten() {
            self.keep_good_one(entry);
        }
        let versions = entries.iter().flatten().map(|entry| entry.state_version(&entry.live.load()));
        self.state_goes_live(versions.collect()).await?;
        self.save(config_of(&entries, lost_filters.clone(), None)).await?;
        self.shared.entries.store(Arc::new(entries));
        self.shared.lost_filters.store(Arc::new(lost_filters));
        for slot in Slot::ALL {
            self.shared.end_needless_shadow(slot);
        }
        Ok(())
    }

    /// Keeps the component that an entry which is not live yet goes back to: the one in its place
    /// now.
    fn keep_good_one(&self, entry: &Entry) {
        let Ok(place) = self.entry(entry.slot, Some(&entry.name)) else { return };
        let (now, next) = (place.live.load(), entry.live.load_full());
        let goes_back_to_now = next.last_good.as_ref().is_none_or(|good| good.digest == now.version.digest);
        let live = if next.version.digest == now.version.digest {
            let live = Live::new(Arc::clone(&next.version), next.last_good.clone());
            live.with_proven(now.proven.clone()).with_past(now.is_proven(), now.fallback.clone())
        } else {
            let last_good = if goes_back_to_now { now.good_one() } else { next.last_good.clone() };
            Live::new(Arc::clone(&next.version), last_good).with_proven(now.proven_one())
        };
        entry.live.store(Arc::new(live));
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
            let entry = Q::SLOT.name();
            return Err(self.shared.without(entry, account, now, &question, Failure::Missing));
        };
        self.shared.call(&entry, account, now, question, None).await
    }

    /// The filters as they are now: a change in the middle of a mail does not reach the mail.
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
        self.state_goes_live(vec![entry.state_version(&next)]).await?;
        self.save(self.shared.config(Some((entry, &next)))).await?;
        entry.live.store(Arc::new(next));
        self.shared.end_needless_shadow(entry.slot);
        Ok(entry.status())
    }

    /// Each version has its state before it is asked. What calls that are still under way write stays with the version that they asked.
    pub(crate) async fn state_goes_live(&self, versions: Vec<StateVersion>) -> Result<(), SwapError> {
        let state = Arc::clone(&self.shared.capabilities.state);
        let done = supervisor::blocking("slots", move || {
            versions.iter().try_for_each(|version| state.goes_live(version))
        });
        let done = done.await.unwrap_or_else(|error| Err(StateError::Unavailable(error.to_string())));
        done.map_err(SwapError::State)
    }

    pub(crate) async fn save(&self, config: SlotsConfig) -> Result<(), SwapError> {
        let keeper = Arc::clone(&self.shared.keeper);
        let saved = supervisor::blocking("slots", move || keeper.save(&config)).await;
        saved.unwrap_or_else(|error| Err(Cause::new(error))).map_err(SwapError::Keeper)
    }
}

impl Shared {
    /// The configuration, with one entry as it will be.
    fn config(&self, change: Option<(&Arc<Entry>, &Live)>) -> SlotsConfig {
        config_of(&self.entries.load(), self.lost_filters.load().to_vec(), change)
    }

    /// Asks one entry, on a thread of its slot.
    async fn call<Q: Question>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        account: &AccountName,
        now: Wall,
        question: Q,
        source: Option<Arc<dyn MessageBytes>>,
    ) -> Result<Q::Answer, CallError> {
        let account = account.clone();
        let not_asked = call(entry, &entry.live.load().version, &account, now);
        let unasked = question.clone();
        let lane = self.engine.lane(Q::SLOT);
        let (answered, answer) = tokio::sync::oneshot::channel();
        let (shared, at) = (Arc::clone(self), Arc::clone(entry));
        let job = move |seat: &Arc<Seat>| {
            // Asked is who is live when the call begins, with the state of that component.
            let live = at.live.load_full();
            let call = call(&at, &live.version, &account, now);
            shared.answer(&at, (&live, &call), seat, &question, source, |answer| {
                // Nobody waits any more: the record is kept all the same.
                let _ = answered.send(answer);
            })
        };
        let error = |failure| CallError {
            slot: Q::SLOT,
            entry: Some(entry.name.to_string()),
            function: Q::FUNCTION,
            failure,
        };
        if let Err(failure) = lane.run(&entry.turns, job).await {
            self.not_answered(entry, not_asked, unasked, &failure);
            return Err(error(failure));
        }
        answer.await.unwrap_or(Err(Failure::Stopped)).map_err(error)
    }

    /// A call that no thread took, or that failed within the host: it is counted and recorded as every other.
    fn not_answered<Q: Question>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        call: Call,
        question: Q,
        failure: &Failure,
    ) {
        let live = entry.live.load_full();
        if failure.is_busy() {
            live.health.count_not_asked(Q::FUNCTION, failure, call.now);
        } else {
            live.health.count(&asked(&question, &call), Some(failure), Duration::ZERO, call.now);
        }
        let outcome = Err(failure.clone());
        let transcript = Transcript::default();
        let record = record(entry, &live, &call, &question, outcome, transcript, Duration::ZERO);
        self.hand_to_recorder(record, question.mail());
    }

    /// Nobody can be asked: the slot is empty, or a filter of the chain is lost, and what it would have said is not
    /// known. The owner's log and the decisions of the account tell.
    fn without<Q: Question>(
        &self,
        entry: &str,
        account: &AccountName,
        now: Wall,
        question: &Q,
        failure: Failure,
    ) -> CallError {
        log_trouble(Q::SLOT, entry, &failure);
        let record = DecisionRecord::without_component(
            (Q::SLOT, Q::FUNCTION, entry),
            (account, now),
            json(question),
            failure.clone(),
        );
        self.hand_to_recorder(record, question.mail());
        CallError { slot: Q::SLOT, entry: Some(entry.to_owned()), function: Q::FUNCTION, failure }
    }

    /// Recorders may block. At the end of the process nobody reads the record any more.
    fn hand_to_recorder(&self, record: DecisionRecord, mail: Option<MailId>) {
        let recorder = Arc::clone(&self.capabilities.recorder);
        drop(supervisor::blocking("decision", move || recorder.record(record, mail)));
    }

    /// Runs on a thread of the slot: asks, hands the answer on, then counts and records.
    fn answer<Q: Question>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        (live, call): (&Arc<Live>, &Call),
        seat: &Arc<Seat>,
        question: &Q,
        source: Option<Arc<dyn MessageBytes>>,
        hand_on: impl FnOnce(Result<Q::Answer, Failure>),
    ) {
        let shadow = self.shadow_of(entry);
        let source = match &shadow {
            Some(_) => source.map(|source| Arc::new(KeptMail::new(source)) as Arc<dyn MessageBytes>),
            None => source,
        };
        let clock = self.engine.clock();
        let begin = clock.monotonic();
        let done = run::ask(
            &self.engine,
            &self.capabilities,
            &live.version.prepared,
            &Call { seat: Some(Arc::clone(seat)), ..call.clone() },
            &entry.settings,
            question,
            source.clone(),
        );
        let (answer, transcript) = (done.answer, done.transcript);
        let duration = clock.monotonic().since(begin);

        let outcome = match &answer {
            Ok(answer) => Ok(json(answer)),
            Err(failure) => Err(failure.clone()),
        };
        hand_on(answer);
        let failure = outcome.as_ref().err();
        log_for_the_owner(entry, call, failure, &transcript);
        let is_hopeless = live.health.count(&asked(question, call), failure, duration, call.now);
        if let Some(failure) = failure.filter(|_| is_hopeless) {
            let why = FailureSummary { function: Q::FUNCTION, kind: failure.kind() };
            self.fall_back(entry, live, why, call.now);
        } else if live.becomes_proven() {
            self.keep_proven();
        }
        let record = record::<Q>(entry, live, call, question, outcome, transcript, duration);
        if let Some(shadow) = shadow {
            let (entry, live) = (Arc::clone(entry), Some(record.clone()));
            let beside = Beside { entry, call: call.clone(), question: question.clone(), source, live };
            shadow.offer(&self.engine, beside);
        }
        self.capabilities.recorder.record(record, question.mail());
    }

    /// A filter that learns, beside one that does not.
    fn tell_shadow(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        account: &AccountName,
        now: Wall,
        feedback: &Feedback,
        mail: &Arc<dyn MessageBytes>,
    ) {
        let Some(shadow) = self.shadow_of(entry).filter(|shadow| learns(&shadow.version)) else { return };
        let beside = Beside {
            entry: Arc::clone(entry),
            call: call(entry, &entry.live.load().version, account, now),
            question: feedback.clone(),
            source: Some(Arc::clone(mail)),
            live: None,
        };
        shadow.offer(&self.engine, beside);
    }

    /// What a component that fails is replaced by: the last version that answered real calls, else the built-in one; none if that is the one
    /// that fails.
    fn replacement(&self, entry: &Entry, failed: &Live) -> Option<Arc<Version>> {
        let is_other = |version: &Arc<Version>| version.digest != failed.version.digest;
        if let Some(good) = failed.proven.clone().filter(is_other) {
            return Some(good);
        }
        self.library.last_resort(entry.slot).filter(|digest| *digest != failed.version.digest)?;
        let version = self.library.last_resort_version(entry.slot, &entry.limits);
        version
            .inspect_err(|error| tracing::error!("entry {}: the built-in component: {error}", entry.name))
            .ok()
            .map(Arc::new)
    }

    /// That the live component answered real calls is kept over a restart. If it cannot be kept now, it answers again.
    fn keep_proven(&self) {
        let Ok(_one_at_a_time) = self.changes.try_lock() else { return };
        if let Err(error) = self.keeper.save(&self.config(None)) {
            tracing::warn!("that a component works well could not be kept: {error}");
        }
    }

    /// Puts another version in the place of one that fails, unless something else changed
    /// meanwhile.
    fn fall_back(&self, entry: &Arc<Entry>, failed: &Arc<Live>, why: FailureSummary, now: Wall) {
        let Ok(_one_at_a_time) = self.changes.try_lock() else { return };
        // A policy set may have put another entry in this one's place.
        let is_in_use = self.entries.load().iter().flatten().any(|used| Arc::ptr_eq(used, entry));
        if !is_in_use || !Arc::ptr_eq(&entry.live.load(), failed) {
            return;
        }
        let Some(good) = self.replacement(entry, failed) else { return };
        let event = FellBack {
            slot: entry.slot,
            entry: entry.name.to_string(),
            from: failed.version.digest,
            to: good.digest,
            why,
        };
        let fallback = Fallback {
            from: failed.version.digest,
            name: failed.version.name.clone(),
            why: why.to_string(),
            when: now,
        };
        let is_proven = failed.proven.as_ref().is_some_and(|proven| proven.digest == good.digest);
        let next = Live::new(good, None).with_past(is_proven, Some(fallback));
        if let Err(error) = self.capabilities.state.goes_live(&entry.state_version(&next)) {
            tracing::warn!("the last good component is back, and begins without state: {error}");
        }
        if let Err(error) = self.keeper.save(&self.config(Some((entry, &next)))) {
            tracing::warn!("that the last good component is back could not be kept: {error}");
        }
        entry.live.store(Arc::new(next));
        self.keeper.fell_back(event);
    }
}

/// Writes the gateway's own trouble with an entry into its log.
fn log_trouble(slot: Slot, entry: &str, failure: &Failure) {
    if matches!(failure, Failure::Gateway(_) | Failure::Lost(_) | Failure::Missing) {
        tracing::warn!(%slot, entry, %failure, "a component could not be served");
    }
}

/// What the gateway's own log says of a call: its own trouble, and that the component has something to say. The words of the component
/// are with the account's decisions.
fn log_for_the_owner(entry: &Entry, call: &Call, failure: Option<&Failure>, transcript: &Transcript) {
    if let Some(failure) = failure {
        log_trouble(entry.slot, &entry.name, failure);
    }
    let warnings = transcript.log.iter().filter(|line| line.level >= LogLevel::Warn).count();
    if warnings > 0 {
        tracing::warn!(
            slot = %entry.slot,
            entry = &*entry.name,
            account = %call.account,
            warnings,
            "a component warns: the account's decisions say what of"
        );
    }
}

/// Entries as they are kept, with one as it will be.
pub(crate) fn config_of(
    entries: &Entries,
    lost_filters: Vec<LostFilter>,
    change: Option<(&Arc<Entry>, &Live)>,
) -> SlotsConfig {
    let config = |entry: &Arc<Entry>| match change {
        Some((changed, next)) if Arc::ptr_eq(changed, entry) => entry.config(next),
        _ => entry.config(&entry.live.load()),
    };
    SlotsConfig { entries: entries.iter().flatten().map(config).collect(), lost_filters }
}

/// The account that an entry is asked for, and how it is asked.
fn call(entry: &Entry, version: &Version, account: &AccountName, now: Wall) -> Call {
    Call {
        shown_as: Arc::clone(&entry.name),
        state: entry.space(version),
        account: account.clone(),
        now,
        limits: Arc::clone(&entry.limits),
        seat: None,
        awaited: Awaited::default(),
    }
}

/// What a call counts as.
fn asked<Q: Question>(question: &Q, call: &Call) -> Asked {
    Asked::new(Q::FUNCTION, question.direction(), call.account.clone())
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
        words_left_out: false,
        is_cut: false,
    }
}

/// What becomes of an entry whose component cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// The change is refused.
    Refuse,
    /// The built-in component of the slot takes its place: a gateway starts.
    LastResort,
}

/// Loads what a configuration names.
async fn build(library: &Library, config: SlotsConfig, otherwise: Otherwise) -> Result<Entries, SwapError> {
    check(&config)?;
    let mut entries = Entries::default();
    for entry in config.entries {
        let slot = entry.slot;
        if let Some(place) = entries.get_mut(slot.index()) {
            place.push(Arc::new(bring_to_life(library, entry, otherwise).await?));
        }
    }
    Ok(entries)
}

/// An entry with its component loaded.
pub(crate) async fn bring_to_life(
    library: &Library,
    config: EntryConfig,
    otherwise: Otherwise,
) -> Result<Entry, SwapError> {
    // One that is stored may have such a name from before this was refused.
    if otherwise == Otherwise::Refuse && config.entry.contains('/') {
        return Err(SwapError::Invalid(format!(
            "the name `{}` has a `/`, which parts slot, entry and component where they are named together: choose another",
            config.entry
        )));
    }
    let (last_good, proven) = (
        earlier(library, &config, config.last_good).await,
        earlier(library, &config, config.past.good).await,
    );
    let version = match library.version(config.slot, config.component, &config.limits).await {
        Ok(version) => {
            check_size(&version, config.slot, &config.entry, config.limits.compiled_bytes).map(|()| version)
        }
        Err(error) => Err(error.into()),
    };
    let past = config.past.clone();
    let live = match (version, proven.clone().or(last_good.clone())) {
        (Ok(version), _) => {
            let live = Live::new(Arc::new(version), last_good).with_proven(proven);
            live.with_past(past.is_proven, past.fallback)
        }
        (Err(error), Some(good)) => instead(&config, good, &error),
        (Err(error), None) => match library.last_resort(config.slot) {
            Some(digest) if otherwise == Otherwise::LastResort && digest != config.component => {
                let version = library.version(config.slot, digest, &config.limits).await?;
                instead(&config, Arc::new(version), &error)
            }
            _ => return Err(error),
        },
    };
    let turns = usize::try_from(config.limits.concurrency.clamp(1, 64)).unwrap_or(1);
    Ok(Entry {
        slot: config.slot,
        name: config.entry.into(),
        settings: config.settings,
        keeps_settings: config.keeps_settings,
        limits: Arc::new(config.limits),
        turns: Arc::new(Semaphore::new(turns)),
        live: ArcSwap::from_pointee(live),
    })
}

/// Gives an earlier version of an entry. If that version is gone, the new one is used all the same.
async fn earlier(
    library: &Library,
    config: &EntryConfig,
    digest: Option<ComponentDigest>,
) -> Option<Arc<Version>> {
    let version = library.version(config.slot, digest?, &config.limits).await.ok();
    version.filter(|version| version.compiled_bytes <= config.limits.compiled_bytes).map(Arc::new)
}

/// Another version than the one that cannot be used.
fn instead(config: &EntryConfig, version: Arc<Version>, error: &SwapError) -> Live {
    tracing::warn!("entry {}: {error}; {} is used", config.entry, version.name);
    let name = config.component.to_string();
    let fallback = Fallback { from: config.component, name, why: error.to_string(), when: Wall(0) };
    Live::new(version, None).with_past(false, Some(fallback))
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
