//! Which component is live where: kept in the store as one document.

use std::collections::BTreeMap;

use admin::EventLog;
use sandbox::{EntryConfig, FellBack, Library, LibraryError, Limits, Slot, SlotsConfig, SlotsKeeper};
use serde_json::json;
use store::Store;
use tokio::runtime::Handle;

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
    /// A built-in component for a slot that does not exist.
    #[error("a built-in component is for a slot that does not exist: {0}")]
    Slot(String),
}

/// What was live at the last stop; a slot nothing is known of gets the built-in component. Settings are those of the
/// configuration file.
///
/// # Errors
/// [`SlotsError`]
pub async fn configuration(
    store: &Store,
    library: &Library,
    settings: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<SlotsConfig, SlotsError> {
    let mut config = stored(store).await?;
    for builtin in builtin::components() {
        let info = library.add_builtin(builtin.name, builtin.bytes).await?;
        let slot: Slot = builtin.slot.parse().map_err(|error| SlotsError::Slot(format!("{error}")))?;
        let mut is_filled = false;
        for entry in config.entries.iter_mut().filter(|entry| entry.slot == slot) {
            is_filled = true;
            // A newer program brings newer built-in components: those of before are gone.
            if library.info(entry.component).is_none() {
                tracing::warn!(%slot, entry = entry.entry, "its component is gone; the built-in one is used");
                entry.component = info.sha256;
                entry.last_good = None;
            }
        }
        if !is_filled {
            config.entries.push(first_entry(slot, info.sha256));
        }
    }
    for entry in &mut config.entries {
        let own = settings.get(&entry.entry).cloned().unwrap_or_default();
        entry.settings = own.into_iter().collect();
    }
    Ok(config)
}

async fn stored(store: &Store) -> Result<SlotsConfig, store::Error> {
    let Some(json) = store.meta_get(DOCUMENT).await? else { return Ok(SlotsConfig::default()) };
    Ok(serde_json::from_slice(&json).unwrap_or_else(|error| {
        tracing::error!(%error, "which components were live cannot be read; the built-in ones are used");
        SlotsConfig::default()
    }))
}

fn first_entry(slot: Slot, component: mail::ComponentDigest) -> EntryConfig {
    EntryConfig {
        slot,
        entry: slot.name().to_owned(),
        component,
        last_good: None,
        settings: Vec::new(),
        limits: Limits::default(),
    }
}
