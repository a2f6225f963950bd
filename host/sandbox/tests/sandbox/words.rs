//! Where the words of a component are shown: they may quote the mail of one account, and belong to that account alone.

use mail::record::Direction;
use sandbox::{FailureKind, FailureSummary, Slot};

use crate::defaults::facts;
use crate::setup::{Bench, NOW, anna, mail};

const SECRET: &str = "the-subject-of-a-mail";

/// A filter that quotes the mail in a wrong answer, in its log and in a key of its state.
async fn quoting() -> Bench {
    let bench = Bench::evil(Slot::MailFilter, "quote").await;
    for _ in 0..5 {
        let text = mail(&format!("Subject: {SECRET}\n\ntext\n"));
        let asked = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), text).await;
        let error = asked.unwrap_err();
        assert!(error.failure.to_string().contains(SECRET), "the test quotes nothing: {error:?}");
        assert!(!error.to_string().contains(SECRET), "{error}");
        assert!(error.to_string().contains("filter: its answer makes no sense"), "{error}");
    }
    bench
}

#[tokio::test]
async fn what_everybody_sees_of_a_failure_has_no_words_of_the_component() {
    let bench = quoting().await;
    bench.records(5).await;
    let status = bench.sandbox.status();
    let shown = serde_json::to_string(&status).unwrap();
    assert!(!shown.contains(SECRET), "{shown}");
    let kept = serde_json::to_string(&bench.sandbox.config()).unwrap();
    assert!(!kept.contains(SECRET), "{kept}");
    let event = bench.world.fell_back.lock().unwrap()[0].clone();
    assert_eq!(event.why, FailureSummary { function: "filter", kind: FailureKind::Nonsense });
    let told = serde_json::to_string(&event).unwrap();
    assert!(told.contains("filter: its answer makes no sense") && !told.contains(SECRET), "{told}");
    let of_filter = status.iter().find(|entry| entry.slot == Slot::MailFilter).unwrap();
    let fallback = of_filter.fallback.as_ref().unwrap();
    assert!(fallback.why.contains("makes no sense"), "{}", fallback.why);
}

#[tokio::test]
async fn a_record_has_the_words_of_the_component_unless_they_are_left_out() {
    let bench = quoting().await;
    for record in bench.records(5).await {
        let whole = serde_json::to_string(&record).unwrap();
        assert_eq!(whole.matches(SECRET).count(), 3, "its answer, its log, its key of state: {whole}");
        let (kind, logged) = (record.outcome.clone().unwrap_err().kind(), record.log.len() as u64);
        let left = record.without_words();
        assert!(left.words_left_out);
        assert_eq!(left.log_lines_dropped, logged, "lines left out are counted");
        assert_eq!(left.outcome.clone().unwrap_err().kind(), kind);
        let left = serde_json::to_string(&left).unwrap();
        assert!(!left.contains(SECRET), "{left}");
    }
}

#[test]
fn a_fallback_that_was_kept_with_words_loses_them_when_it_is_read() {
    let stored = serde_json::json!({
        "from": "ab".repeat(32), "name": "mine", "why": SECRET, "when": 7,
    });
    let fallback: sandbox::Fallback = serde_json::from_value(stored).unwrap();
    assert_eq!(fallback.why, "it failed");
    let kept = serde_json::to_value(&fallback).unwrap();
    assert_eq!(serde_json::from_value::<sandbox::Fallback>(kept).unwrap(), fallback);
}
