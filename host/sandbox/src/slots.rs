//! Which component is live where, and how that changes.

pub(crate) mod chain;
pub(crate) mod health;
pub(crate) mod lines;
pub(crate) mod removal;
pub(crate) mod sandbox;
pub(crate) mod tune;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use mail::{Cause, ComponentDigest, Wall};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::capabilities::StateError;
use crate::engine::version::Version;
use crate::failure::FailureSummary;
use crate::library::error::LibraryError;
use crate::limits::Limits;
use crate::slot::Slot;
use crate::slots::health::{Health, HealthReport};
use crate::slots::lines::StateVersion;
use crate::slots::tune::InvalidTuning;
use crate::trials::shadow::ShadowDiffers;

/// An entry of the policy set: a component in a slot, with settings and limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryConfig {
    /// The slot.
    pub slot: Slot,
    /// The entry's name, unique in its slot; component state is kept under slot, name and version.
    pub entry: String,
    /// The live version.
    pub component: ComponentDigest,
    /// The version to go back to.
    #[serde(default)]
    pub last_good: Option<ComponentDigest>,
    /// Settings, handed to the component with each call.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
    /// Limits of a call.
    #[serde(default)]
    pub limits: Limits,
    /// Whether the settings came with a policy set put to work live; otherwise they come from the
    /// configuration file at each start.
    #[serde(default)]
    pub keeps_settings: bool,
    /// What is known about the calls of its components.
    #[serde(default)]
    pub past: Past,
}

/// What is known about the calls of an entry's components.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Past {
    /// Whether the live version answered real calls well.
    pub is_proven: bool,
    /// The last version that did: what comes back when the live one fails.
    pub good: Option<ComponentDigest>,
    /// That a component failed and another took its place, until somebody has seen it.
    pub fallback: Option<Fallback>,
}

/// A component failed and another one took its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The version that failed.
    pub from: ComponentDigest,
    /// Its name.
    pub name: String,
    /// Why it failed, without the words of the component. Earlier programs kept those words too,
    /// under the name `why`; they are not read.
    #[serde(rename = "reason", default = "unknown_reason")]
    pub why: String,
    /// When it was replaced.
    pub when: Wall,
}

fn unknown_reason() -> String {
    "it failed".to_owned()
}

/// All entries. The entries of slot `mail-filter` are in the order of the chain; the other slots
/// have one entry each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsConfig {
    /// The entries.
    pub entries: Vec<EntryConfig>,
    /// Filters of the chain that cannot be read, with all that is known of them. The chain fails
    /// until somebody has decided about each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_filters: Vec<LostFilter>,
}

/// A filter whose entry cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostFilter {
    /// Its name, as far as it is known.
    pub entry: String,
    /// Why it cannot be read, one line.
    pub why: String,
}

/// Keeps the [`SlotsConfig`] and hears of changes nobody asked for. Called on threads that may block.
pub trait SlotsKeeper: Send + Sync {
    /// Keeps the configuration: returns after it is durable, and before the change is live.
    ///
    /// # Errors
    /// Why it could not be kept; the change does not happen then.
    fn save(&self, config: &SlotsConfig) -> Result<(), Cause>;

    /// A component failed repeatedly, and the last good one or the built-in one is in its place.
    fn fell_back(&self, event: FellBack);

    /// A shadow answered otherwise than the live component.
    fn shadow_differs(&self, event: ShadowDiffers);
}

/// A component failed repeatedly, and the last good one or the built-in one is in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FellBack {
    /// The slot.
    pub slot: Slot,
    /// The entry.
    pub entry: String,
    /// The version that failed.
    pub from: ComponentDigest,
    /// The version that is live now.
    pub to: ComponentDigest,
    /// The last failure.
    #[serde(serialize_with = "as_text")]
    pub why: FailureSummary,
}

fn as_text<S: serde::Serializer>(failure: &FailureSummary, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(failure)
}

/// The content of an entry, for people and `status --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryStatus {
    /// The slot.
    pub slot: Slot,
    /// The entry.
    pub entry: String,
    /// The live component's name.
    pub name: String,
    /// Its sha256.
    pub sha256: ComponentDigest,
    /// The version a rollback would bring back.
    pub last_good: Option<ComponentDigest>,
    /// That a component failed and this one took its place, until somebody has seen it.
    pub fallback: Option<Fallback>,
    /// How the live one is doing.
    pub health: HealthReport,
}

/// Why a component did not go live.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// The slot has no such entry.
    #[error("slot {slot} has no entry `{entry}`: `toxmail slot list` shows them")]
    NoEntry {
        /// The slot.
        slot: Slot,
        /// The name asked for.
        entry: String,
    },
    /// The slot has several entries and none was named.
    #[error("slot {0} has several entries: say which one")]
    WhichEntry(Slot),
    /// There is no version to go back to.
    #[error("there is no earlier version in slot {0} to go back to")]
    NothingToRollBack(Slot),
    /// A component that shall go is needed.
    #[error(
        "component {name} is live or on trial in slot {slot}, or `toxmail slot rollback {slot}` goes back to it: put other components to work there first"
    )]
    InUse {
        /// The component.
        name: String,
        /// The slot.
        slot: Slot,
    },
    /// A rule of policy sets is broken.
    #[error("{0}")]
    Invalid(String),
    /// The compiled form is larger than the entry allows.
    #[error(
        "component {name} takes {bytes} bytes when compiled, and entry `{entry}` of slot {slot} allows {limit}: raise `compiled-bytes` of its \
         limits in the policy set, or make the component smaller"
    )]
    TooLarge {
        /// The component.
        name: String,
        /// Its compiled form.
        bytes: u64,
        /// The slot.
        slot: Slot,
        /// The entry.
        entry: String,
        /// What the entry allows.
        limit: u64,
    },
    /// The component cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The state of the entry cannot be copied.
    #[error("the state of the live component cannot be copied, nothing was changed: {0}")]
    State(#[source] StateError),
    /// A setting or a limit is not one.
    #[error(transparent)]
    Tuning(#[from] InvalidTuning),
    /// A replay could not be made.
    #[error("the replay could not be made: {0}")]
    Replay(#[source] Cause),
    /// The choice could not be kept.
    #[error("the choice could not be kept, nothing was changed: {0}")]
    Keeper(#[source] Cause),
}

/// What the states of all versions of a component in an entry have in common: `slot/entry/component`.
#[must_use]
pub fn state_line(slot: Slot, entry: &str, component: &str) -> String {
    format!("{slot}/{entry}/{component}")
}

/// The name of the state of a version of a component in an entry: `slot/entry/component/version`, the version by 16 hex digits of its
/// SHA-256.
#[must_use]
pub fn state_space(slot: Slot, entry: &str, component: &str, version: ComponentDigest) -> String {
    let version = version.to_string();
    let version = version.get(..16).unwrap_or(&version);
    format!("{}/{version}", state_line(slot, entry, component))
}

/// An entry at work.
pub(crate) struct Entry {
    pub(crate) slot: Slot,
    pub(crate) name: Arc<str>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) keeps_settings: bool,
    pub(crate) limits: Arc<Limits>,
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) live: ArcSwap<Live>,
}

/// The version that answers now, and those to go back to.
pub(crate) struct Live {
    pub(crate) version: Arc<Version>,
    /// What the user can go back to.
    pub(crate) last_good: Option<Arc<Version>>,
    /// What comes back by itself: it answered real calls.
    pub(crate) proven: Option<Arc<Version>>,
    /// Whether this one did.
    is_proven: AtomicBool,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) health: Health,
}

impl Live {
    /// A version goes live, of which nothing is known yet.
    pub(crate) fn new(version: Arc<Version>, last_good: Option<Arc<Version>>) -> Self {
        Self {
            version,
            last_good,
            proven: None,
            is_proven: AtomicBool::new(false),
            fallback: None,
            health: Health::default(),
        }
    }

    /// With the version that comes back when this one fails.
    pub(crate) fn with_proven(mut self, proven: Option<Arc<Version>>) -> Self {
        self.proven = proven;
        self
    }

    /// With what is known of it.
    pub(crate) fn with_past(mut self, is_proven: bool, fallback: Option<Fallback>) -> Self {
        self.is_proven = AtomicBool::new(is_proven);
        self.fallback = fallback;
        self
    }

    /// The version to go back to once another one takes this one's place: this one, unless it was failing.
    pub(crate) fn good_one(&self) -> Option<Arc<Version>> {
        if self.health.consecutive() == 0 { Some(Arc::clone(&self.version)) } else { self.last_good.clone() }
    }

    /// The version that comes back when one that takes this one's place fails: the last that answered real calls, this one included.
    pub(crate) fn proven_one(&self) -> Option<Arc<Version>> {
        if self.is_proven() && !self.health.is_failing() {
            Some(Arc::clone(&self.version))
        } else {
            self.proven.clone()
        }
    }

    /// Whether it answered real calls well.
    pub(crate) fn is_proven(&self) -> bool {
        self.is_proven.load(Ordering::Relaxed)
    }

    /// True once: when it has answered enough real calls.
    pub(crate) fn becomes_proven(&self) -> bool {
        !self.is_proven() && self.health.is_good() && !self.is_proven.swap(true, Ordering::Relaxed)
    }
}

impl Entry {
    /// The name of the state that a version of a component has in this entry.
    pub(crate) fn space(&self, version: &Version) -> Arc<str> {
        state_space(self.slot, &self.name, &version.name, version.digest).into()
    }

    /// The live version in the form that the keepers of state need.
    pub(crate) fn state_version(&self, live: &Live) -> StateVersion {
        let earlier = live.last_good.iter().chain(&live.proven);
        StateVersion {
            line: state_line(self.slot, &self.name, &live.version.name),
            space: self.space(&live.version).to_string(),
            keep: earlier.map(|version| self.space(version).to_string()).collect(),
        }
    }

    /// The entry as it is kept.
    pub(crate) fn config(&self, live: &Live) -> EntryConfig {
        EntryConfig {
            slot: self.slot,
            entry: self.name.to_string(),
            component: live.version.digest,
            last_good: live.last_good.as_ref().map(|version| version.digest),
            settings: self.settings.clone(),
            limits: (*self.limits).clone(),
            keeps_settings: self.keeps_settings,
            past: Past {
                is_proven: live.is_proven(),
                good: live.proven.as_ref().map(|version| version.digest),
                fallback: live.fallback.clone(),
            },
        }
    }

    /// The entry as it is shown.
    pub(crate) fn status(&self) -> EntryStatus {
        let live = self.live.load();
        EntryStatus {
            slot: self.slot,
            entry: self.name.to_string(),
            name: live.version.name.clone(),
            sha256: live.version.digest,
            last_good: live.last_good.as_ref().map(|version| version.digest),
            fallback: live.fallback.clone(),
            health: live.health.report(),
        }
    }
}
