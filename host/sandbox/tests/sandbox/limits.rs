//! Each limit is a setting of each component: the same guest gets through where its entry allows more, and is stopped where it allows less.

use std::time::Duration;

use mail::decision::mail_filter::Verdict;
use mail::decision::policy::SubmissionAnswer;
use mail::decision::resolver::{Resolve, ResolveAnswer};
use mail::record::Direction;
use sandbox::{Failure, Limits, Slot, SwapError};

use crate::defaults::{facts, submission};
use crate::setup::{Bench, NOW, anna, mail};

/// The evil guest of a slot with these limits.
async fn put(bench: &Bench, slot: Slot, what: &str, limits: Limits) {
    let mut config = bench.sandbox.config();
    let entry = config.entries.iter_mut().find(|entry| entry.slot == slot).unwrap();
    entry.component = bench.sha256(&format!("evil-{slot}"));
    entry.settings = vec![("do".into(), what.into())];
    entry.limits = limits;
    bench.sandbox.configure(config).await.unwrap();
    bench.world.records.lock().unwrap().clear();
}

async fn submit(bench: &Bench, what: &str, limits: Limits) -> Result<SubmissionAnswer, Failure> {
    put(bench, Slot::Policy, what, limits).await;
    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.map_err(|error| error.failure)
}

async fn resolve(bench: &Bench, what: &str, limits: Limits) -> Result<ResolveAnswer, Failure> {
    put(bench, Slot::Resolver, what, limits).await;
    let question = Resolve { address: "ben@tox".parse().unwrap(), mail: None };
    bench.sandbox.resolve(&anna(), NOW, question).await.map_err(|error| error.failure)
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[tokio::test]
async fn time_and_memory() {
    let bench = Bench::new().await;
    for call_ms in [50, 150] {
        let stopped = submit(&bench, "spin", limits(|limits| limits.call_ms = call_ms)).await;
        assert_eq!(stopped, Err(Failure::TimeLimit(Duration::from_millis(call_ms))));
    }
    for memory_bytes in [4 << 20, 32 << 20] {
        let stopped = submit(&bench, "allocate", limits(|limits| limits.memory_bytes = memory_bytes)).await;
        assert_eq!(stopped, Err(Failure::MemoryLimit(memory_bytes)));
    }
    // A small stack ends before the one that the guest keeps in its memory.
    let stopped = submit(&bench, "recurse", limits(|limits| limits.stack_bytes = 64 << 10)).await;
    assert_eq!(stopped, Err(Failure::StackLimit(64 << 10)));
    let stopped = submit(&bench, "recurse", Limits::default()).await;
    assert!(matches!(stopped, Err(Failure::Trapped(_))), "{stopped:?}");
    // Less does not leave it without any.
    assert!(submit(&bench, "", limits(|limits| limits.stack_bytes = 0)).await.is_ok());
    // Its table has some elements from the beginning.
    let stopped = submit(&bench, "", limits(|limits| limits.table_elements = 1)).await;
    assert_eq!(stopped, Err(Failure::TableLimit(1)));
    assert!(submit(&bench, "", Limits::default()).await.is_ok());
}

#[tokio::test]
async fn what_is_answered() {
    let bench = Bench::new().await;
    let stopped = submit(&bench, "huge", Limits::default()).await;
    assert!(matches!(stopped, Err(Failure::Unreadable(_))), "{stopped:?}");
    // It is 8 MB; the host cuts what people read.
    let allowed = submit(&bench, "huge", limits(|limits| limits.output_bytes = 16 << 20)).await;
    assert!(matches!(allowed, Ok(SubmissionAnswer::Refuse(_))), "{allowed:?}");

    let filter = async |most: u32| {
        put(&bench, Slot::MailFilter, "", limits(|limits| limits.output_items = most)).await;
        bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), mail("A: b\n\nc\n")).await
    };
    assert!(matches!(filter(1).await, Ok(Verdict::Accept(headers)) if headers.len() == 1));
    let stopped = filter(0).await.unwrap_err().failure;
    assert!(matches!(&stopped, Failure::Nonsense(why) if why.contains("0 at most")), "{stopped:?}");
}

#[tokio::test]
async fn what_is_logged_and_kept() {
    let bench = Bench::new().await;
    let logged = async |change: fn(&mut Limits)| {
        submit(&bench, "log-flood", limits(change)).await.unwrap();
        let record = bench.records(1).await.remove(0);
        (record.log.len(), record.log_lines_dropped)
    };
    assert_eq!(logged(|limits| limits.log_lines = 7).await, (7, 4993));
    // "line 0  and more" has 16 bytes.
    assert_eq!(logged(|limits| limits.log_bytes = 40).await, (2, 4998));

    for (state_bytes, kept) in [(50_000, 4), (100_000, 9)] {
        let answer = submit(&bench, "fill-state", limits(|limits| limits.state_bytes = state_bytes)).await;
        let Ok(SubmissionAnswer::Refuse(refusal)) = answer else { panic!("{answer:?}") };
        assert_eq!(refusal.text(), format!("{kept} keys, quota {state_bytes}"));
    }
}

#[tokio::test]
async fn what_is_asked() {
    let bench = Bench::new().await;
    for capability_calls in [10, 100] {
        let stopped =
            submit(&bench, "call-loop", limits(|limits| limits.capability_calls = capability_calls)).await;
        assert_eq!(stopped, Err(Failure::CapabilityLimit(capability_calls)));
    }
    let few = resolve(&bench, "dns-loop", limits(|limits| limits.dns_lookups = 3)).await;
    assert_eq!(few, Ok(ResolveAnswer::NotFound("3 look-ups".into())));
    // Once the wait is over DNS is not asked any more.
    *bench.world.dns_delay.lock().unwrap() = Duration::from_millis(60);
    *bench.world.lookups.lock().unwrap() = 0;
    let answer = resolve(&bench, "dns-loop", limits(|limits| limits.dns_wait_ms = 100)).await;
    assert_eq!(answer, Ok(ResolveAnswer::NotFound("8 look-ups".into())));
    let asked = *bench.world.lookups.lock().unwrap();
    assert!((1..=3).contains(&asked), "DNS was asked {asked} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once() {
    let bench = Bench::new().await;
    *bench.world.contacts_delay.lock().unwrap() = Duration::from_millis(30);
    for (concurrency, at_once) in [(1, 1..=1), (4, 2..=4)] {
        let mut config = bench.sandbox.config();
        let entry = config.entries.iter_mut().find(|entry| entry.slot == Slot::Resolver).unwrap();
        entry.limits.concurrency = concurrency;
        bench.sandbox.configure(config).await.unwrap();
        *bench.world.most_questions_at_once.lock().unwrap() = 0;
        let question = || Resolve { address: "ben@tox".parse().unwrap(), mail: None };
        let (anna, sandbox) = (anna(), &bench.sandbox);
        let ask = || sandbox.resolve(&anna, NOW, question());
        let answers = tokio::join!(ask(), ask(), ask(), ask());
        assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok() && answers.3.is_ok());
        let most = *bench.world.most_questions_at_once.lock().unwrap();
        assert!(at_once.contains(&most), "{most} at once where {concurrency} are allowed");
    }
}

#[tokio::test]
async fn what_is_too_large_when_compiled_does_not_go_live() {
    let bench = Bench::with(|set| set.entry(Slot::Policy).limits.compiled_bytes = 1 << 30).await;
    let (good, evil) = (bench.sha256("default-policy"), bench.sha256("evil-policy"));
    let mut config = bench.sandbox.config();
    config.entries[0].limits.compiled_bytes = 1000;
    config.entries[0].component = evil;
    let error = bench.sandbox.configure(config.clone()).await.unwrap_err();
    assert!(matches!(error, SwapError::TooLarge { limit: 1000, slot: Slot::Policy, .. }), "{error:?}");
    assert!(error.to_string().contains("evil-policy") && error.to_string().contains("`compiled-bytes`"));
    assert_eq!(bench.sandbox.status()[0].sha256, good, "what was live stays");

    // One byte decides, also where a component is put into an entry that is there.
    let SwapError::TooLarge { bytes, .. } = error else { panic!() };
    for (limit, is_allowed) in [(bytes, true), (bytes - 1, false)] {
        let mut config = bench.sandbox.config();
        config.entries[0].component = good;
        config.entries[0].limits.compiled_bytes = limit;
        bench.sandbox.configure(config).await.unwrap();
        let used = bench.sandbox.use_component(Slot::Policy, None, evil).await;
        assert_eq!(used.is_ok(), is_allowed, "{used:?}");
    }
}

#[test]
fn the_page_of_policies_names_every_limit() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let limits = serde_json::to_value(Limits::default()).unwrap();
    for name in limits.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in policies/README.md");
    }
}
