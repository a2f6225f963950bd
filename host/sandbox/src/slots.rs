//! Which component is live where, and how that changes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use mail::ComponentDigest;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::health::{Health, HealthReport};
use crate::library_error::LibraryError;
use crate::limits::Limits;
use crate::shadow::ShadowDiffers;
use crate::slot::Slot;
use crate::version::Version;

/// An entry of the policy set: a component in a slot, with settings and limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryConfig {
    /// The slot.
    pub slot: Slot,
    /// The entry's name, unique in its slot; component state is kept under slot and name.
    pub entry: String,
    /// The live version.
    pub component: ComponentDigest,
    /// The version to go back to.
    #[serde(default)]
    pub last_good: Option<ComponentDigest>,
    /// Settings, handed to the component with each call.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
    /// Whether the settings came with a policy set put to work live; those of others come from the configuration file at each start.
    #[serde(default)]
    pub keeps_settings: bool,
}

/// All entries. Those of slot `mail-filter` stand in the order of the chain; the other slots have one entry each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsConfig {
    /// The entries.
    pub entries: Vec<EntryConfig>,
}

/// Keeps the [`SlotsConfig`] and hears of changes nobody asked for. Called on threads that may block.
pub trait SlotsKeeper: Send + Sync {
    /// Keeps the configuration: returns after it is durable, and before the change is live.
    ///
    /// # Errors
    /// One line that says why it could not be kept; the change does not happen then.
    fn save(&self, config: &SlotsConfig) -> Result<(), String>;

    /// A component failed repeatedly and the last good one is back.
    fn fell_back(&self, event: FellBack);

    /// A shadow answered otherwise than the live component.
    fn shadow_differs(&self, event: ShadowDiffers);
}

/// A component failed repeatedly and the last good one is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FellBack {
    /// The slot.
    pub slot: Slot,
    /// The entry.
    pub entry: String,
    /// Which version failed.
    pub from: ComponentDigest,
    /// Which version is live now.
    pub to: ComponentDigest,
    /// The last failure.
    pub why: String,
}

/// What stands in an entry, for people and `status --json`.
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
        "component {name} is live or on trial in slot {slot}, or what `toxmail slot rollback {slot}` goes back to: put others to work there first"
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
    #[error("the state of the live component cannot be copied: {0}")]
    State(String),
    /// A replay could not be made.
    #[error("the replay could not be made: {0}")]
    Replay(String),
    /// The choice could not be kept.
    #[error("the choice could not be kept, nothing was changed: {0}")]
    Keeper(String),
}

/// An entry at work.
pub(crate) struct Entry {
    pub(crate) slot: Slot,
    pub(crate) name: Arc<str>,
    /// The name of its state: `slot/entry`.
    pub(crate) state: Arc<str>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) keeps_settings: bool,
    pub(crate) limits: Arc<Limits>,
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) live: ArcSwap<Live>,
}

/// The version that answers now, and the one to go back to.
pub(crate) struct Live {
    pub(crate) version: Arc<Version>,
    pub(crate) last_good: Option<Arc<Version>>,
    pub(crate) health: Health,
}

impl Live {
    /// A version goes live.
    pub(crate) fn new(version: Arc<Version>, last_good: Option<Arc<Version>>) -> Self {
        Self { version, last_good, health: Health::default() }
    }

    /// The version to go back to once another one takes this one's place: this one, unless it was failing.
    pub(crate) fn good_one(&self) -> Option<Arc<Version>> {
        if self.health.consecutive() == 0 { Some(Arc::clone(&self.version)) } else { self.last_good.clone() }
    }
}

impl Entry {
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
            health: live.health.report(),
        }
    }
}
