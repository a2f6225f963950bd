//! Components change while calls are made: each call is answered by exactly one version, and none fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mail::ComponentDigest;
use mail::decision::mail_filter::Verdict;
use mail::decision::policy::SubmissionAnswer;
use mail::record::Direction;
use sandbox::capabilities::State;
use sandbox::record::DecisionRecord;
use sandbox::{
    EntryConfig, EntryStatus, Failure, FailureKind, Limits, LostFilter, Sandbox, Settings, Slot, SwapError,
    state_space,
};

use crate::defaults::{facts, retry, submission};
use crate::setup::{Bench, NOW, anna, capabilities, clock, engine, entry, mail};

#[tokio::test(flavor = "multi_thread")]
async fn swaps_under_load_fail_and_mix_nothing() {
    let bench = Arc::new(Bench::new().await);
    let (good, evil) = (bench.sha256("default-policy"), bench.sha256("evil-policy"));
    let done = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (bench, done, answered) = (Arc::clone(&bench), Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let clock = clock();
    let begin = clock.monotonic();
    for round in 0..100 {
        // A thousand decisions at least, ten between one swap and the next.
        while answered.load(Ordering::Relaxed) < 10 * round {
            tokio::task::yield_now().await;
        }
        let digest = if round % 2 == 0 { evil } else { good };
        let status = bench.sandbox.use_component(Slot::Policy, None, digest).await.unwrap();
        assert_eq!(status.sha256, digest);
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let (calls, took) = (answered.load(Ordering::Relaxed), clock.monotonic().since(begin));
    println!("{calls} decisions in {took:?}, 100 swaps among them");
    // What each version answers is known: the record of every call names the version that gave the answer.
    for record in bench.records(calls).await {
        let expected = if record.component == good { "\"allow\"" } else { "the evil policy" };
        assert!(record.outcome.as_ref().unwrap().contains(expected), "{record:?}");
    }
    assert!(calls >= 990, "only {calls} calls were made meanwhile");
}

#[tokio::test]
async fn rollback_goes_back_and_forth() {
    let bench = Bench::new().await;
    let (good, evil) = (bench.sha256("default-policy"), bench.sha256("evil-policy"));
    let nothing = bench.sandbox.rollback(Slot::Policy, None).await;
    assert!(matches!(nothing, Err(SwapError::NothingToRollBack(Slot::Policy))));

    bench.sandbox.use_component(Slot::Policy, None, evil).await.unwrap();
    let back = bench.sandbox.rollback(Slot::Policy, None).await.unwrap();
    assert_eq!((back.sha256, back.last_good), (good, Some(evil)));
    let forth = bench.sandbox.rollback(Slot::Policy, None).await.unwrap();
    assert_eq!(forth.sha256, evil);

    let saved = bench.world.saved.lock().unwrap().clone();
    let kept: Vec<ComponentDigest> = saved.iter().map(|config| config.entries[0].component).collect();
    assert_eq!(kept, [evil, good, evil], "each change is durable before it is live");
}

#[tokio::test]
async fn repeated_failure_brings_the_last_good_one_back() {
    let bench = Bench::with(|set| {
        // The default policy does not know the setting.
        set.entry(Slot::Policy).settings = vec![("do".into(), "trap".into())];
    })
    .await;
    let (good, evil) = (bench.sha256("default-policy"), bench.sha256("evil-policy"));
    bench.sandbox.use_component(Slot::Policy, None, evil).await.unwrap();
    let mut failures = 0;
    for _ in 0..1000 {
        match bench.sandbox.allow_submission(&anna(), NOW, submission()).await {
            Ok(answer) => {
                assert_eq!(answer, SubmissionAnswer::Allow);
                break;
            }
            Err(error) => {
                assert!(matches!(error.failure, Failure::Trapped(_)));
                failures += 1;
            }
        }
    }
    // The swap happens after the fifth answer was handed on: a call or two more may fail meanwhile.
    assert!((5..10).contains(&failures), "{failures} failures");
    let status = &bench.sandbox.status()[0];
    assert_eq!((status.sha256, status.last_good), (good, None));
    let event = bench.world.fell_back.lock().unwrap()[0].clone();
    assert_eq!((event.from, event.to), (evil, good));
    assert!(event.why.to_string().contains("trapped"), "{}", event.why);
    assert_eq!(bench.world.saved.lock().unwrap().last().unwrap().entries[0].component, good);
}

#[tokio::test]
async fn a_failing_component_is_never_the_one_to_go_back_to() {
    let bench = Bench::evil(Slot::Policy, "trap").await;
    bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap_err();
    bench.records(1).await;
    let good = bench.sha256("default-policy");
    let status = bench.sandbox.use_component(Slot::Policy, None, good).await.unwrap();
    assert_eq!(status.last_good, None);
}

#[tokio::test]
async fn health_counts_calls_failures_and_durations() {
    let bench = Bench::evil(Slot::Policy, "trap").await;
    for _ in 0..3 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap_err();
    }
    bench.records(3).await;
    let health = bench.sandbox.status()[0].health.clone();
    assert_eq!((health.calls, health.failures, health.consecutive_failures), (3, 3, 3));
    assert_eq!(health.durations.iter().sum::<u64>(), 3);
    assert!(health.last_failure.unwrap().kind == FailureKind::Trapped);
}

#[tokio::test]
async fn a_component_of_another_slot_is_not_put_in() {
    let bench = Bench::new().await;
    let resolver = bench.sha256("default-resolver");
    let error = bench.sandbox.use_component(Slot::Policy, None, resolver).await.unwrap_err();
    assert!(error.to_string().contains("is not for slot policy"), "{error}");
    assert!(bench.world.saved.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_policy_set_is_checked_as_a_whole() {
    let bench = Bench::new().await;
    let before = bench.sandbox.config();
    let mut twice = before.clone();
    twice.entries.push(entry(Slot::Policy, bench.sha256("evil-policy")));
    assert!(matches!(bench.sandbox.configure(twice).await, Err(SwapError::Invalid(_))));
    let mut parted = bench.sandbox.config();
    parted.entries[0].entry = "a/b".into();
    let error = bench.sandbox.configure(parted).await.unwrap_err();
    assert!(error.to_string().contains("has a `/`"), "{error}");
    let mut unknown = before.clone();
    unknown.entries[3].component = ComponentDigest([9; 32]);
    assert!(matches!(bench.sandbox.configure(unknown).await, Err(SwapError::Library(_))));
    assert_eq!(bench.sandbox.config(), before);

    let mut changed = before.clone();
    changed.entries[0].component = bench.sha256("evil-policy");
    bench.sandbox.configure(changed.clone()).await.unwrap();
    changed.entries[0].last_good = Some(bench.sha256("default-policy"));
    assert_eq!(bench.sandbox.config(), changed, "what was live is what it can go back to");
    let json = serde_json::to_string(&changed).unwrap();
    assert_eq!(serde_json::from_str::<sandbox::SlotsConfig>(&json).unwrap(), changed);

    // A set that lasts only until it fails.
    let mut trapping = changed.clone();
    trapping.entries[0].component = bench.sha256("default-policy");
    bench.sandbox.configure(trapping.clone()).await.unwrap();
    trapping.entries[0].component = bench.sha256("evil-policy");
    trapping.entries[0].last_good = None;
    trapping.entries[0].settings = vec![("do".into(), "trap".into())];
    bench.sandbox.configure(trapping).await.unwrap();
    for _ in 0..20 {
        let _ = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    }
    assert_eq!(bench.sandbox.status()[0].sha256, bench.sha256("default-policy"));
}

#[tokio::test]
async fn a_component_is_removed_when_nobody_needs_it() {
    let bench = Bench::new().await;
    let (default, evil) = (bench.sha256("default-policy"), builtin::test_guests()[1].bytes);
    let kept = bench.sandbox.remove_component(default).await.unwrap_err();
    assert!(matches!(&kept, SwapError::Invalid(why) if why.contains("came with the gateway")), "{kept}");

    let added = bench.library.add("mine", with_a_note(evil), NOW).await.unwrap().sha256;
    bench.sandbox.use_component(Slot::Resolver, None, added).await.unwrap();
    let is_kept = async |what: &str| {
        let kept = bench.sandbox.remove_component(added).await.unwrap_err();
        assert!(matches!(kept, SwapError::InUse { slot: Slot::Resolver, .. }), "{what}: {kept}");
    };
    is_kept("live").await;
    bench.sandbox.rollback(Slot::Resolver, None).await.unwrap();
    is_kept("what a rollback goes back to").await;
    let mut config = bench.sandbox.config();
    config.entries.iter_mut().for_each(|entry| entry.last_good = None);
    bench.sandbox.configure(config).await.unwrap();
    bench.sandbox.begin_shadow(Slot::Resolver, None, added, vec![anna()], NOW).await.unwrap();
    is_kept("on trial").await;
    bench.sandbox.end_shadow(Slot::Resolver);
    bench.sandbox.remove_component(added).await.unwrap();
    assert!(bench.library.info(added).is_none());
}

/// The same component with a custom section, so that its digest is another one (WebAssembly core specification 5.5.3).
fn with_a_note(component: &[u8]) -> Vec<u8> {
    [component, &[0, 5, 4, b'n', b'o', b't', b'e']].concat()
}

/// What the policy counts in its state, this call included.
async fn counted(bench: &Bench) -> String {
    let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    let Ok(SubmissionAnswer::Refuse(refusal)) = answer else { panic!("{answer:?}") };
    refusal.text().to_owned()
}

/// The keys that a version of `mine` has in slot `policy`.
fn keys_of(bench: &Bench, version: ComponentDigest) -> usize {
    let space = state_space(Slot::Policy, "policy", "mine", version);
    bench.world.keys(&space, &anna(), "", None, 10_000).unwrap().len()
}

#[tokio::test]
async fn a_version_that_comes_back_finds_its_state_as_it_was() {
    let bench = Bench::with(|set| {
        set.entry(Slot::Policy).settings = vec![("do".into(), "count".into())];
    })
    .await;
    let evil = builtin::test_guests().iter().find(|guest| guest.name == "evil-policy").unwrap();
    let (old, new) = (with_a_note(evil.bytes), with_a_note(&with_a_note(evil.bytes)));
    let first = bench.library.add("mine", old, NOW).await.unwrap().sha256;
    let second = bench.library.add("mine", new, NOW).await.unwrap().sha256;
    bench.sandbox.use_component(Slot::Policy, None, first).await.unwrap();
    assert_eq!((counted(&bench).await, counted(&bench).await), ("1".into(), "2".into()));
    bench.sandbox.use_component(Slot::Policy, None, second).await.unwrap();
    assert_eq!(counted(&bench).await, "3", "a newer version begins with what the one before had");

    let doing = |what: &str| vec![("do".to_owned(), what.to_owned())];
    let limits = Limits::default();
    bench.sandbox.tune(Slot::Policy, None, doing("fill-state"), limits.clone()).await.unwrap();
    assert!(counted(&bench).await.contains("quota"), "its state is full");
    assert!(keys_of(&bench, second) > 100);
    bench.sandbox.tune(Slot::Policy, None, doing("count"), limits).await.unwrap();
    bench.sandbox.rollback(Slot::Policy, None).await.unwrap();
    assert_eq!((counted(&bench).await.as_str(), keys_of(&bench, first)), ("3", 1), "as it was, with room");
    bench.sandbox.rollback(Slot::Policy, None).await.unwrap();
    assert_eq!(counted(&bench).await, "4", "and so does the newer one");
}

/// The entry of a slot, once it is so.
async fn status(bench: &Bench, slot: Slot, is_so: impl Fn(&EntryStatus) -> bool) -> EntryStatus {
    for _ in 0..2000 {
        let found = bench.sandbox.status().into_iter().find(|status| status.slot == slot).unwrap();
        if is_so(&found) {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it does not get there: {:?}", bench.sandbox.status());
}

#[tokio::test]
async fn a_component_that_always_fails_in_one_function_is_replaced() {
    let bench = Bench::with(|set| {
        set.put(Slot::Policy, "evil-policy");
        set.entry(Slot::Policy).settings =
            vec![("do".into(), "trap".into()), ("at".into(), "next-attempt".into())];
    })
    .await;
    for _ in 0..5 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
        bench.sandbox.next_attempt(&anna(), NOW, retry()).await.unwrap_err();
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    }
    let good = bench.sha256("default-policy");
    status(&bench, Slot::Policy, |status| status.sha256 == good).await;
    bench.sandbox.next_attempt(&anna(), NOW, retry()).await.unwrap();
}

#[tokio::test]
async fn an_untried_component_never_comes_back_by_itself() {
    let bench =
        Bench::with(|set| set.entry(Slot::Policy).settings = vec![("do".into(), "trap".into())]).await;
    let (good, evil) = (bench.sha256("default-policy"), bench.sha256("evil-policy"));
    for _ in 0..5 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap();
    }
    bench.records(5).await;
    let mine = builtin::components().iter().find(|builtin| builtin.name == "default-policy").unwrap().bytes;
    let mine = bench.library.add("mine", with_a_note(mine), NOW).await.unwrap().sha256;
    bench.sandbox.use_component(Slot::Policy, None, mine).await.unwrap();
    let swapped = bench.sandbox.use_component(Slot::Policy, None, evil).await.unwrap();
    assert_eq!(swapped.last_good, Some(mine), "what the user can go back to");
    let kept = bench.sandbox.config().entries[0].past.clone();
    assert_eq!((kept.is_proven, kept.good), (false, Some(good)));
    for _ in 0..5 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap_err();
    }
    status(&bench, Slot::Policy, |status| status.sha256 == good).await;
    assert_eq!(bench.world.fell_back.lock().unwrap()[0].to, good);
    assert!(bench.sandbox.config().entries[0].past.is_proven, "it answered real calls before");
}

#[tokio::test]
async fn an_added_filter_that_fails_is_replaced_by_the_built_in_one() {
    let bench = Bench::new().await;
    let settings = vec![("do".into(), "trap".into())];
    let added = EntryConfig {
        entry: "mine".into(),
        settings,
        ..entry(Slot::MailFilter, bench.sha256("evil-mail-filter"))
    };
    bench.sandbox.add_filter(added).await.unwrap();
    let filter = async || {
        let facts = facts(Direction::Outgoing);
        bench.sandbox.filter(&anna(), NOW, facts, mail("A: b\n\nc\n")).await
    };
    for _ in 0..5 {
        filter().await.unwrap_err();
    }
    let built_in = bench.sha256("default-mail-filter");
    for _ in 0..2000 {
        if bench
            .sandbox
            .status()
            .iter()
            .all(|status| status.slot != Slot::MailFilter || status.sha256 == built_in)
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(filter().await, Ok(Verdict::Accept(vec![])));
}

#[tokio::test]
async fn a_fallback_is_shown_until_it_is_seen() {
    let bench = Bench::evil(Slot::Policy, "trap").await;
    let (good, evil) = (bench.sha256("default-policy"), bench.sha256("evil-policy"));
    for _ in 0..5 {
        bench.sandbox.allow_submission(&anna(), NOW, submission()).await.unwrap_err();
    }
    let shown = status(&bench, Slot::Policy, |status| status.sha256 == good).await;
    let fallback = shown.fallback.unwrap();
    assert_eq!((fallback.from, fallback.name.as_str(), fallback.when), (evil, "evil-policy", NOW));
    assert!(fallback.why.contains("trapped"), "{}", fallback.why);
    // A restart does not make it seen.
    let kept = bench.world.saved.lock().unwrap().last().unwrap().clone();
    let again = Sandbox::start(
        engine(),
        Arc::clone(&bench.library),
        capabilities(&bench.world),
        Arc::clone(&bench.world) as _,
        kept,
    )
    .await
    .unwrap();
    assert_eq!(again.status()[0].fallback.as_ref(), Some(&fallback));
    let seen = bench.sandbox.seen(Slot::Policy, None).await.unwrap();
    assert_eq!((seen.fallback, seen.sha256), (None, good));
    assert_eq!(bench.world.saved.lock().unwrap().last().unwrap().entries[0].past.fallback, None);
    assert!(matches!(bench.sandbox.seen(Slot::Policy, Some("x")).await, Err(SwapError::NoEntry { .. })));
}

#[tokio::test]
async fn a_component_that_cannot_be_loaded_at_the_start_is_replaced_by_the_built_in_one() {
    let bench = Bench::with(|set| set.entry(Slot::Policy).component = ComponentDigest([9; 32])).await;
    let status = bench.sandbox.status()[0].clone();
    assert_eq!(status.sha256, bench.sha256("default-policy"));
    assert_eq!(status.fallback.unwrap().from, ComponentDigest([9; 32]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_finds_no_free_place_is_counted_recorded_and_shown() {
    let settings = Settings {
        threads_per_slot: 1,
        longest_wait: std::time::Duration::from_millis(50),
        ..Settings::default()
    };
    let engine = Arc::new(sandbox::Engine::new(&settings, clock()).unwrap());
    let bench = Bench::with_engine(engine, |set| {
        set.put(Slot::MailFilter, "evil-mail-filter");
        set.entry(Slot::MailFilter).settings = vec![("do".into(), "spin".into())];
        set.entry(Slot::MailFilter).limits.call_ms = 3000;
    })
    .await;
    let bench = Arc::new(bench);
    let filter = |bench: Arc<Bench>| async move {
        let facts = facts(Direction::Incoming);
        bench.sandbox.filter(&anna(), NOW, facts, mail("A: b\n\nc\n")).await.unwrap_err().failure
    };
    let both = tokio::join!(filter(Arc::clone(&bench)), filter(Arc::clone(&bench)));
    let failures = [both.0, both.1];
    assert!(failures.contains(&Failure::Busy), "{failures:?}");
    let records = bench.records(2).await;
    assert!(records.iter().any(|record| record.outcome == Err(Failure::Busy)), "{records:?}");
    let health =
        bench.sandbox.status().into_iter().find(|status| status.slot == Slot::MailFilter).unwrap().health;
    assert_eq!((health.not_asked, health.failures), (1, 1));
    assert!(health.is_failing);
}

#[tokio::test]
async fn a_chain_that_lost_a_filter_fails_until_it_is_put_in_again_or_taken_out() {
    let lost = |name: &str| LostFilter { entry: name.into(), why: "it is damaged".into() };
    let bench = Bench::with(|set| set.config.lost_filters = vec![lost("first"), lost("second")]).await;
    let filter = async |direction| {
        let outcome = bench.sandbox.filter(&anna(), NOW, facts(direction), mail("A: b\n\nc\n")).await;
        outcome.map_err(|error| error.to_string())
    };
    for (count, direction) in [(1, Direction::Outgoing), (2, Direction::Incoming)] {
        let error = filter(direction).await.unwrap_err();
        assert!(error.starts_with("first ") && error.contains("toxmail slot list"), "{error}");
        assert!(!error.contains("damaged"), "the reason is for the owner: {error}");
        let record = bench.records(count).await.pop().unwrap();
        assert_eq!((record.entry.as_str(), record.component), ("first", DecisionRecord::NO_COMPONENT));
        assert_eq!(record.outcome, Err(Failure::Lost("it is damaged".into())));
    }
    // What changes of the other slots and filters leaves them as they are.
    let policy = bench.sha256("default-policy");
    bench.sandbox.use_component(Slot::Policy, None, policy).await.unwrap();
    bench.sandbox.order_filters(&["mail-filter".to_owned()]).await.unwrap();
    assert_eq!(bench.sandbox.config().lost_filters, [lost("first"), lost("second")]);
    bench.sandbox.remove_filter("first").await.unwrap();
    assert!(filter(Direction::Outgoing).await.unwrap_err().contains("second"));
    let again = EntryConfig {
        entry: "second".into(),
        ..entry(Slot::MailFilter, bench.sha256("default-mail-filter"))
    };
    bench.sandbox.add_filter(again).await.unwrap();
    assert_eq!(filter(Direction::Outgoing).await, Ok(Verdict::Accept(vec![])));
    assert_eq!(bench.sandbox.config().lost_filters, []);
}
