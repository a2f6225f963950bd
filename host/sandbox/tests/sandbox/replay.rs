//! Replays: a component is asked what was recorded, and nothing of it is kept.

use std::collections::VecDeque;
use std::sync::Arc;

use mail::Cause;
use mail::decision::mail_filter::{MailFacts, MessageBytes};
use mail::decision::resolver::Resolve;
use mail::record::Direction;
use sandbox::capabilities::{State as _, TxtAnswer};
use sandbox::{
    Candidate, DecisionRecord, Failure, History, NotReplayed, ReplayReport, Slot, SwapError, state_space,
};

use crate::defaults::{facts, retry, submission};
use crate::setup::{Bench, NOW, anna, mail};

/// Records in memory, and one mail for all of them.
struct Records(VecDeque<Result<(u64, DecisionRecord), NotReplayed>>, Option<Arc<dyn MessageBytes>>);

impl Records {
    fn of(records: Vec<DecisionRecord>) -> Self {
        Self((1..).zip(records).map(Ok).collect(), None)
    }
}

impl History for Records {
    fn next(&mut self) -> Option<Result<(u64, DecisionRecord), NotReplayed>> {
        self.0.pop_front()
    }

    fn mail(&mut self, _record: &DecisionRecord, _facts: &MailFacts) -> Option<Arc<dyn MessageBytes>> {
        self.1.clone()
    }
}

async fn replay(bench: &Bench, slot: Slot, name: &str, history: Records) -> ReplayReport {
    let candidate = Candidate::Known(bench.sha256(name));
    bench.sandbox.replay(slot, None, candidate, history).await.unwrap()
}

#[tokio::test]
async fn the_same_component_answers_as_recorded_and_another_one_does_not() {
    let bench = Bench::new().await;
    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    bench.sandbox.next_attempt(&anna(), NOW, retry()).await.unwrap();
    let records = bench.records(2).await;
    let same = replay(&bench, Slot::Policy, "default-policy", Records::of(records.clone())).await;
    assert_eq!((same.decisions, same.same, same.different), (2, 2, 0));
    let other = replay(&bench, Slot::Policy, "evil-policy", Records::of(records)).await;
    assert_eq!((other.same, other.different), (0, 2));
    assert_eq!(other.differences[0].live.as_deref(), Ok("\"allow\""));
    assert!(other.differences[0].other.as_ref().unwrap().contains("the evil policy"));
    assert_eq!((other.differences[1].id, other.differences[1].function.as_str()), (2, "next-attempt"));
    assert_eq!(bench.world.records.lock().unwrap().len(), 2, "a replay leaves no records");
}

#[tokio::test]
async fn a_file_is_replayed_without_being_kept() {
    let bench = Bench::new().await;
    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    let records = bench.records(1).await;
    // A custom section makes another file of the same component.
    let evil = builtin::test_guests().iter().find(|guest| guest.name == "evil-policy").unwrap();
    let bytes = [evil.bytes, &[0, 3, 1, b'x', 0][..]].concat();
    let before = bench.library.list().len();
    let candidate = Candidate::File(bytes);
    let report = bench.sandbox.replay(Slot::Policy, None, candidate, Records::of(records)).await.unwrap();
    assert_eq!((report.decisions, report.different), (1, 1));
    assert_eq!(bench.library.list().len(), before);
    let wrong = Candidate::File(evil.bytes.to_vec());
    let refused = bench.sandbox.replay(Slot::Resolver, None, wrong, Records::of(vec![])).await;
    assert!(matches!(refused, Err(SwapError::Library(_))), "{refused:?}");
}

#[tokio::test]
async fn capabilities_answer_as_they_were_recorded() {
    let bench = Bench::new().await;
    let records = vec![format!("v=tox1;id={}", crate::setup::BEN)];
    let name = "ben._tox.example.net".to_owned();
    let answer = Ok(TxtAnswer { records, secure: true });
    bench.world.dns.lock().unwrap().insert(name.clone(), answer);
    let question = Resolve { address: "ben@example.net".parse().unwrap(), mail: None };
    let live = bench.sandbox.resolve(&anna(), NOW, question).await;
    assert!(format!("{live:?}").contains("Found"), "{live:?}");
    let recorded = bench.records(1).await;
    // The world is another one now, and is not asked.
    bench.world.dns.lock().unwrap().clear();
    let lookups = *bench.world.lookups.lock().unwrap();
    let report = replay(&bench, Slot::Resolver, "default-resolver", Records::of(recorded.clone())).await;
    assert_eq!((report.same, report.different), (1, 0), "{report:?}");
    assert_eq!(*bench.world.lookups.lock().unwrap(), lookups);

    // What was not recorded cannot be answered, and the decision says so.
    let mut forgotten = recorded;
    forgotten[0].capability_calls.clear();
    let report = replay(&bench, Slot::Resolver, "default-resolver", Records::of(forgotten)).await;
    assert_eq!((report.decisions, report.same, report.different), (1, 0, 0));
    let (why, count) = report.not_replayed.first_key_value().unwrap();
    assert!(why.contains("than the recorded call did") && *count == 1, "{why}");
}

#[tokio::test]
async fn the_state_is_a_copy() {
    let bench = Bench::with(|set| {
        set.put(Slot::Policy, "evil-policy");
        set.entry(Slot::Policy).settings = vec![("do".into(), "count".into())];
    })
    .await;
    for _ in 0..3 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    }
    let records = bench.records(3).await;
    // Counts on from 3, which is not what was recorded.
    let report = replay(&bench, Slot::Policy, "evil-policy", Records::of(records)).await;
    assert_eq!(report.different, 3);
    assert!(report.differences[2].other.as_ref().unwrap().contains("\"6\""), "{:?}", report.differences[2]);
    let kept = bench
        .world
        .get(
            &state_space(Slot::Policy, "policy", "evil-policy", bench.sha256("evil-policy")),
            &anna(),
            "count",
        )
        .unwrap();
    assert_eq!(kept, Some(vec![3]), "nothing a replay writes is kept");
}

#[tokio::test]
async fn filters_read_mails_that_are_still_there() {
    let bench = Bench::with(|set| set.put(Slot::MailFilter, "evil-mail-filter")).await;
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    verdict.unwrap();
    let records = bench.records(1).await;
    let mut with_mail = Records::of(records.clone());
    with_mail.1 = Some(mail("A: b\n\nc\n"));
    let report = replay(&bench, Slot::MailFilter, "evil-mail-filter", with_mail).await;
    assert_eq!((report.same, report.different), (1, 0), "{report:?}");
    let report = replay(&bench, Slot::MailFilter, "evil-mail-filter", Records::of(records)).await;
    assert_eq!(report.not_replayed.get("the mail is no longer stored"), Some(&1));
}

#[tokio::test]
async fn what_cannot_be_replayed_is_counted_with_its_reason() {
    let bench = Bench::new().await;
    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    let good = bench.records(1).await.remove(0);
    let broken = DecisionRecord { facts: "{}".into(), ..good.clone() };
    let unknown = DecisionRecord { function: "decide-all".into(), ..good.clone() };
    let busy = DecisionRecord { outcome: Err(Failure::Busy), ..good.clone() };
    let elsewhere = DecisionRecord { entry: "another".into(), ..good.clone() };
    let mut records = Records::of(vec![good, broken, unknown, busy, elsewhere]);
    records.0.push_back(Err(NotReplayed::OtherVersion));
    for number in 0..100 {
        records.0.push_back(Err(NotReplayed::Unreadable(Cause::new(format!("reason {number}")))));
    }
    let report = replay(&bench, Slot::Policy, "default-policy", records).await;
    assert_eq!((report.decisions, report.same), (105, 1), "other entries are not counted");
    let counted: u64 = report.not_replayed.values().sum();
    assert_eq!(counted, 104);
    assert!(report.not_replayed.len() <= 21, "{:?}", report.not_replayed);
    assert_eq!(report.not_replayed["the gateway itself failed then"], 1);
}

#[tokio::test]
async fn a_candidate_that_misbehaves_ends_within_its_limits() {
    let bench = Bench::with(|set| {
        set.entry(Slot::Policy).settings = vec![("do".into(), "spin".into())];
        set.entry(Slot::Policy).limits.call_ms = 100;
    })
    .await;
    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    let records = bench.records(1).await;
    let report = replay(&bench, Slot::Policy, "evil-policy", Records::of(records)).await;
    assert!(matches!(report.differences[0].other, Err(Failure::TimeLimit(_))));
}
