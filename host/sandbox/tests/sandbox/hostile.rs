//! Components that misbehave: each call ends with the reason, and nobody else notices.

use std::sync::Arc;
use std::time::Duration;

use mail::decision::mail_filter::{Feedback, UserDecision, Verdict};
use mail::decision::policy::{RetryAnswer, SubmissionAnswer};
use mail::decision::resolver::{Resolve, ResolveAnswer};
use mail::record::Direction;
use sandbox::{DecisionRecord, Failure, Slot};

use crate::defaults::{facts, retry, submission};
use crate::setup::{Bench, NOW, anna, mail};

async fn evil_submission(what: &str) -> (Result<SubmissionAnswer, Failure>, Bench) {
    let bench = Bench::evil(Slot::Policy, what).await;
    let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    (answer.map_err(|error| error.failure), bench)
}

async fn submission_failure(what: &str) -> Failure {
    evil_submission(what).await.0.unwrap_err()
}

async fn evil_filter(what: &str) -> Result<Verdict, Failure> {
    let bench = Bench::evil(Slot::MailFilter, what).await;
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    verdict.map_err(|error| error.failure)
}

async fn evil_resolve(what: &str) -> (Result<ResolveAnswer, Failure>, Bench) {
    let bench = Bench::evil(Slot::Resolver, what).await;
    let question = Resolve { address: "ben@tox".parse().unwrap(), mail: None };
    let answer = bench.sandbox.resolve(&anna(), NOW, question).await.map_err(|error| error.failure);
    (answer, bench)
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_time_limit() {
    assert_eq!(submission_failure("spin").await, Failure::TimeLimit(Duration::from_millis(200)));
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    assert_eq!(submission_failure("allocate").await, Failure::MemoryLimit(64 << 20));
}

#[tokio::test]
async fn recursion_ends_with_the_stack() {
    // Whichever ends first, the engine's stack or the one the component keeps in its memory.
    match submission_failure("recurse").await {
        Failure::StackLimit(limit) => assert_eq!(limit, 1 << 20),
        Failure::Trapped(why) => assert!(why.contains("out of bounds"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_trap_is_a_failure_and_the_next_call_starts_anew() {
    let (first, bench) = evil_submission("trap").await;
    assert!(matches!(first, Err(Failure::Trapped(_))), "{first:?}");
    let second = bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap_err();
    assert!(matches!(second.failure, Failure::Trapped(_)));
    assert!(second.to_string().contains("policy"), "{second}");
    let records = bench.records(2).await;
    assert!(records.iter().all(|record| matches!(record.outcome, Err(Failure::Trapped(_)))));
}

#[tokio::test]
async fn a_huge_answer_is_not_taken() {
    let failure = submission_failure("huge").await;
    assert!(matches!(failure, Failure::Unreadable(_) | Failure::MemoryLimit(_)), "{failure:?}");
}

#[tokio::test]
async fn nonsense_is_a_failure() {
    for (what, part) in [("nonsense", "goodbye"), ("wrong-class", "class 2"), ("no-text", "empty")] {
        let Failure::Nonsense(why) = submission_failure(what).await else { panic!("{what}") };
        assert!(why.contains(part), "{why}");
    }
}

#[tokio::test]
async fn calling_the_gateway_in_a_loop_ends() {
    let failure = submission_failure("call-loop").await;
    assert!(matches!(failure, Failure::CapabilityLimit(10_000) | Failure::TimeLimit(_)), "{failure:?}");
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut_and_counted() {
    let (answer, bench) = evil_submission("log-flood").await;
    assert_eq!(answer, Ok(SubmissionAnswer::Allow));
    let record = &bench.records(1).await[0];
    assert_eq!((record.log.len(), record.log_lines_dropped), (100, 4900));
    assert_eq!(record.log[0].text, "line 0  and more", "one line stays one line");
}

#[tokio::test]
async fn state_ends_at_its_quota() {
    let (answer, _bench) = evil_submission("fill-state").await;
    let Ok(SubmissionAnswer::Refuse(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal.text(), "104 keys, quota 1048576");
}

#[tokio::test]
async fn state_survives_a_call_and_memory_does_not() {
    let (_, bench) = evil_submission("count").await;
    let again = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    let Ok(SubmissionAnswer::Refuse(refusal)) = again else { panic!("{again:?}") };
    assert_eq!(refusal.text(), "2");
    let other = bench.sandbox.allow_submission(&"ben".parse().unwrap(), NOW, submission()).await;
    let Ok(SubmissionAnswer::Refuse(refusal)) = other else { panic!("{other:?}") };
    assert_eq!(refusal.text(), "1", "each account has a state of its own");
}

#[tokio::test]
async fn calls_at_once_for_one_account_lose_nothing_of_each_others_state() {
    let (first, bench) = evil_submission("count").await;
    assert!(first.is_ok());
    *bench.world.state_delay.lock().unwrap() = Duration::from_millis(3);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let sandbox = std::sync::Arc::clone(&bench.sandbox);
        calls.spawn(async move { sandbox.allow_submission(&anna(), NOW, submission()).await });
    }
    for answer in calls.join_all().await {
        answer.unwrap();
    }
    let last = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    let Ok(SubmissionAnswer::Refuse(refusal)) = last else { panic!("{last:?}") };
    assert_eq!(refusal.text(), "42");
}

#[tokio::test]
async fn a_wait_is_kept_in_bounds() {
    let bench = Bench::evil(Slot::Policy, "").await;
    let shortest = bench.sandbox.next_attempt(&anna(), NOW, retry()).await;
    assert_eq!(shortest, Ok(RetryAnswer::After(Duration::from_secs(1))));
    let bench = Bench::evil(Slot::Policy, "forever").await;
    let longest = bench.sandbox.next_attempt(&anna(), NOW, retry()).await;
    assert_eq!(longest, Ok(RetryAnswer::After(Duration::from_secs(24 * 3600))));
    let bench = Bench::evil(Slot::Policy, "nonsense").await;
    let failure = bench.sandbox.next_attempt(&anna(), NOW, retry()).await.unwrap_err().failure;
    assert!(matches!(failure, Failure::Nonsense(_)));
}

#[tokio::test]
async fn what_is_no_id_or_name_is_nonsense() {
    for (what, part) in [("nonsense", "Tox ID"), ("no-account", "account"), ("many-attributes", "attributes")]
    {
        let (Err(Failure::Nonsense(why)), _) = evil_resolve(what).await else { panic!("{what}") };
        assert!(why.contains(part), "{why}");
    }
}

#[tokio::test]
async fn look_ups_are_counted() {
    let (answer, bench) = evil_resolve("dns-loop").await;
    assert_eq!(answer, Ok(ResolveAnswer::NotFound("8 look-ups".into())));
    assert_eq!(*bench.world.lookups.lock().unwrap(), 8);
}

#[tokio::test]
async fn waiting_for_dns_is_not_running_time() {
    let bench = Bench::evil_within(Slot::Resolver, "dns-loop", 200).await;
    // Eight times 50 ms are twice the 200 ms the call may run.
    *bench.world.dns_delay.lock().unwrap() = Duration::from_millis(50);
    let question = Resolve { address: "ben@tox".parse().unwrap(), mail: None };
    let answer = bench.sandbox.resolve(&anna(), NOW, question).await;
    assert_eq!(answer, Ok(ResolveAnswer::NotFound("8 look-ups".into())));
}

#[tokio::test]
async fn a_filter_cannot_smuggle_header_fields() {
    for (what, part) in [("bad-header", "one line"), ("reserved-header", "from"), ("many-headers", "1000")] {
        let Err(Failure::Nonsense(why)) = evil_filter(what).await else { panic!("{what}") };
        assert!(why.contains(part), "{why}");
    }
}

#[tokio::test]
async fn reading_a_mail_in_a_loop_ends() {
    let failure = evil_filter("read-loop").await.unwrap_err();
    assert!(matches!(failure, Failure::CapabilityLimit(_) | Failure::TimeLimit(_)), "{failure:?}");
}

#[tokio::test]
async fn a_filter_hears_what_the_user_decided() {
    let bench = Bench::evil(Slot::MailFilter, "learned").await;
    let feedback = Feedback { facts: facts(Direction::Incoming), decision: UserDecision::NotSpam };
    bench.sandbox.learn(&anna(), NOW, feedback, mail("A: b\n\nc\n")).await.unwrap();
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    assert_eq!(verdict, Ok(Verdict::Quarantine("UserDecision::NotSpam 11".into())));
}

#[tokio::test]
async fn headers_of_a_chain_add_up_and_a_verdict_ends_it() {
    let bench = Bench::with(|set| {
        set.remove(Slot::MailFilter);
        set.add(Slot::MailFilter, "first", "evil-mail-filter", "");
        set.add(Slot::MailFilter, "second", "evil-mail-filter", "");
    })
    .await;
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    let Ok(Verdict::Accept(headers)) = verdict else { panic!() };
    assert_eq!(headers.len(), 2);

    let bench = Bench::with(|set| {
        set.remove(Slot::MailFilter);
        set.add(Slot::MailFilter, "first", "evil-mail-filter", "learned");
        set.add(Slot::MailFilter, "second", "evil-mail-filter", "trap");
    })
    .await;
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    assert_eq!(verdict, Ok(Verdict::Quarantine("nothing".into())), "the second filter is not asked");
}

#[tokio::test]
async fn an_empty_slot_is_a_failure_and_an_empty_chain_accepts() {
    let bench = Bench::with(|set| {
        set.remove(Slot::Policy);
        set.remove(Slot::MailFilter);
    })
    .await;
    let error = bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap_err();
    assert_eq!(error.failure, Failure::Missing);
    let records = bench.records(1).await;
    assert_eq!((records[0].entry.as_str(), &records[0].outcome), ("policy", &Err(Failure::Missing)));
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await;
    assert_eq!(verdict, Ok(Verdict::Accept(vec![])));
}

#[tokio::test]
async fn a_fault_of_the_gateway_around_its_filters_is_recorded_also_where_there_are_none() {
    let fault = || Failure::Gateway("a fault".into());
    let bench = Bench::with(|_| {}).await;
    let _error = bench.sandbox.pass_by_filters(&anna(), NOW, facts(Direction::Incoming), fault());
    let records = bench.records(1).await;
    assert_eq!((records[0].entry.as_str(), &records[0].outcome), ("mail-filter", &Err(fault())));
    assert_ne!(records[0].component, DecisionRecord::NO_COMPONENT);
    let bench = Bench::with(|set| set.remove(Slot::MailFilter)).await;
    let error = bench.sandbox.pass_by_filters(&anna(), NOW, facts(Direction::Incoming), fault());
    assert_eq!(error.failure, fault());
    let records = bench.records(1).await;
    assert_eq!((records[0].component, &records[0].outcome), (DecisionRecord::NO_COMPONENT, &Err(fault())));
}

/// Many mails keep every thread of a spinning filter busy; the policy goes on answering meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_spinning_filter_starves_nobody() {
    let bench = Arc::new(Bench::evil(Slot::MailFilter, "spin").await);
    let spinning: Vec<_> = (0..8)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await
            })
        })
        .collect();
    let mut answered = 0_u32;
    while !spinning.iter().all(tokio::task::JoinHandle::is_finished) {
        let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
        assert_eq!(answer, Ok(SubmissionAnswer::Allow));
        answered += 1;
    }
    for task in spinning {
        let failure = task.await.unwrap().unwrap_err().failure;
        assert_eq!(failure, Failure::TimeLimit(Duration::from_millis(200)));
    }
    // Two rounds of 200 ms with four filters spinning: even two slow processors answer far more often.
    assert!(answered > 20, "only {answered} answers");
}
