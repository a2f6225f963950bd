//! Settings and limits of one entry, changed while it works: first durable, then live. Calls in flight finish with the old ones; what
//! is known of the component's health stays.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use crate::limits::{
    ATTRIBUTE_NAME_BYTES, ATTRIBUTES, CALL_MS_MOST, COMPILED_BYTES, Limits, SETTING_BYTES, STACK_LEAST,
};
use crate::slot::Slot;
use crate::slots::sandbox::{Entries, Otherwise, Sandbox, bring_to_life, check_size, config_of};
use crate::slots::{Entry, EntryConfig, Live, SwapError};

/// A limit that a user can set, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// As in a policy set: `call-ms`.
    pub name: &'static str,
    /// What it bounds, in a few words.
    pub about: &'static str,
    /// The smallest value.
    pub least: u64,
    /// The largest value.
    pub most: u64,
}

impl Limits {
    /// Every limit in the order of the fields. The largest memory is that of [`Settings::default`](crate::Settings).
    pub const BOUNDS: [Bound; 14] = [
        bound("call-ms", "milliseconds one call may run", 1, CALL_MS_MOST),
        bound("memory-bytes", "bytes of memory of one call", 64 << 10, 256 << 20),
        bound("table-elements", "elements of each table", 1, 100_000),
        bound("stack-bytes", "bytes of stack of one call, a power of two", STACK_LEAST, 1 << 20),
        bound("output-bytes", "bytes of one answer", 1024, 64 << 20),
        bound("output-items", "things one answer may list", 0, ATTRIBUTES as u64),
        bound("log-lines", "lines logged by one call", 0, 10_000),
        bound("log-bytes", "bytes logged by one call", 0, 1 << 20),
        bound("capability-calls", "questions to the gateway in one call", 0, 1_000_000),
        bound("dns-lookups", "look-ups in DNS in one call", 0, 100),
        bound("dns-wait-ms", "milliseconds one call may wait for DNS", 0, CALL_MS_MOST),
        bound("state-bytes", "bytes kept for each account", 0, 1 << 30),
        bound("compiled-bytes", "bytes of the compiled form", 1 << 20, COMPILED_BYTES),
        bound("concurrency", "calls at once", 1, 64),
    ];

    /// The value of each of [`Limits::BOUNDS`].
    #[must_use]
    pub const fn values(&self) -> [u64; 14] {
        [
            self.call_ms,
            self.memory_bytes,
            self.table_elements,
            self.stack_bytes,
            self.output_bytes,
            self.output_items as u64,
            self.log_lines as u64,
            self.log_bytes as u64,
            self.capability_calls as u64,
            self.dns_lookups as u64,
            self.dns_wait_ms,
            self.state_bytes,
            self.compiled_bytes,
            self.concurrency as u64,
        ]
    }

    /// Sets the limit of this name.
    ///
    /// # Errors
    /// [`InvalidTuning::NoLimit`], [`InvalidTuning::OutOfBounds`]
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), InvalidTuning> {
        let Some(bound) = Self::BOUNDS.iter().find(|bound| bound.name == name) else {
            return Err(InvalidTuning::NoLimit(name.to_owned()));
        };
        if !(bound.least..=bound.most).contains(&value) {
            return Err(InvalidTuning::OutOfBounds(*bound));
        }
        let small = u32::try_from(value).unwrap_or(u32::MAX);
        match name {
            "call-ms" => self.call_ms = value,
            "memory-bytes" => self.memory_bytes = value,
            "table-elements" => self.table_elements = value,
            "stack-bytes" => self.stack_bytes = value,
            "output-bytes" => self.output_bytes = value,
            "output-items" => self.output_items = small,
            "log-lines" => self.log_lines = small,
            "log-bytes" => self.log_bytes = small,
            "capability-calls" => self.capability_calls = small,
            "dns-lookups" => self.dns_lookups = small,
            "dns-wait-ms" => self.dns_wait_ms = value,
            "state-bytes" => self.state_bytes = value,
            "compiled-bytes" => self.compiled_bytes = value,
            _ => self.concurrency = small,
        }
        Ok(())
    }
}

const fn bound(name: &'static str, about: &'static str, least: u64, most: u64) -> Bound {
    Bound { name, about, least, most }
}

/// Why settings or limits of an entry are not taken. Each text says what is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTuning {
    /// A limit of this name does not exist.
    #[error("there is no limit `{0}`: the limits are {names}", names = Limits::BOUNDS.map(|bound| bound.name).join(", "))]
    NoLimit(String),
    /// A limit does not go that far.
    #[error("{name} ({about}) is from {least} to {most}", name = .0.name, about = .0.about, least = .0.least, most = .0.most)]
    OutOfBounds(Bound),
    /// The name of a setting is empty, too long or more than a line.
    #[error("{0}: a setting's name has 1 to {ATTRIBUTE_NAME_BYTES} bytes on one line")]
    SettingName(String),
    /// The value of the setting of this name is too long.
    #[error("{0}: a setting has {SETTING_BYTES} bytes at most")]
    SettingValue(String),
    /// An entry would have too many settings.
    #[error("an entry has {ATTRIBUTES} settings at most")]
    TooManySettings,
}

/// Checks the name and value of a setting.
///
/// # Errors
/// [`InvalidTuning::SettingName`], [`InvalidTuning::SettingValue`]
pub fn check_setting(name: &str, value: &str) -> Result<(), InvalidTuning> {
    let is_name = (1..=ATTRIBUTE_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    if !is_name {
        return Err(InvalidTuning::SettingName(name.to_owned()));
    }
    if value.len() > SETTING_BYTES {
        return Err(InvalidTuning::SettingValue(name.to_owned()));
    }
    Ok(())
}

impl Sandbox {
    /// An entry as it is kept. It may be left out where the slot has one only.
    ///
    /// # Errors
    /// [`SwapError::NoEntry`], [`SwapError::WhichEntry`].
    pub fn entry_config(&self, slot: Slot, entry: Option<&str>) -> Result<EntryConfig, SwapError> {
        let entry = self.entry(slot, entry)?;
        let live = entry.live.load();
        Ok(entry.config(&live))
    }

    /// Gives an entry these settings and limits. From then on it keeps its settings over a restart, whatever the configuration says.
    ///
    /// # Errors
    /// [`SwapError`]; nothing is changed then.
    pub async fn tune(
        &self,
        slot: Slot,
        entry: Option<&str>,
        settings: Vec<(String, String)>,
        limits: Limits,
    ) -> Result<EntryConfig, SwapError> {
        check_all(&settings, &limits)?;
        let _one_at_a_time = self.shared.changes.lock().await;
        let old = self.entry(slot, entry)?;
        let live = old.live.load_full();
        check_size(&live.version, slot, &old.name, limits.compiled_bytes)?;
        let config = EntryConfig { settings, limits, keeps_settings: true, ..old.config(&live) };
        let new = if config.limits.stack_bytes == old.limits.stack_bytes {
            tuned(&old, live, config)
        } else {
            // A component is made ready for its stack; what was counted of it begins anew.
            bring_to_life(&self.shared.library, config, Otherwise::Refuse).await?
        };
        let mut entries: Entries = (**self.shared.entries.load()).clone();
        let place = entries
            .get_mut(slot.index())
            .and_then(|entries| entries.iter_mut().find(|candidate| Arc::ptr_eq(candidate, &old)));
        let Some(place) = place else {
            return Err(SwapError::NoEntry { slot, entry: old.name.to_string() });
        };
        *place = Arc::new(new);
        self.save(config_of(&entries, self.lost_filters(), None)).await?;
        self.shared.entries.store(Arc::new(entries));
        self.entry_config(slot, Some(&old.name))
    }
}

/// The entry with other settings and limits, and the component that is live in it.
fn tuned(old: &Entry, live: Arc<Live>, config: EntryConfig) -> Entry {
    let turns = usize::try_from(config.limits.concurrency.clamp(1, 64)).unwrap_or(1);
    Entry {
        slot: old.slot,
        name: Arc::clone(&old.name),
        settings: config.settings,
        keeps_settings: config.keeps_settings,
        limits: Arc::new(config.limits),
        turns: Arc::new(Semaphore::new(turns)),
        live: ArcSwap::from(live),
    }
}

fn check_all(settings: &[(String, String)], limits: &Limits) -> Result<(), InvalidTuning> {
    if settings.len() > ATTRIBUTES {
        return Err(InvalidTuning::TooManySettings);
    }
    settings.iter().try_for_each(|(name, value)| check_setting(name, value))?;
    let mut checked = Limits::default();
    Limits::BOUNDS.iter().zip(limits.values()).try_for_each(|(bound, value)| checked.set(bound.name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_limits_belong_together() {
        let fields = serde_json::to_value(Limits::default()).unwrap();
        assert_eq!(fields.as_object().unwrap().len(), Limits::BOUNDS.len());
        for (bound, value) in Limits::BOUNDS.iter().zip(Limits::default().values()) {
            assert_eq!(fields[bound.name], value, "{}", bound.name);
            assert!((bound.least..=bound.most).contains(&value), "{}", bound.name);
            let mut limits = Limits::default();
            limits.set(bound.name, bound.most).unwrap();
            let changed = serde_json::to_value(&limits).unwrap();
            assert_eq!(changed[bound.name], bound.most, "{}", bound.name);
            let unlike = fields.as_object().unwrap().iter().filter(|(name, old)| changed[*name] != **old);
            assert!(unlike.count() <= 1, "{} sets another one too", bound.name);
            assert!(limits.set(bound.name, bound.most + 1).unwrap_err().to_string().contains(bound.name));
        }
        assert!(Limits::default().set("calls", 1).unwrap_err().to_string().contains("call-ms"));
    }

    #[test]
    fn the_most_memory_is_what_the_engine_has() {
        let most = Limits::BOUNDS.iter().find(|bound| bound.name == "memory-bytes").unwrap().most;
        assert_eq!(most, crate::Settings::default().memory_ceiling as u64);
    }

    #[test]
    fn settings_are_bounded() {
        assert!(check_setting("quiet-from", "22:00").is_ok());
        assert!(check_setting("", "x").is_err());
        assert!(check_setting("a\nb", "x").is_err());
        assert!(check_setting("a", &"x".repeat(SETTING_BYTES + 1)).is_err());
        let many = vec![("a".to_owned(), String::new()); ATTRIBUTES + 1];
        assert!(check_all(&many, &Limits::default()).is_err());
        let beyond = Limits { call_ms: CALL_MS_MOST + 1, ..Limits::default() };
        assert!(check_all(&[], &beyond).unwrap_err().to_string().contains("call-ms"));
    }
}
