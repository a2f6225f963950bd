//! Calls that wait for DNS stand in nobody's way.

use std::sync::Arc;
use std::time::Duration;

use mail::decision::resolver::{Resolve, ResolveAnswer, Source};
use sandbox::Slot;
use tokio::task::JoinHandle;

use crate::setup::{Bench, NOW, anna};

type Answer = JoinHandle<ResolveAnswer>;

fn resolve(bench: &Arc<Bench>, address: &str) -> Answer {
    let (bench, address) = (Arc::clone(bench), address.parse().unwrap());
    tokio::spawn(async move {
        bench.sandbox.resolve(&anna(), NOW, Resolve { address, mail: None }).await.unwrap()
    })
}

async fn until_lookups_wait(bench: &Bench, count: u32) {
    for _ in 0..4000 {
        if *bench.world.lookups_now.lock().unwrap() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} look-ups wait instead of {count}", *bench.world.lookups_now.lock().unwrap());
}

fn source(answer: &ResolveAnswer) -> Source {
    let ResolveAnswer::Found(resolution) = answer else { panic!("{answer:?}") };
    resolution.source.clone()
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock, reason = "DNS is silent as long as the test holds it")]
async fn an_answer_that_needs_no_dns_does_not_queue_behind_those_that_wait_for_it() {
    let bench = Arc::new(Bench::new().await);
    let silence = bench.world.dns_silence.lock().unwrap();
    // Three times the places of the slot.
    let waiting: Vec<Answer> =
        (0..12).map(|number| resolve(&bench, &format!("n{number}@example.net"))).collect();
    until_lookups_wait(&bench, 12).await;
    assert_eq!(source(&resolve(&bench, "anna@tox").await.unwrap()), Source::Account);
    assert_eq!(source(&resolve(&bench, "ben@tox").await.unwrap()), Source::Contact);
    let literal = format!("{}@tox", "00".repeat(38));
    assert_eq!(source(&resolve(&bench, &literal).await.unwrap()), Source::Literal);
    assert!(waiting.iter().all(|answer| !answer.is_finished()));
    drop(silence);
    for answer in waiting {
        assert!(matches!(answer.await.unwrap(), ResolveAnswer::NotFound(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock, reason = "DNS is silent as long as the test holds it")]
async fn where_too_many_wait_for_dns_a_further_one_is_told_to_try_later() {
    let bench = Arc::new(Bench::new().await);
    let silence = bench.world.dns_silence.lock().unwrap();
    let most = u32::try_from(sandbox::limits::DNS_ASIDE).unwrap();
    let waiting: Vec<Answer> =
        (0..most).map(|number| resolve(&bench, &format!("n{number}@example.net"))).collect();
    until_lookups_wait(&bench, most).await;
    let answer = resolve(&bench, "further@example.net").await.unwrap();
    assert!(matches!(&answer, ResolveAnswer::TryLater(why) if why.contains("too many")), "{answer:?}");
    assert_eq!(source(&resolve(&bench, "anna@tox").await.unwrap()), Source::Account);
    drop(silence);
    for answer in waiting {
        assert!(matches!(answer.await.unwrap(), ResolveAnswer::NotFound(_)));
    }
    assert!(matches!(resolve(&bench, "further@example.net").await.unwrap(), ResolveAnswer::NotFound(_)));
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock, reason = "DNS is silent as long as the test holds it")]
async fn a_call_that_waits_for_dns_keeps_nobody_from_the_state_and_undoes_nothing_of_others() {
    let bench = Arc::new(Bench::evil(Slot::Resolver, "count").await);
    let silence = bench.world.dns_silence.lock().unwrap();
    let calls: Vec<Answer> = (0..3).map(|_| resolve(&bench, "ben@example.net")).collect();
    // All have read the state, and wait at once.
    until_lookups_wait(&bench, 3).await;
    drop(silence);
    let mut said = Vec::new();
    for call in calls {
        let ResolveAnswer::NotFound(text) = call.await.unwrap() else { panic!("another answer") };
        said.push(text);
    }
    said.sort();
    assert_eq!(said, ["counted", "counted again", "counted again"]);
    let space = bench.world.state_values("resolver/resolver");
    assert_eq!(space, [vec![3]]);
}
