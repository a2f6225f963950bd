//! Shadows: asked what the live component is asked, compared, never used, and never in the way.

use std::sync::Arc;
use std::time::Duration;

use mail::decision::mail_filter::{Feedback, UserDecision, Verdict};
use mail::decision::policy::SubmissionAnswer;
use mail::decision::resolver::Resolve;
use mail::record::Direction;
use sandbox::{Failure, ShadowReport, Slot, SwapError};

use crate::defaults::{facts, submission};
use crate::setup::{Bench, NOW, anna, clock, mail};

/// The shadow's report once it says so.
async fn report(bench: &Bench, slot: Slot, is_so: impl Fn(&ShadowReport) -> bool) -> ShadowReport {
    for _ in 0..2000 {
        let report = bench.sandbox.shadow(slot).unwrap();
        if is_so(&report) {
            return report;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the shadow does not get there: {:?}", bench.sandbox.shadow(slot));
}

async fn begin(bench: &Bench, slot: Slot, name: &str) -> Result<ShadowReport, SwapError> {
    bench.sandbox.begin_shadow(slot, None, bench.sha256(name), vec![anna()], NOW).await
}

#[tokio::test]
async fn a_shadow_that_answers_otherwise_is_told_and_not_used() {
    let bench = Bench::new().await;
    begin(&bench, Slot::Policy, "evil-policy").await.unwrap();
    let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    assert_eq!(answer, Ok(SubmissionAnswer::Allow));
    let report = report(&bench, Slot::Policy, |report| report.different == 1).await;
    assert_eq!((report.same, report.dropped, report.health.calls), (0, 0, 1));
    let difference = &report.differences[0];
    assert_eq!((difference.id, difference.function.as_str()), (1, "allow-submission"));
    assert_eq!(difference.live.as_deref(), Ok("\"allow\""));
    assert!(difference.other.as_ref().unwrap().contains("the evil policy"));
    assert!(difference.facts.contains("ben@tox"), "{}", difference.facts);
    let told = bench.world.differs.lock().unwrap().clone();
    assert_eq!((told.len(), &told[0].difference), (1, difference));
    assert_eq!(bench.world.records.lock().unwrap().len(), 1, "shadows leave no records of decisions");
}

#[tokio::test]
async fn the_same_component_answers_the_same() {
    let bench = Bench::new().await;
    begin(&bench, Slot::Resolver, "default-resolver").await.unwrap();
    for address in ["ben@tox", "anna@tox", "x@example.org"] {
        let question = Resolve { address: address.parse().unwrap(), mail: None };
        bench.sandbox.resolve(&anna(), NOW, question).await.unwrap();
    }
    let report = report(&bench, Slot::Resolver, |report| report.same == 3).await;
    assert_eq!((report.different, report.not_compared), (0, 0));
    assert_eq!(*bench.world.lookups.lock().unwrap(), 1, "DNS answers the shadow as it answered the live one");
}

#[tokio::test]
async fn a_shadow_makes_no_lookup_of_its_own() {
    let bench =
        Bench::with(|set| set.entry(Slot::Resolver).settings = vec![("do".into(), "dns-loop".into())]).await;
    begin(&bench, Slot::Resolver, "evil-resolver").await.unwrap();
    for _ in 0..2 {
        let question = Resolve { address: "ben@tox".parse().unwrap(), mail: None };
        bench.sandbox.resolve(&anna(), NOW, question).await.unwrap();
    }
    let report = report(&bench, Slot::Resolver, |report| report.not_compared == 2).await;
    assert_eq!((report.same, report.different), (0, 0));
    let why = report.not_compared_why.unwrap();
    assert!(why.contains("asked DNS for another name"), "{why}");
    assert_eq!(*bench.world.lookups.lock().unwrap(), 0, "nothing left the machine");
}

#[tokio::test]
async fn lines_of_a_shadow_stand_under_its_own_name_in_the_log() {
    let log = crate::log::kept();
    let bench =
        Bench::with(|set| set.entry(Slot::Resolver).settings = vec![("do".into(), "log-flood".into())]).await;
    begin(&bench, Slot::Resolver, "evil-resolver").await.unwrap();
    let question = Resolve { address: "ben@tox".parse().unwrap(), mail: None };
    bench.sandbox.resolve(&anna(), NOW, question).await.unwrap();
    report(&bench, Slot::Resolver, |report| report.different == 1).await;
    let names = log.lock().unwrap().clone();
    // Other tests write into the same log, but none of them lets this component run beside another.
    assert!(names.contains("resolver (shadow evil-resolver)"), "{names:?}");
}

#[tokio::test]
async fn a_shadow_has_a_state_of_its_own_that_begins_as_a_copy() {
    let bench = Bench::with(|set| {
        set.put(Slot::Policy, "evil-policy");
        set.entry(Slot::Policy).settings = vec![("do".into(), "count".into())];
    })
    .await;
    // The live one counts to 2, then both go on from there.
    for _ in 0..2 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    }
    begin(&bench, Slot::Policy, "evil-policy").await.unwrap();
    for _ in 0..3 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    }
    report(&bench, Slot::Policy, |report| report.same == 3).await;
    let last = bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    let SubmissionAnswer::Refuse(refusal) = last else { panic!() };
    assert_eq!(refusal.text(), "6", "the shadow's writing is not the live one's");
    // A new account begins empty for both.
    bench.sandbox.allow_submission(&"ben".parse().unwrap(), NOW, submission()).await.unwrap();
    let report = report(&bench, Slot::Policy, |report| report.same == 5).await;
    assert_eq!(report.different, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_spins_slows_nobody_and_what_it_misses_is_counted() {
    let bench = Arc::new(
        Bench::with(|set| {
            // The default policy does not know the setting.
            set.entry(Slot::Policy).settings = vec![("do".into(), "spin".into())];
            set.entry(Slot::Policy).limits.call_ms = 2000;
        })
        .await,
    );
    begin(&bench, Slot::Policy, "evil-policy").await.unwrap();
    let clock = clock();
    let begun = clock.monotonic();
    let calls = 500;
    for _ in 0..calls {
        let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
        assert_eq!(answer, Ok(SubmissionAnswer::Allow));
    }
    // One call of the shadow takes two seconds; all of the live ones together take less than a few of those.
    let took = clock.monotonic().since(begun);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let report = report(&bench, Slot::Policy, |report| report.different > 0 && report.dropped > 0).await;
    assert!(report.dropped + 64 > calls, "{} were not dropped", calls - report.dropped);
    assert_eq!(report.differences[0].other, Err(Failure::TimeLimit(Duration::from_secs(2))));
    let health = bench.sandbox.status()[0].health.clone();
    assert_eq!(health.failures, 0, "the live component answers for nothing");
}

#[tokio::test]
async fn a_shadow_that_fails_never_goes_back_or_forth() {
    let bench =
        Bench::with(|set| set.entry(Slot::Policy).settings = vec![("do".into(), "trap".into())]).await;
    begin(&bench, Slot::Policy, "evil-policy").await.unwrap();
    for done in 1..=8 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
        report(&bench, Slot::Policy, |report| report.different == done).await;
    }
    let report = bench.sandbox.end_shadow(Slot::Policy).unwrap();
    assert_eq!((report.health.failures, report.health.consecutive_failures), (8, 8));
    assert!(bench.world.fell_back.lock().unwrap().is_empty());
    assert!(bench.sandbox.shadow(Slot::Policy).is_none() && bench.sandbox.end_shadow(Slot::Policy).is_none());
}

#[tokio::test]
async fn a_shadow_of_a_filter_reads_the_mail_and_learns() {
    let bench =
        Bench::with(|set| set.entry(Slot::MailFilter).settings = vec![("do".into(), "learned".into())]).await;
    begin(&bench, Slot::MailFilter, "evil-mail-filter").await.unwrap();
    // The live one does not learn; its shadow does.
    let feedback = Feedback { facts: facts(Direction::Incoming), decision: UserDecision::Spam };
    bench.sandbox.learn(&anna(), NOW, feedback, mail("A: b\n\nc\n")).await.unwrap();
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    assert!(matches!(verdict, Ok(Verdict::Accept(_))), "{verdict:?}");
    let report = report(&bench, Slot::MailFilter, |report| report.different == 1).await;
    assert_eq!(report.health.calls, 2);
    assert!(report.differences[0].other.as_ref().unwrap().contains("UserDecision::Spam 11"));
}

#[tokio::test]
async fn a_shadow_belongs_to_an_entry_and_ends_when_it_goes_live() {
    let bench = Bench::with(|set| set.add(Slot::MailFilter, "second", "evil-mail-filter", "")).await;
    let evil = bench.sha256("evil-mail-filter");
    let nowhere = bench.sandbox.begin_shadow(Slot::MailFilter, None, evil, vec![], NOW).await;
    assert!(matches!(nowhere, Err(SwapError::WhichEntry(Slot::MailFilter))));
    let wrong = bench
        .sandbox
        .begin_shadow(Slot::MailFilter, Some("second"), bench.sha256("evil-policy"), vec![], NOW)
        .await;
    assert!(matches!(wrong, Err(SwapError::Library(_))));
    bench.sandbox.begin_shadow(Slot::MailFilter, Some("mail-filter"), evil, vec![], NOW).await.unwrap();
    bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await.unwrap();
    report(&bench, Slot::MailFilter, |report| report.same + report.different == 1).await;
    bench.sandbox.use_component(Slot::MailFilter, Some("mail-filter"), evil).await.unwrap();
    assert!(bench.sandbox.shadow(Slot::MailFilter).is_none());

    bench
        .sandbox
        .begin_shadow(Slot::MailFilter, Some("second"), bench.sha256("default-mail-filter"), vec![], NOW)
        .await
        .unwrap();
    bench.sandbox.remove_filter("second").await.unwrap();
    assert!(bench.sandbox.shadow(Slot::MailFilter).is_none(), "the entry is gone");
}

#[tokio::test]
async fn differences_are_kept_within_bounds() {
    let bench = Bench::new().await;
    begin(&bench, Slot::Policy, "evil-policy").await.unwrap();
    for done in 1..=130 {
        let attributes = vec![("large".to_owned(), "x".repeat(20_000))].into();
        let question = mail::decision::policy::Submission { attributes, ..submission() };
        bench.sandbox.allow_submission(&anna(), NOW, question).await.unwrap();
        report(&bench, Slot::Policy, |report| report.different == done).await;
    }
    let report = bench.sandbox.shadow(Slot::Policy).unwrap();
    let ids: Vec<u64> = report.differences.iter().map(|difference| difference.id).collect();
    assert_eq!(ids, (31..=130).collect::<Vec<_>>(), "the newest hundred");
    assert!(report.differences.iter().all(|difference| difference.facts.len() < 9000));
}

#[tokio::test]
async fn a_shadow_that_fails_again_and_again_is_not_asked_any_more() {
    let bench =
        Bench::with(|set| set.entry(Slot::Policy).settings = vec![("do".into(), "trap".into())]).await;
    begin(&bench, Slot::Policy, "evil-policy").await.unwrap();
    for done in 1..=20 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
        report(&bench, Slot::Policy, |report| report.different == done).await;
    }
    for _ in 0..5 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    }
    let report = bench.sandbox.end_shadow(Slot::Policy).unwrap();
    assert_eq!((report.health.calls, report.dropped), (20, 0));
    assert!(report.stopped.unwrap().contains("20 times in a row"), "it says why");
}
