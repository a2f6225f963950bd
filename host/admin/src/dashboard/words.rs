//! Answers of components and events in words. What is not known here is shown as it was recorded.

use serde_json::Value;

use super::names::Names;
use super::text::{plural, shortened};

/// What a component was asked about, where it is one thing.
pub(super) fn question(function: &str, facts: &Value, names: &Names) -> String {
    let address = |text: &Value| text.as_str().map(|text| names.text(text));
    let about = match function {
        "allow-submission" => address(&facts["forward_path"]).map(|to| format!("a mail to {to}")),
        "resolve" => address(&facts["address"]),
        "next-attempt" => facts["attempts"].as_u64().map(|number| plural(number, "failed attempt")),
        "accept-friend" => address(&facts["key"]),
        "filter" => filtered(facts, names),
        "learn" => filtered(&facts["facts"], names),
        _ => None,
    };
    about.map(|about| shortened(&about)).unwrap_or_default()
}

fn filtered(facts: &Value, names: &Names) -> Option<String> {
    let to = facts["envelope"]["forward_path"].as_str().map(|text| names.text(text))?;
    let from = facts["peer"].as_str().map(|key| names.text(key));
    match (facts["direction"].as_str()?, from) {
        ("outgoing" | "Outgoing", _) => Some(format!("a mail to {to}")),
        (_, Some(from)) => Some(format!("a mail from {from}")),
        (_, None) => Some("a mail from here".to_owned()),
    }
}

/// What a component answered.
pub(super) fn answer(function: &str, answer: &Value, names: &Names) -> String {
    let (kind, value) = match answer {
        Value::String(kind) => (kind.as_str(), &Value::Null),
        Value::Object(fields) if fields.len() == 1 => match fields.iter().next() {
            Some((kind, value)) => (kind.as_str(), value),
            None => ("", &Value::Null),
        },
        other => ("", other),
    };
    let said = match (function, kind) {
        (_, "allow") => Some("allowed".to_owned()),
        (_, "refuse" | "reject") => Some(format!("refused: {}", reason(value))),
        (_, "after") => wait(value).map(|wait| format!("try again after {wait}")),
        (_, "give-up") => Some(format!("given up: {}", reason(value))),
        (_, "ask-user") => Some("you are asked".to_owned()),
        (_, "ignore") => Some("ignored".to_owned()),
        (_, "found") => found(value, names),
        (_, "not-found") => Some(format!("nobody: {}", reason(value))),
        (_, "try-later") => Some(format!("cannot tell now: {}", reason(value))),
        (_, "quarantine") => Some(format!("set aside: {}", reason(value))),
        (_, "discard") => Some(format!("thrown away: {}", reason(value))),
        ("filter", "accept") => value.as_array().map(|fields| match fields.len() {
            0 => "accepted".to_owned(),
            number => format!("accepted, with {}", plural(number as u64, "header field")),
        }),
        (_, "accept") => Some("accepted".to_owned()),
        ("select", _) => plan(answer),
        ("learn", _) => Some("heard".to_owned()),
        _ => None,
    };
    shortened(&said.unwrap_or_else(|| answer.to_string()))
}

/// The text of a refusal, or a text alone.
fn reason(value: &Value) -> String {
    let text = value.as_str().or_else(|| value["text"].as_str());
    text.map_or_else(|| value.to_string(), str::to_owned)
}

fn wait(value: &Value) -> Option<String> {
    let seconds = value["secs"].as_u64().or_else(|| value.as_u64())?;
    Some(match seconds {
        0..120 => plural(seconds, "second"),
        120..7200 => plural(seconds / 60, "minute"),
        _ => plural(seconds / 3600, "hour"),
    })
}

fn found(value: &Value, names: &Names) -> Option<String> {
    let (kind, target) = value["target"].as_object()?.iter().next()?;
    let target = names.text(target.as_str()?);
    let source = value["source"].as_str().or_else(|| value["source"]["other"].as_str());
    let who = if kind == "account" { format!("{target} of this gateway") } else { target };
    Some(match source {
        Some("contact") => format!("{who}, a contact"),
        Some("dns") => format!("{who}, by DNS"),
        Some("literal") => format!("{who}, by the address itself"),
        Some("account") | None => who,
        Some(other) => format!("{who}, by {other}"),
    })
}

fn plan(answer: &Value) -> Option<String> {
    let choices = answer["choices"].as_array()?.len() as u64;
    if choices == 0 {
        return Some("no drop relay".to_owned());
    }
    let (relays, enough) = (plural(choices, "drop relay"), answer["enough"].as_u64()?);
    Some(format!("{relays}, of which {enough} {} enough", if enough == 1 { "is" } else { "are" }))
}

/// What happened.
pub(super) fn event(kind: &str, data: &Value, names: &Names) -> String {
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    let said = match kind {
        "submitted" => "A mail program submitted a mail.".to_owned(),
        "outbox-changed" => format!("A mail of the outbox: {}.", text("what")),
        "arrived" => {
            let from = data["sender"].as_str().map_or_else(|| "here".to_owned(), |key| names.text(key));
            let place = if data["quarantined"] == true { "was set aside" } else { "is in the mailbox" };
            format!("A mail from {from} {place}.")
        }
        "contacts-changed" => "Contacts or requests changed.".to_owned(),
        "decision-failed" => format!("The component of slot {} failed: {}", text("slot"), text("why")),
        "component-fell-back" => {
            format!("The component of slot {} failed and was replaced: {}", text("slot"), text("why"))
        }
        "shadow-difference" => format!("The shadow of slot {} answered differently.", text("slot")),
        "backup" => format!("A backup has copied {} % of the store.", data["percent"]),
        _ if data.as_object().is_some_and(serde_json::Map::is_empty) => String::new(),
        _ => data.to_string(),
    };
    shortened(&said)
}

/// A value of the configuration, without the marks JSON needs.
pub(super) fn setting(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(setting).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| match value {
                Value::Array(_) => format!("{name}: {}", setting(value).replace(", ", " to ")),
                value => format!("{name}: {}", setting(value)),
            });
            fields.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

    #[test]
    fn answers_are_told_in_words() {
        let names = Names::default();
        let refusal = json!({ "status": "5.7.1", "text": "not on Sundays" });
        for (function, value, words) in [
            ("allow-submission", json!("allow"), "allowed"),
            ("allow-submission", json!({ "refuse": refusal }), "refused: not on Sundays"),
            ("allow-deposit", json!({ "refuse": "full" }), "refused: full"),
            ("next-attempt", json!({ "after": { "secs": 300, "nanos": 0 } }), "try again after 5 minutes"),
            ("next-attempt", json!({ "after": 1 }), "try again after 1 second"),
            ("next-attempt", json!({ "give-up": refusal }), "given up: not on Sundays"),
            ("accept-friend", json!("accept"), "accepted"),
            ("accept-friend", json!("ask-user"), "you are asked"),
            ("filter", json!({ "accept": [] }), "accepted"),
            ("filter", json!({ "accept": [{ "name": "X", "value": "y" }] }), "accepted, with 1 header field"),
            ("filter", json!({ "quarantine": "odd" }), "set aside: odd"),
            ("resolve", json!({ "not-found": "unknown" }), "nobody: unknown"),
            (
                "resolve",
                json!({ "found": { "target": { "key": KEY }, "source": "contact", "trust": "verified" } }),
                "010101010101…, a contact",
            ),
            (
                "resolve",
                json!({ "found": { "target": { "account": "anna" }, "source": "account" } }),
                "anna of this gateway",
            ),
            ("select", json!({ "choices": [{}, {}], "enough": 1 }), "2 drop relays, of which 1 is enough"),
            ("select", json!({ "choices": [], "enough": 0 }), "no drop relay"),
            ("later", json!({ "a": 1, "b": 2 }), "{\"a\":1,\"b\":2}"),
        ] {
            assert_eq!(answer(function, &value, &names), words, "{function} {value}");
        }
    }

    #[test]
    fn settings_are_shown_without_marks() {
        for (value, text) in [
            (json!(null), "not set"),
            (json!("127.0.0.1:1"), "127.0.0.1:1"),
            (json!([]), "none"),
            (json!(["a", "b"]), "a, b"),
            (json!({ "every": [1, 2], "rest": 3 }), "every: 1 to 2; rest: 3"),
            (json!(true), "true"),
        ] {
            assert_eq!(setting(&value), text);
        }
    }
}
