//! Recorded decisions, as the web API shows them.

use admin::dto::Decision;
use sandbox::DecisionRecord;
use serde_json::Value;

use crate::adapters::slots::shown_slot;

/// A decision as it was recorded; None for a record of a version that wrote other ones.
pub fn decision(recorded: &store::Decision) -> Option<Decision> {
    let record: DecisionRecord = serde_json::from_slice(&recorded.record)
        .inspect_err(|error| tracing::warn!(id = recorded.id, %error, "a decision cannot be read"))
        .ok()?;
    // What a component was told and answered is JSON within the record.
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let (answer, failure) = match &record.outcome {
        Ok(answer) => (Some(value(answer)), None),
        Err(failure) if record.words_left_out => (None, Some(failure.kind().to_string())),
        Err(failure) => (None, Some(failure.to_string())),
    };
    Some(Decision {
        id: recorded.id,
        time: recorded.time.into(),
        slot: shown_slot(record.slot),
        account: record.account,
        entry: record.entry,
        function: record.function,
        component: record.component,
        facts: value(&record.facts),
        answer,
        failure,
        calls: record.capability_calls.iter().filter_map(|call| serde_json::to_value(call).ok()).collect(),
        calls_dropped: record.capability_calls_dropped,
        log: record.log.into_iter().map(|line| line.text).collect(),
        log_lines_dropped: record.log_lines_dropped,
        words_left_out: record.words_left_out,
        cut: record.is_cut,
        microseconds: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
    })
}
