//! Every function of every slot against every kind of mischief: the call ends with the documented reason and in bounded time, the record says
//! why, and after some failures in a row the last good component is back.

use std::time::Duration;

use mail::decision::mail_filter::{Feedback, UserDecision};
use mail::decision::resolver::Resolve;
use mail::record::Direction;
use sandbox::{CallError, DecisionRecord, Failure, Slot, SlotsConfig};

use crate::defaults::{deposit, facts, mail_waiting, request, retry, submission};
use crate::setup::{Bench, NOW, anna, clock, mail};

/// The time limit of a call that spins, so that a round of five failures is short. Others end by themselves, and get time for that on a busy
/// machine.
const SPIN_MS: u64 = 100;
const CALL_MS: u64 = 5000;
const MEMORY_BYTES: u64 = 24 << 20;
const STACK_BYTES: u64 = 1 << 20;
const CAPABILITY_CALLS: u32 = 1000;
const STATE_BYTES: u64 = 200_000;

/// Far more than a call takes on a busy machine, far less than somebody waits.
const BOUND: Duration = Duration::from_secs(10);

/// What every function can do.
const ALL: [&str; 6] = ["spin", "allocate", "recurse", "trap", "call-loop", "state-loop"];

const LOOPS: [&str; 3] = ["call-loop", "state-loop", "read-loop"];

/// What a component is not stopped for: it is only given no more.
const FLOODS: [&str; 2] = ["log-flood", "state-flood"];

/// Whether `failure` is the documented reason.
fn is_reason(what: &str, failure: &Failure) -> bool {
    match (what, failure) {
        ("spin", Failure::TimeLimit(time)) => *time == Duration::from_millis(SPIN_MS),
        ("allocate", Failure::MemoryLimit(limit)) => *limit == MEMORY_BYTES,
        // Whichever ends first, the engine's stack or the one the component keeps in its memory.
        ("recurse", Failure::Trapped(why)) => why.contains("out of bounds"),
        ("recurse", Failure::StackLimit(limit)) => *limit == STACK_BYTES,
        ("trap", Failure::Trapped(why)) => why.contains("unreachable"),
        ("huge", Failure::Unreadable(_)) => true,
        (_, Failure::Nonsense(_)) => !ALL.contains(&what) && what != "huge",
        (_, Failure::CapabilityLimit(limit)) => LOOPS.contains(&what) && *limit == CAPABILITY_CALLS,
        _ => false,
    }
}

/// Asks what `function` decides; whether there was an answer.
pub async fn ask(bench: &Bench, function: &str) -> Result<(), CallError> {
    let (sandbox, anna) = (&bench.sandbox, anna());
    let text = || mail("A: b\n\nc\n");
    match function {
        "allow-submission" => sandbox.allow_submission(&anna, NOW, submission()).await.map(drop),
        "accept-friend" => sandbox.accept_friend(&anna, NOW, request(false)).await.map(drop),
        "next-attempt" => sandbox.next_attempt(&anna, NOW, retry()).await.map(drop),
        "allow-deposit" => sandbox.allow_deposit(&anna, NOW, deposit("token")).await.map(drop),
        "resolve" => {
            let address = "nobody@tox".parse().unwrap();
            sandbox.resolve(&anna, NOW, Resolve { address, mail: None }).await.map(drop)
        }
        "select" => sandbox.select(&anna, NOW, mail_waiting()).await.map(drop),
        "filter" => sandbox.filter(&anna, NOW, facts(Direction::Incoming), text()).await.map(drop),
        "learn" => {
            let feedback = Feedback { facts: facts(Direction::Incoming), decision: UserDecision::Spam };
            sandbox.learn(&anna, NOW, feedback, text()).await
        }
        other => panic!("{other}"),
    }
}

/// The four defaults, but `slot` has its evil guest that misbehaves in `function`, and the default to go back to.
fn with_guest(bench: &Bench, slot: Slot, function: &str, what: &str) -> SlotsConfig {
    let mut config = bench.sandbox.config();
    let entry = config.entries.iter_mut().find(|entry| entry.slot == slot).unwrap();
    entry.component = bench.sha256(&format!("evil-{slot}"));
    entry.last_good = Some(bench.sha256(&format!("default-{slot}")));
    entry.settings = vec![("do".into(), what.into()), ("at".into(), function.into())];
    entry.limits.call_ms = if what == "spin" { SPIN_MS } else { CALL_MS };
    entry.limits.memory_bytes = MEMORY_BYTES;
    entry.limits.capability_calls = CAPABILITY_CALLS;
    entry.limits.state_bytes = STATE_BYTES;
    config
}

/// The records of what was just asked; none is left for the next question.
async fn take_records(bench: &Bench, count: usize) -> Vec<DecisionRecord> {
    let records = bench.records(count).await;
    bench.world.records.lock().unwrap().clear();
    records
}

/// Asks until the default answers, and looks at everything that is left of it.
async fn fails_and_falls_back(bench: &Bench, slot: Slot, function: &str, what: &str) {
    let evil = bench.sha256(&format!("evil-{slot}"));
    bench.sandbox.configure(with_guest(bench, slot, function, what)).await.unwrap();
    let clock = clock();
    let (mut failures, mut slowest) = (0, Duration::ZERO);
    loop {
        let begin = clock.monotonic();
        let answer = ask(bench, function).await;
        slowest = slowest.max(clock.monotonic().since(begin));
        match answer {
            Ok(()) => break,
            Err(error) => {
                assert!(is_reason(what, &error.failure), "{function} {what}: {error:?}");
                assert_eq!(error.slot, slot);
                failures += 1;
            }
        }
        assert!(failures < 10, "{function} {what}: the default is not back");
    }
    println!("{:<14} {function:<16} {what:<14} {failures} failures, {slowest:?} at most", slot.name());
    assert!(failures >= 5, "{function} {what}: only {failures} failures");
    assert!(slowest < BOUND, "{function} {what}: {slowest:?}");

    let records = take_records(bench, failures + usize::from(function != "learn")).await;
    for record in records.iter().filter(|record| record.component == evil) {
        assert_eq!((record.slot, record.function.as_str()), (slot, function));
        let failure = record.outcome.as_ref().unwrap_err();
        assert!(is_reason(what, failure), "{function} {what}: the record says {failure:?}");
        assert!(record.log.len() <= 100, "a record is bounded");
    }
    let event = bench.world.fell_back.lock().unwrap().pop().unwrap();
    assert_eq!((event.slot, event.from), (slot, evil));
    assert_eq!(event.why.function, function);
    let status = bench.sandbox.status();
    let status = status.iter().find(|status| status.slot == slot).unwrap();
    assert_eq!(status.sha256, bench.sha256(&format!("default-{slot}")));
    assert_eq!(bench.world.saved.lock().unwrap().last().unwrap(), &bench.sandbox.config());
}

/// A flood ends at its limit, and the component goes on.
async fn is_cut(bench: &Bench, slot: Slot, function: &str, what: &str) {
    let mut config = with_guest(bench, slot, function, what);
    let entry = config.entries.iter_mut().find(|entry| entry.slot == slot).unwrap();
    entry.limits.capability_calls = 10_000;
    bench.sandbox.configure(config).await.unwrap();
    ask(bench, function).await.unwrap_or_else(|error| panic!("{function} {what}: {error}"));
    let record = &take_records(bench, 1).await[0];
    if what == "log-flood" {
        assert_eq!((record.log.len(), record.log_lines_dropped), (100, 4900), "{function}");
    } else {
        let kept = bench.world.state_bytes(&format!("{slot}/{slot}"));
        assert!((190_000..=STATE_BYTES as usize).contains(&kept), "{function}: {kept} bytes are kept");
        assert!(record.capability_calls.len() <= 1000, "a record is bounded");
    }
}

/// `answers` is mischief in what is answered.
async fn every_function(slot: Slot, functions: &[&str], answers: &[&str]) {
    let bench = Bench::new().await;
    for function in functions {
        // What these answer is one of three words, and nothing: malformed.rs has the rest.
        let answers = if ["accept-friend", "learn"].contains(function) { &[] } else { answers };
        for what in ALL.iter().chain(answers) {
            fails_and_falls_back(&bench, slot, function, what).await;
        }
        for what in FLOODS {
            is_cut(&bench, slot, function, what).await;
        }
    }
}

#[tokio::test]
async fn a_policy_may_do_anything_in_every_function() {
    let functions = ["allow-submission", "accept-friend", "next-attempt", "allow-deposit"];
    every_function(Slot::Policy, &functions, &["huge", "nonsense"]).await;
}

#[tokio::test]
async fn a_resolver_may_do_anything() {
    let more = ["huge", "nonsense", "no-account", "many-attributes"];
    every_function(Slot::Resolver, &["resolve"], &more).await;
}

#[tokio::test]
async fn a_relay_selector_may_do_anything() {
    let more = ["huge", "nonsense", "many-relays", "same-relay", "own-identity", "other-relay"];
    every_function(Slot::RelaySelector, &["select"], &more).await;
}

#[tokio::test]
async fn a_mail_filter_may_do_anything_in_both_functions() {
    let more = ["huge", "nonsense", "bad-header", "reserved-header", "many-headers", "read-loop"];
    every_function(Slot::MailFilter, &["filter", "learn"], &more).await;
}
