//! Shadows and replays as people read them.

use std::fmt::Write as _;

use api::dto::{Answer, Difference, Replay, Shadow};

use super::table::printable;

/// Characters shown of facts and answers; `--json` has the whole.
const SHOWN: usize = 300;

/// How a shadow is doing, or did.
// Writing to a String cannot fail.
pub fn shadow(shadow: &Shadow, is_over: bool) -> String {
    let (entry, name) = (printable(&shadow.entry), &shadow.name);
    let mut text = if is_over {
        format!("{name} no longer runs beside the live component of {}, entry {entry}\n", shadow.slot)
    } else {
        format!(
            "{name} runs beside the live component of {}, entry {entry}, since {}\n",
            shadow.slot,
            shadow.since.to_text()
        )
    };
    let _ = writeln!(
        text,
        "{} answers the same, {} different, {} calls failed, {} dropped because it was too slow",
        shadow.same, shadow.different, shadow.failures, shadow.dropped
    );
    if let Some(why) = &shadow.stopped {
        let _ = writeln!(text, "it is no longer asked: {}", printable(why));
    }
    if shadow.not_compared > 0 {
        let why = shadow.not_compared_why.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "{} could not be compared, the last because: {}",
            shadow.not_compared,
            printable(why)
        );
    }
    differences(&mut text, &shadow.differences, shadow.different, "shadow");
    text
}

/// What a replay found.
pub fn replay(replay: &Replay) -> String {
    let entry = printable(&replay.entry);
    let mut text = format!(
        "{} decisions of {}, entry {entry}: {} answers the same, {} different\n",
        replay.decisions, replay.slot, replay.same, replay.different
    );
    for left_out in &replay.not_replayed {
        let _ = writeln!(text, "{} could not be replayed: {}", left_out.decisions, printable(&left_out.why));
    }
    if replay.incomplete {
        text.push_str("the replay took too long and ended before the last decision: give fewer --days\n");
    }
    differences(&mut text, &replay.differences, replay.different, "new");
    text
}

fn differences(text: &mut String, differences: &[Difference], all: u64, other: &str) {
    for difference in differences {
        let _ = writeln!(
            text,
            "\n{}  {}  {}  {}",
            difference.time.to_text(),
            difference.account,
            printable(&difference.function),
            shortened(&difference.facts.to_string())
        );
        let _ = writeln!(text, "  {:6}  {}", "live", answer(&difference.live));
        let _ = writeln!(text, "  {other:6}  {}", answer(&difference.other));
    }
    let left_out = all.saturating_sub(differences.len() as u64);
    if left_out > 0 {
        let _ = writeln!(text, "\nand {left_out} more differences");
    }
}

fn answer(answer: &Answer) -> String {
    match (&answer.answer, &answer.failure) {
        (_, Some(failure)) => format!("no answer: {}", shortened(failure)),
        (Some(answer), None) => shortened(&answer.to_string()),
        (None, None) => "nothing".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = printable(text).chars().take(SHOWN).collect();
    if text.chars().count() > SHOWN {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_shown_with_both_answers() {
        let value = json!({
            "slot": "policy", "entry": "policy", "sha256": "ab".repeat(32), "decisions": 9, "same": 6, "different": 2,
            "differences": [{
                "id": 4, "time": "2026-11-22T23:30:00Z", "function": "next-attempt", "account": "anna",
                "facts": { "attempts": 3 }, "live": { "answer": { "after": 60 }, "failure": null },
                "other": { "answer": null, "failure": "it trapped\u{1b}[31m" },
            }],
            "not_replayed": [{ "why": "the mail is no longer stored", "decisions": 1 }],
            "incomplete": true, "microseconds": 5,
        });
        let text = replay(&serde_json::from_value(value).unwrap());
        for line in [
            "9 decisions of policy, entry policy: 6 answers the same, 2 different",
            "1 could not be replayed: the mail is no longer stored",
            "give fewer --days",
            "next-attempt  {\"attempts\":3}",
            "live    {\"after\":60}",
            "no answer: it trapped\u{fffd}[31m",
            "and 1 more differences",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
