//! Compares an answer with what a case expects.

use serde::Serialize;
use serde_json::{Map, Value};

use super::CallReport;
use super::case::CaseCall;

/// What is not as expected.
pub(super) fn unexpected(call: &CaseCall, report: &CallReport) -> Option<String> {
    let answer = match (&report.answer, &call.fails) {
        (Err(failure), None) => return Some(format!("it gave no answer: {failure}")),
        (Err(failure), Some(pattern)) => {
            let text = failure.to_string();
            return (!matches(pattern, &text))
                .then(|| format!("it was expected to fail with \"{pattern}\" and failed with \"{text}\""));
        }
        (Ok(answer), Some(_)) => return Some(format!("it was expected to fail and answered {answer}")),
        (Ok(answer), None) => answer,
    };
    if let Some(expected) = &call.answer
        && let Some(difference) = difference(&from_toml(expected), answer, "")
    {
        return Some(difference);
    }
    let pattern = call.logs.as_deref()?;
    let is_logged = report.log.iter().any(|line| matches(pattern, &line.text));
    (!is_logged).then(|| format!("it was expected to log \"{pattern}\""))
}

/// An answer as JSON with the names and units of the WIT package: `kebab-case`, times in seconds.
pub(super) fn in_wit_words(answer: &impl Serialize) -> Value {
    match serde_json::to_value(answer) {
        Ok(value) => renamed(value),
        Err(error) => Value::String(error.to_string()),
    }
}

fn renamed(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(renamed).collect()),
        Value::Object(fields) => match seconds(&fields) {
            Some(seconds) => seconds,
            None => Value::Object(
                fields.into_iter().map(|(name, value)| (name.replace('_', "-"), renamed(value))).collect(),
            ),
        },
        other => other,
    }
}

/// A duration, as serde writes it.
fn seconds(fields: &Map<String, Value>) -> Option<Value> {
    let (seconds, _) = fields.get("secs").zip(fields.get("nanos")).filter(|_| fields.len() == 2)?;
    Some(seconds.clone())
}

fn from_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::Bool(*flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(values) => Value::Array(values.iter().map(from_toml).collect()),
        toml::Value::Table(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), from_toml(value))).collect())
        }
    }
}

/// The first difference: `at` says where. Of records only the expected fields are looked at.
fn difference(expected: &Value, answer: &Value, at: &str) -> Option<String> {
    match (expected, answer) {
        (Value::String(pattern), Value::String(text)) if matches(pattern, text) => None,
        (Value::Array(expected), Value::Array(answer)) if expected.len() == answer.len() => {
            let pairs = expected.iter().zip(answer).enumerate();
            pairs.into_iter().find_map(|(index, (expected, answer))| {
                difference(expected, answer, &format!("{at}[{index}]"))
            })
        }
        (Value::Object(expected), Value::Object(answer)) => expected.iter().find_map(|(name, expected)| {
            let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            difference(expected, answer.get(name).unwrap_or(&Value::Null), &at)
        }),
        (expected, answer) if expected == answer => None,
        _ => {
            let place = if at.is_empty() { String::new() } else { format!("{at}: ") };
            Some(format!("{place}expected {expected}, answered {answer}"))
        }
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = text.find(piece) else { return false };
        text = text.get(at + piece.len()..).unwrap_or_default();
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("a*c", "abc") && matches("a*c", "ac") && matches("*", "") && matches("*b*", "abc"));
        assert!(!matches("a*c", "ab") && !matches("a", "ab") && !matches("ab*ba", "aba"));
    }

    #[test]
    fn only_expected_fields_are_compared() {
        let answer = json!({"refuse": {"status": "5.7.1", "text": "no"}});
        assert_eq!(difference(&json!({"refuse": {"status": "5.7.1"}}), &answer, ""), None);
        let different = difference(&json!({"refuse": {"status": "4.7.1"}}), &answer, "").unwrap();
        assert!(different.starts_with("refuse.status: expected \"4.7.1\""), "{different}");
        assert!(difference(&json!([1]), &json!([1, 2]), "").is_some());
    }

    #[test]
    fn times_are_seconds_and_names_as_in_wit() {
        let answer = mail::decision::policy::RetryAnswer::After(std::time::Duration::from_secs(5));
        assert_eq!(in_wit_words(&answer), json!({"after": 5}));
        let plan = mail::decision::relay_selector::Plan { choices: vec![], enough: 0, ttl_days: 7 };
        assert_eq!(in_wit_words(&plan)["ttl-days"], json!(7));
    }
}
