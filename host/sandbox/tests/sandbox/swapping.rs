//! Components change while calls are made: each call is answered by exactly one version, and none fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mail::ComponentDigest;
use sandbox::policy::SubmissionAnswer;
use sandbox::{Failure, Slot, SwapError};

use crate::defaults::submission;
use crate::setup::{Bench, NOW, anna, clock, entry};

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
    assert!(event.why.contains("trapped"), "{}", event.why);
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
    assert!(health.last_failure.unwrap().contains("trapped"));
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
