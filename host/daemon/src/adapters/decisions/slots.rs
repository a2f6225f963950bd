//! Which component is live where: kept in the store as one document.

use std::collections::BTreeMap;

use admin::EventLog;
use mail::{Cause, ComponentDigest, Wall};
use sandbox::{
    EntryConfig, FellBack, Library, LibraryError, Limits, LostFilter, Past, ShadowDiffers, Slot, SlotsConfig,
    SlotsKeeper,
};
use serde_json::{Value, json};
use store::Store;
use tokio::runtime::Handle;

use crate::config::ComponentsConfig;
use crate::limits::FILTER_NAME_CHARS;
use crate::policy_set::{self, PolicySetError};
use crate::stored::readable;

/// The name of the document in the store.
const DOCUMENT: &str = "slots";

/// Keeps the choice of components.
pub struct StoredSlots {
    /// The store they are kept in.
    pub store: Store,
    /// Who hears of changes nobody asked for.
    pub events: EventLog,
    /// The sandbox calls on threads of its own; the store is asynchronous.
    pub runtime: Handle,
}

impl SlotsKeeper for StoredSlots {
    fn save(&self, config: &SlotsConfig) -> Result<(), Cause> {
        let json = serde_json::to_vec(config).map_err(Cause::new)?;
        let saved = self.runtime.block_on(self.store.meta_put(DOCUMENT, Some(json.into())));
        saved.map_err(Cause::new)
    }

    fn fell_back(&self, event: FellBack) {
        tracing::warn!(slot = %event.slot, entry = event.entry, why = %event.why, "a component failed and was replaced");
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
                entry.past = Past::default();
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

/// Gives the state that an entry had to the component that is live in it, before its version goes live: programs of before had one state for
/// all components of an entry.
///
/// # Errors
/// The store fails.
pub async fn adopt_state(store: &Store, library: &Library, slots: &SlotsConfig) -> Result<(), store::Error> {
    for entry in &slots.entries {
        let live = library.list().into_iter().find(|info| info.sha256 == entry.component);
        let Some(live) = live else { continue };
        let before = format!("{}/{}", entry.slot, entry.entry);
        store.state_adopt(&before, &sandbox::state_line(entry.slot, &entry.entry, &live.name)).await?;
    }
    Ok(())
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
    good: impl Fn(&EntryConfig) -> Option<ComponentDigest>,
) -> SlotsConfig {
    for entry in &mut set.entries {
        let known =
            before.entries.iter().find(|known| known.slot == entry.slot && known.entry == entry.entry);
        entry.last_good = known
            .and_then(|known| if known.component == entry.component { known.last_good } else { good(known) });
        entry.past = known.map(|known| past(known, entry.component)).unwrap_or_default();
    }
    let is_left_out = |entry: &EntryConfig| set.entries.iter().all(|other| other.slot != entry.slot);
    let has_chain = set.entries.iter().any(|entry| entry.slot == Slot::MailFilter);
    if !has_chain {
        set.lost_filters = before.lost_filters;
    }
    let left_out: Vec<EntryConfig> = before.entries.into_iter().filter(is_left_out).collect();
    set.entries.extend(left_out);
    set
}

/// What is known of how an entry's components did, once `next` is live in it.
fn past(known: &EntryConfig, next: ComponentDigest) -> Past {
    if known.component == next {
        return known.past.clone();
    }
    let good = if known.past.is_proven { Some(known.component) } else { known.past.good };
    Past { good, ..Past::default() }
}

async fn stored(store: &Store) -> Result<SlotsConfig, store::Error> {
    let Some(json) = store.meta_get(DOCUMENT).await? else { return Ok(SlotsConfig::default()) };
    let (config, problem) = parse(&json);
    if let Some(problem) = problem {
        tracing::error!(
            problem,
            "which component was live cannot be read for all slots; where it cannot, the built-in one is used, and a chain that lost a \
             filter fails"
        );
        store.set_setting_aside(DOCUMENT, json, &problem).await?;
    }
    Ok(config)
}

/// What the document says, and what is wrong with it. An entry that cannot be read is a lost filter, unless it was for a slot of
/// another kind; where nothing at all can be read, no filter is known to be lost.
fn parse(json: &[u8]) -> (SlotsConfig, Option<String>) {
    let entries = readable::<EntryConfig>(json, "/entries");
    let is_filter = |element: &Value| {
        let slot = element.get("slot").and_then(Value::as_str).and_then(|slot| slot.parse::<Slot>().ok());
        slot.is_none_or(|slot| slot == Slot::MailFilter)
    };
    let broken = entries.broken.into_iter().filter(|(element, _)| is_filter(element));
    let newly_lost = broken.map(|(element, why)| {
        let name = element.get("entry").and_then(Value::as_str).unwrap_or("unknown");
        LostFilter {
            entry: name.chars().filter(|character| !character.is_control()).take(FILTER_NAME_CHARS).collect(),
            why,
        }
    });
    let before =
        serde_json::from_slice::<Value>(json).ok().and_then(|document| document.get("lost_filters").cloned());
    let before = before.map(|list| readable::<LostFilter>(list.to_string().as_bytes(), ""));
    let (before, problem) = before.map_or_else(Default::default, |read| (read.list, read.problem));
    // Its own list of lost filters is damaged: somewhere a filter is missing.
    let unnamed = problem.clone().map(|why| LostFilter { entry: "unknown".to_owned(), why });
    let mut lost_filters: Vec<LostFilter> = before.into_iter().chain(newly_lost).chain(unnamed).collect();
    lost_filters.dedup_by(|second, first| second.entry == first.entry);
    lost_filters.retain(|lost| {
        !entries.list.iter().any(|entry| entry.slot == Slot::MailFilter && entry.entry == lost.entry)
    });
    (SlotsConfig { entries: entries.list, lost_filters }, entries.problem.or(problem))
}

/// An entry without settings.
pub fn first_entry(slot: Slot, name: &str, component: ComponentDigest) -> EntryConfig {
    EntryConfig {
        slot,
        entry: name.to_owned(),
        component,
        last_good: None,
        settings: Vec::new(),
        limits: Limits::default(),
        keeps_settings: false,
        past: Past::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(name: &str) -> EntryConfig {
        first_entry(Slot::MailFilter, name, ComponentDigest([1; 32]))
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_lost_and_not_left_out() {
        let policy = first_entry(Slot::Policy, "policy", ComponentDigest([2; 32]));
        let config = SlotsConfig {
            entries: vec![policy, filter("first"), filter("second"), filter("third")],
            lost_filters: vec![LostFilter { entry: "older".to_owned(), why: "of another time".to_owned() }],
        };
        let mut document = serde_json::to_value(&config).unwrap();
        assert_eq!(parse(document.to_string().as_bytes()), (config, None));
        document["entries"][0]["component"] = "a policy falls back to the built-in one".into();
        document["entries"][1]["limits"] = 7.into();
        document["entries"][2] = Value::Null;
        let (read, problem) = parse(document.to_string().as_bytes());
        assert_eq!(read.entries, [filter("third")]);
        let lost: Vec<&str> = read.lost_filters.iter().map(|lost| lost.entry.as_str()).collect();
        assert_eq!(lost, ["older", "first", "unknown"]);
        assert!(problem.unwrap().starts_with("its element 0: "));
        // What is written then is read again.
        let kept = serde_json::to_vec(&read).unwrap();
        assert_eq!(parse(&kept), (read, None));
        document["lost_filters"] = "damaged too".into();
        let names = parse(document.to_string().as_bytes()).0.lost_filters;
        assert_eq!(names.iter().map(|lost| lost.entry.as_str()).collect::<Vec<_>>(), ["first", "unknown"]);
    }
}
