//! Which component is live where: kept in the store as one document.

use std::collections::BTreeMap;

use admin::EventLog;
use mail::Wall;
use sandbox::{
    EntryConfig, FellBack, Library, LibraryError, Limits, ShadowDiffers, Slot, SlotsConfig, SlotsKeeper,
};
use serde_json::json;
use store::Store;
use tokio::runtime::Handle;

use crate::config::ComponentsConfig;
use crate::policy_set::{self, PolicySetError};

/// The name of the document in the store.
const DOCUMENT: &str = "slots";

/// Keeps the choice of components.
pub struct StoredSlots {
    /// Where.
    pub store: Store,
    /// Who hears of changes nobody asked for.
    pub events: EventLog,
    /// The sandbox calls on threads of its own; the store is asynchronous.
    pub runtime: Handle,
}

impl SlotsKeeper for StoredSlots {
    fn save(&self, config: &SlotsConfig) -> Result<(), String> {
        let json = serde_json::to_vec(config).map_err(|error| error.to_string())?;
        let saved = self.runtime.block_on(self.store.meta_put(DOCUMENT, Some(json.into())));
        saved.map_err(|error| error.to_string())
    }

    fn fell_back(&self, event: FellBack) {
        tracing::warn!(slot = %event.slot, entry = event.entry, why = event.why, "the last good component is back");
        self.events.publish("component-fell-back", None, &json!(event));
    }

    fn shadow_differs(&self, event: ShadowDiffers) {
        // Without facts and answers: those can be larger than an event, and are asked for by its id.
        let difference = &event.difference;
        let data = json!({
            "slot": event.slot,
            "entry": event.entry,
            "sha256": event.sha256,
            "id": difference.id,
            "function": difference.function,
        });
        self.events.publish("shadow-difference", Some(&difference.account), &data);
    }
}

/// Why the slots cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum SlotsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A built-in component.
    #[error("a built-in component cannot be used: {0}")]
    Builtin(#[from] LibraryError),
    /// The policy set.
    #[error(transparent)]
    PolicySet(#[from] PolicySetError),
    /// A built-in component for a slot that does not exist.
    #[error("a built-in component is for a slot that does not exist: {0}")]
    Slot(String),
}

/// What the policy set says; for the slots it leaves out what was live at the last stop, else the built-in component. Settings are
/// those of the policy set and of the configuration file, which wins.
///
/// # Errors
/// [`SlotsError`]
pub async fn configuration(
    store: &Store,
    library: &Library,
    components: &ComponentsConfig,
    now: Wall,
) -> Result<SlotsConfig, SlotsError> {
    let mut config = stored(store).await?;
    if let Some(path) = &components.policy_set {
        add_builtins(library).await?;
        let set = policy_set::load(path, library, now).await?;
        // What was live at the last stop is what a new component can go back to.
        config = merged(config, set, |known| Some(known.component));
    }
    for builtin in builtin::components() {
        let info = library.add_builtin(builtin.name, builtin.bytes).await?;
        let slot: Slot = builtin.slot.parse().map_err(|error| SlotsError::Slot(format!("{error}")))?;
        let mut is_filled = false;
        for entry in config.entries.iter_mut().filter(|entry| entry.slot == slot) {
            is_filled = true;
            // A newer program brings newer built-in components: those of before are gone. And signatures may be required now.
            if !library.may_use(entry.component) {
                tracing::warn!(
                    %slot,
                    entry = entry.entry,
                    "its component is gone, or has no trusted signature; the built-in one is used"
                );
                entry.component = info.sha256;
                entry.last_good = None;
            }
        }
        if !is_filled {
            config.entries.push(first_entry(slot, slot.name(), info.sha256));
        }
    }
    for entry in &mut config.entries {
        if entry.keeps_settings {
            continue;
        }
        let own = components.settings.get(&entry.entry).cloned().unwrap_or_default();
        if components.policy_set.is_none() {
            entry.settings = own.into_iter().collect();
        } else {
            let mut settings: BTreeMap<String, String> = entry.settings.drain(..).collect();
            settings.extend(own);
            entry.settings = settings.into_iter().collect();
        }
    }
    Ok(config)
}

/// A policy set may name built-in components.
async fn add_builtins(library: &Library) -> Result<(), LibraryError> {
    for builtin in builtin::components() {
        library.add_builtin(builtin.name, builtin.bytes).await?;
    }
    Ok(())
}

/// A policy set put to work while the gateway runs: its settings are its own, and stay over a restart.
pub fn with_policy_set(before: SlotsConfig, mut set: SlotsConfig) -> SlotsConfig {
    for entry in &mut set.entries {
        entry.keeps_settings = true;
    }
    // The sandbox knows whether what is live now is good enough to go back to.
    merged(before, set, |_| None)
}

/// The slots of the set as it says, the others as they were. What an entry can go back to is kept; `good` says what it is where the set names
/// another component than before.
fn merged(
    before: SlotsConfig,
    mut set: SlotsConfig,
    good: impl Fn(&EntryConfig) -> Option<mail::ComponentDigest>,
) -> SlotsConfig {
    for entry in &mut set.entries {
        let known =
            before.entries.iter().find(|known| known.slot == entry.slot && known.entry == entry.entry);
        entry.last_good = known
            .and_then(|known| if known.component == entry.component { known.last_good } else { good(known) });
    }
    let is_left_out = |entry: &EntryConfig| set.entries.iter().all(|other| other.slot != entry.slot);
    let left_out: Vec<EntryConfig> = before.entries.into_iter().filter(is_left_out).collect();
    set.entries.extend(left_out);
    set
}

async fn stored(store: &Store) -> Result<SlotsConfig, store::Error> {
    let Some(json) = store.meta_get(DOCUMENT).await? else { return Ok(SlotsConfig::default()) };
    Ok(serde_json::from_slice(&json).unwrap_or_else(|error| {
        tracing::error!(%error, "which components were live cannot be read; the built-in ones are used");
        SlotsConfig::default()
    }))
}

/// An entry without settings.
pub fn first_entry(slot: Slot, name: &str, component: mail::ComponentDigest) -> EntryConfig {
    EntryConfig {
        slot,
        entry: name.to_owned(),
        component,
        last_good: None,
        settings: Vec::new(),
        limits: Limits::default(),
        keeps_settings: false,
    }
}
