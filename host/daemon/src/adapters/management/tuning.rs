//! Settings, limits and tests of components, as the web API asks for them.

use std::collections::BTreeMap;

use admin::ManagementError;
use admin::dto::{ComponentRef, Limit, Slot, Tested, TestedCall, Tune, Tuned};
use admin::management::{Result, Tuning};
use async_trait::async_trait;
use sandbox::bench::{CallReport, Case, conformance_cases};
use sandbox::{Awaited, EntryConfig, InvalidTuning, Limits, check_setting};

use super::GatewayManagement;
use super::errors::{library_error, swap_error};
use crate::adapters::slots::{sandbox_slot, shown_slot};
use crate::limits::COMPONENT_TEST_TIME;
use crate::policy_set;

#[async_trait]
impl Tuning for GatewayManagement {
    async fn tuned(&self, slot: Slot, entry: Option<String>) -> Result<Tuned> {
        let config = self.sandbox.entry_config(sandbox_slot(slot), entry.as_deref()).map_err(swap_error)?;
        self.shown_tuned(config).await
    }

    async fn tune(&self, slot: Slot, entry: Option<String>, tune: Tune) -> Result<Tuned> {
        let config = self.sandbox.entry_config(sandbox_slot(slot), entry.as_deref()).map_err(swap_error)?;
        if let Some(path) = self.policy_set_of(&config).await {
            return Err(ManagementError::Conflict(format!(
                "the policy set {path} of the configuration sets this at every start: change it there, and reload"
            )));
        }
        let (settings, limits) =
            changed(&config, tune).map_err(|error| ManagementError::Unprocessable(error.to_string()))?;
        let tuned = self.sandbox.tune(config.slot, Some(&config.entry), settings, limits).await;
        let tuned = tuned.map_err(swap_error)?;
        tracing::info!(slot = %tuned.slot, entry = tuned.entry, "settings and limits were changed");
        self.shown_tuned(tuned).await
    }

    async fn test_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        case: Option<String>,
    ) -> Result<Tested> {
        let slot = sandbox_slot(slot);
        let unprocessable = |error: &dyn std::fmt::Display| ManagementError::Unprocessable(error.to_string());
        let case = match &case {
            Some(text) => Case::parse(text, "the case", None).map_err(|error| unprocessable(&error))?,
            None => conformance_cases(slot).map_err(|error| ManagementError::Internal(error.to_string()))?,
        };
        let info = self.library.find(&component.to_string()).map_err(library_error)?;
        let bench = self.library.bench(info.sha256).await.map_err(library_error)?;
        if !bench.slots().contains(&slot) {
            let why = format!("{} is not for slot {slot}", info.name);
            return Err(ManagementError::Unprocessable(why));
        }
        // A request that its client gave up is dropped, and this with it.
        let (_waiter, awaited) = Awaited::by_somebody();
        let asked = supervisor::blocking("component-test", move || {
            let reports = bench.run_within(&case, COMPONENT_TEST_TIME, &awaited);
            (case, reports)
        });
        let (case, reports) =
            asked.await.map_err(|error| ManagementError::Internal(format!("the test ended: {error}")))?;
        let reports = reports.map_err(library_error)?;
        Ok(Tested {
            as_expected: reports.len() == case.calls()
                && reports.iter().all(|report| report.unexpected.is_none()),
            not_asked: case.calls().saturating_sub(reports.len()) as u64,
            case: case.about,
            calls: reports.into_iter().map(call).collect(),
        })
    }
}

impl GatewayManagement {
    /// The policy set that says what an entry is told, where the configuration names one.
    async fn policy_set_of(&self, config: &EntryConfig) -> Option<String> {
        let path = self.reloader.current.lock().await.components.policy_set.clone()?;
        let set = policy_set::load(&path, &self.library, self.clock.wall()).await.ok()?;
        let says = |entry: &EntryConfig| entry.slot == config.slot && entry.entry == config.entry;
        set.entries.iter().any(says).then(|| path.display().to_string())
    }

    async fn shown_tuned(&self, config: EntryConfig) -> Result<Tuned> {
        let policy_set = self.policy_set_of(&config).await;
        let values = config.limits.values().into_iter().zip(Limits::default().values());
        let limits = Limits::BOUNDS.iter().zip(values).map(|(bound, (value, default))| Limit {
            name: bound.name.to_owned(),
            about: bound.about.to_owned(),
            value,
            default,
            least: bound.least,
            most: bound.most,
        });
        Ok(Tuned {
            slot: shown_slot(config.slot),
            entry: config.entry,
            limits: limits.collect(),
            settings: config.settings.into_iter().collect(),
            policy_set,
        })
    }
}

/// Settings and limits of an entry with what is changed; the first thing that is wrong.
fn changed(
    config: &EntryConfig,
    tune: Tune,
) -> std::result::Result<(Vec<(String, String)>, Limits), InvalidTuning> {
    let mut settings: BTreeMap<String, String> = config.settings.iter().cloned().collect();
    for (name, value) in tune.settings {
        match value {
            None => drop(settings.remove(&name)),
            Some(value) => {
                check_setting(&name, &value)?;
                settings.insert(name, value);
            }
        }
    }
    let mut limits = config.limits.clone();
    let defaults = Limits::BOUNDS.iter().zip(Limits::default().values());
    let defaults: BTreeMap<&str, u64> = defaults.map(|(bound, value)| (bound.name, value)).collect();
    for (name, value) in tune.limits {
        // An unknown name is told by `set`.
        let value = value.or_else(|| defaults.get(name.as_str()).copied()).unwrap_or_default();
        limits.set(&name, value)?;
    }
    Ok((settings.into_iter().collect(), limits))
}

fn call(report: CallReport) -> TestedCall {
    let (answer, failure) = match report.answer {
        Ok(answer) => (Some(answer), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    TestedCall {
        function: report.function.to_owned(),
        answer,
        failure,
        unexpected: report.unexpected,
        microseconds: u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX),
        memory_bytes: report.memory_bytes,
        log: report.log.into_iter().map(|line| line.text).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::decisions::first_entry;

    fn config() -> EntryConfig {
        let mut config = first_entry(sandbox::Slot::Policy, "policy", mail::ComponentDigest([0; 32]));
        config.settings = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        config.limits.call_ms = 5;
        config
    }

    #[test]
    fn what_is_not_named_stays() {
        let tune: Tune = serde_json::from_str(
            r#"{"settings":{"a":null,"c":"3"},"limits":{"call-ms":null,"log-lines":7}}"#,
        )
        .unwrap();
        let (settings, limits) = changed(&config(), tune).unwrap();
        let pairs: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("b", "2"), ("c", "3")]);
        assert_eq!(limits, Limits { log_lines: 7, ..Limits::default() });
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong =
            |json: &str| changed(&config(), serde_json::from_str(json).unwrap()).unwrap_err().to_string();
        assert!(
            wrong(r#"{"limits":{"call-ms":0}}"#)
                .contains("call-ms (milliseconds one call may run) is from 1")
        );
        assert!(wrong(r#"{"limits":{"calls":null}}"#).contains("no limit `calls`"));
        assert!(wrong(r#"{"settings":{"":"x"}}"#).contains("1 to"));
    }
}
