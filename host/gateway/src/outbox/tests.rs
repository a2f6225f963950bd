use std::sync::Arc;

use mail::decision::policy::RetryAnswer;
use mail::storage::StorageError;
use mail::{Acknowledgement, Clock as _, Notify as Wanted, Refusal, ReversePath};

use super::*;
use crate::Settings;
use crate::ports::TransferFailure;
use crate::testing::{Fault, World, account, address, failure, key, mail_text};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn anna_and_ben() -> Arc<World> {
    let world = World::new(1, &[&["anna", "olga"], &["ben"]]).await;
    world.introduce("anna", "ben").await;
    world
}

/// A mail of anna's to ben, who is away.
async fn waiting() -> (Arc<World>, MailId) {
    let world = anna_and_ben().await;
    world.set_reachable(1, false).await;
    let id = world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "one")).await.unwrap()[0];
    world.let_pass(Duration::from_secs(1)).await;
    (world, id)
}

fn entry(world: &World, id: MailId) -> OutboxEntry {
    world.nodes[0].disk.outbox().into_iter().find(|entry| entry.id == id).unwrap()
}

fn reports(world: &World) -> Vec<String> {
    let actions = world.mailbox("anna").into_iter().filter_map(|mail| {
        mail.split_once("\r\nAction: ").map(|(_, rest)| rest.lines().next().unwrap().to_owned())
    });
    actions.collect()
}

fn retries(world: &World) -> usize {
    lock(&world.nodes[0].script.0).retries.len()
}

#[tokio::test(start_paused = true)]
async fn a_mail_goes_out_at_once_when_the_peer_is_online() {
    let world = anna_and_ben().await;
    let id = world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "one")).await.unwrap()[0];
    world.let_pass(Duration::from_millis(100)).await;
    assert_eq!(world.mailbox("ben").len(), 1);
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Delivered));
    assert!(reports(&world).is_empty());
    assert_eq!(world.gateway(0).unwrap().queued(&account("anna")), 0);
}

#[tokio::test(start_paused = true)]
async fn it_goes_out_when_the_peer_comes_online() {
    let (world, _) = waiting().await;
    assert_eq!(world.gateway(0).unwrap().queued(&account("anna")), 1);
    world.let_pass(2 * HOUR).await;
    world.set_reachable(1, true).await;
    world.let_pass(Duration::from_millis(100)).await;
    assert_eq!(world.mailbox("ben").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn peers_learn_of_no_local_names() {
    let world = anna_and_ben().await;
    world.submit("anna", &["ben@tox", "olga@tox"], &mail_text("anna@tox", "one")).await.unwrap();
    world.wait_for("it", |world| world.mailbox("ben").len() == 1).await;
    let (mail, _) = world.nodes[1].disk.mailbox(&account("ben")).remove(0);
    let spelled = |name: &str| key(name).to_string().to_lowercase();
    assert_eq!(mail.envelope.forward_path.local(), spelled("ben"));
    let ReversePath::Mailbox(from) = &mail.envelope.reverse_path else { panic!("it has one") };
    assert!(from.local().starts_with(&spelled("anna")) && from.local().len() == 76);
    assert!(!world.mailbox("ben")[0].contains("olga"));
}

#[tokio::test(start_paused = true)]
async fn the_policy_says_when_to_try_again_within_bounds() {
    let (world, id) = waiting().await;
    let asked = [(Duration::ZERO, limits::RETRY_SHORTEST), (HOUR, HOUR), (100 * DAY, limits::RETRY_LONGEST)];
    for (wait, expected) in asked {
        world.nodes[0].script.set(|answers| answers.retry = Some(Ok(RetryAnswer::After(wait))));
        world.gateway(0).unwrap().retry_now(&account("anna"), id).await.unwrap();
        world.let_pass(Duration::from_millis(100)).await;
        let before = retries(&world);
        world.let_pass(expected - Duration::from_secs(1)).await;
        assert_eq!(retries(&world), before, "{wait:?}: too early");
        world.let_pass(Duration::from_secs(2)).await;
        assert_eq!(retries(&world), before + 1, "{wait:?}: too late");
    }
    let facts = lock(&world.nodes[0].script.0).retries.pop().unwrap();
    assert!(!facts.peer_online && facts.age > DAY && facts.remaining < 4 * DAY);
}

#[tokio::test(start_paused = true)]
async fn the_built_in_schedule_applies_when_the_policy_fails() {
    let world = anna_and_ben().await;
    world.nodes[0].script.set(|answers| answers.retry = Some(Err(failure())));
    world.set_reachable(1, false).await;
    world.submit("anna", &["ben@tox"], "x").await.unwrap();
    world.let_pass(Duration::from_secs(1)).await;
    for minutes in [1, 5, 15, 60, 240, 240, 240] {
        let before = retries(&world);
        world.let_pass(Duration::from_secs(60 * minutes - 2)).await;
        assert_eq!(retries(&world), before, "{minutes} minutes: too early");
        world.let_pass(Duration::from_secs(2)).await;
        assert_eq!(retries(&world), before + 1, "{minutes} minutes: too late");
    }
    let failed = |event: &Event| matches!(event, Event::DecisionFailed { slot: "policy", .. });
    assert_eq!(lock(&world.nodes[0].heard.0).iter().filter(|event| failed(event)).count(), 8);
}

#[tokio::test(start_paused = true)]
async fn the_policy_may_give_up() {
    let (world, id) = waiting().await;
    let refusal = Refusal::permanent(4, 1, "the policy had enough");
    world.nodes[0].script.set(|answers| answers.retry = Some(Ok(RetryAnswer::GiveUp(refusal.clone()))));
    world.gateway(0).unwrap().retry_now(&account("anna"), id).await.unwrap();
    world.wait_for("the bounce", |world| reports(world) == ["failed"]).await;
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Bounced(refusal)));
}

#[tokio::test(start_paused = true)]
async fn the_sender_is_told_once_that_it_takes_long() {
    let (world, id) = waiting().await;
    world.let_pass(4 * HOUR - Duration::from_secs(60)).await;
    assert!(reports(&world).is_empty());
    world.let_pass(Duration::from_secs(120)).await;
    assert_eq!(reports(&world), ["delayed"]);
    assert!(entry(&world, id).marks.delay_reported);
    world.crash(0, 0).await;
    world.start(0).await;
    world.let_pass(DAY).await;
    assert_eq!(reports(&world), ["delayed"]);
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_a_full_mailbox_does_not_take_leaves_nothing_on_disk() {
    let (world, _) = waiting().await;
    lock(&world.nodes[0].disk.0).mailbox_limit = 0;
    world.let_pass(5 * HOUR).await;
    assert!(reports(&world).is_empty());
    assert_eq!(world.nodes[0].disk.staged(), 0);
    lock(&world.nodes[0].disk.0).mailbox_limit = 10;
    world.let_pass(Duration::from_secs(120)).await;
    assert_eq!(reports(&world), ["delayed"]);
    world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_bounces_once_after_its_time() {
    let (world, id) = waiting().await;
    world.let_pass(5 * DAY - HOUR).await;
    assert_eq!(reports(&world), ["delayed"]);
    world.let_pass(2 * HOUR).await;
    assert_eq!(reports(&world), ["delayed", "failed"]);
    let outcome = world.nodes[0].disk.outcome(id);
    assert!(matches!(outcome, Some(Outcome::Bounced(refusal)) if refusal.status.to_string() == "5.4.7"));
    let bounce = world.mailbox("anna").pop().unwrap();
    assert!(bounce.contains("5 days") && bounce.contains("Subject: one"), "{bounce}");
    world.set_reachable(1, true).await;
    world.let_pass(DAY).await;
    assert!(world.mailbox("ben").is_empty());
    world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn reports_are_those_that_were_asked_for() {
    let null = ReversePath::Null;
    let anna = ReversePath::Mailbox(address("anna@tox"));
    let success = Wanted { success: true, failure: true, delay: true };
    let cases: [(&ReversePath, Wanted, &[&str], &[&str]); 4] = [
        (&anna, Wanted::default(), &[], &["delayed", "failed"]),
        (&anna, success, &["delivered"], &["delayed", "failed"]),
        (&anna, Wanted::NEVER, &[], &[]),
        (&null, success, &[], &[]),
    ];
    for (reverse_path, wanted, if_delivered, if_not) in cases {
        for (online, expected) in [(true, if_delivered), (false, if_not)] {
            let world = anna_and_ben().await;
            world.set_reachable(1, online).await;
            let text = mail_text("anna@tox", "one");
            world.submit_as("anna", reverse_path.clone(), &["ben@tox"], wanted, &text).await.unwrap();
            world.let_pass(6 * DAY).await;
            assert_eq!(reports(&world), expected, "{reverse_path} {wanted:?} online: {online}");
            assert!(world.nodes[0].disk.outbox().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_bounces_with_its_words() {
    let world = anna_and_ben().await;
    let text = "From: anna@tox\r\nX-Verdict: reject\r\nSubject: one\r\n\r\nx\r\n";
    world.submit("anna", &["ben@tox"], text).await.unwrap();
    world.wait_for("the bounce", |world| reports(world) == ["failed"]).await;
    assert!(world.mailbox("anna")[0].contains("the filter says no"));
}

#[tokio::test(start_paused = true)]
async fn try_later_is_obeyed_even_when_the_peer_comes_and_goes() {
    let world = anna_and_ben().await;
    let reason = Refusal::transient(2, 2, "the mailbox is full");
    let later = Acknowledgement::TryLater { reason, after: 3 * HOUR };
    lock(&world.net.state).instead = Some(Ok(later));
    let id = world.submit("anna", &["ben@tox"], "x").await.unwrap()[0];
    world.let_pass(Duration::from_secs(1)).await;
    assert_eq!(entry(&world, id).last_problem.unwrap().text(), "the mailbox is full");
    lock(&world.net.state).instead = None;
    for _ in 0..3 {
        world.set_reachable(1, false).await;
        world.let_pass(HOUR - Duration::from_secs(60)).await;
        world.set_reachable(1, true).await;
    }
    assert!(world.mailbox("ben").is_empty());
    world.let_pass(Duration::from_secs(300)).await;
    assert_eq!(world.mailbox("ben").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_transfer_are_tried_again_or_bounce() {
    let cases = [
        (TransferFailure::Disconnected, Some("4.4.2")),
        (TransferFailure::Protocol("nonsense".to_owned()), Some("4.5.0")),
        (TransferFailure::Local("bad block".to_owned()), Some("4.3.0")),
        (TransferFailure::TooLarge { limit: 10, size: 20 }, None),
    ];
    for (failure, problem) in cases {
        let world = anna_and_ben().await;
        lock(&world.net.state).instead = Some(Err(failure.clone()));
        let id = world.submit("anna", &["ben@tox"], "x").await.unwrap()[0];
        world.let_pass(Duration::from_secs(1)).await;
        lock(&world.net.state).instead = None;
        match problem {
            Some(status) => {
                let entry = entry(&world, id);
                assert_eq!(entry.last_problem.unwrap().status.to_string(), status, "{failure}");
                assert_eq!(entry.attempts, 1);
                world.wait_for("another attempt", |world| world.mailbox("ben").len() == 1).await;
            }
            None => {
                assert_eq!(reports(&world), ["failed"]);
                assert!(world.mailbox("anna")[0].contains("Status: 5.3.4"));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_without_end_is_stopped() {
    let world = anna_and_ben().await;
    lock(&world.net.state).piece_time = 1000 * DAY;
    let id = world.submit("anna", &["ben@tox"], "x").await.unwrap()[0];
    world.let_pass(limits::TRANSFER_LONGEST - HOUR).await;
    assert_eq!(entry(&world, id).attempts, 0);
    lock(&world.net.state).piece_time = Duration::from_millis(5);
    world.let_pass(2 * HOUR).await;
    assert_eq!(world.mailbox("ben").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mail_can_be_taken_back_while_it_waits() {
    let (world, id) = waiting().await;
    let gateway = world.gateway(0).unwrap();
    assert_eq!(gateway.cancel(&account("olga"), id).await.unwrap(), Cancelled::NotThere, "it is not hers");
    assert_eq!(gateway.cancel(&account("anna"), id).await.unwrap(), Cancelled::Yes);
    assert_eq!(gateway.cancel(&account("anna"), id).await.unwrap(), Cancelled::NotThere);
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Cancelled));
    assert!(!gateway.retry_now(&account("anna"), id).await.unwrap());
    world.set_reachable(1, true).await;
    world.let_pass(HOUR).await;
    assert!(world.mailbox("ben").is_empty() && reports(&world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_mail_can_be_taken_back_in_the_middle_of_its_transfer() {
    let world = anna_and_ben().await;
    lock(&world.net.state).piece_time = HOUR;
    let id = world.submit("anna", &["ben@tox"], &"x".repeat(20_000)).await.unwrap()[0];
    world.let_pass(2 * HOUR).await;
    assert_eq!(world.gateway(0).unwrap().cancel(&account("anna"), id).await.unwrap(), Cancelled::Yes);
    world.let_pass(DAY).await;
    assert!(world.mailbox("ben").is_empty());
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn who_wants_a_mail_back_and_goes_away_leaves_the_mail_to_the_schedule() {
    let (world, id) = waiting().await;
    let gateway = world.gateway(0).unwrap();
    let anna = account("anna");
    {
        // The store takes its time; the web page was closed meanwhile.
        let cancelling = gateway.cancel(&anna, id);
        tokio::pin!(cancelling);
        tokio::select! {
            biased;
            _done = &mut cancelling => panic!("the store takes a millisecond"),
            () = std::future::ready(()) => {}
        }
        assert!(lock(&gateway.outbox.index).is_running(id), "it is being taken back");
    }
    assert!(!lock(&gateway.outbox.index).is_running(id), "it was given back");
    world.set_reachable(1, true).await;
    world.let_pass(HOUR).await;
    assert_eq!(world.mailbox("ben").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_list_is_the_accounts_own_in_pages() {
    let (world, first) = waiting().await;
    let mut ids = vec![first];
    for _ in 0..4 {
        world.let_pass(Duration::from_secs(1)).await;
        ids.extend(world.submit("anna", &["ben@tox"], "x").await.unwrap());
    }
    let gateway = world.gateway(0).unwrap();
    let page = async |name: &str, after, limit| {
        let entries = gateway.list_outbox(&account(name), after, limit).await.unwrap();
        entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(page("anna", None, 100).await, ids);
    assert_eq!(page("anna", Some(ids[1]), 2).await, ids[2..4]);
    assert!(page("olga", None, 100).await.is_empty());
    assert!(gateway.outbox_entry(&account("olga"), first).await.unwrap().is_none());
    assert!(gateway.outbox_entry(&account("anna"), first).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_back_stalls_nothing() {
    let (world, _) = waiting().await;
    world.nodes[0].script.set(|answers| answers.retry = Some(Ok(RetryAnswer::After(HOUR))));
    world.let_pass(HOUR).await;
    let before = retries(&world);
    world.clock.jump(-24 * 3600);
    world.let_pass(HOUR + Duration::from_secs(61)).await;
    assert!(retries(&world) > before);
    world.clock.jump(-24 * 3600);
    world.crash(0, 0).await;
    world.start(0).await;
    let before = retries(&world);
    world.let_pass(limits::RESTART_WAIT + Duration::from_secs(61)).await;
    assert!(retries(&world) > before, "a restart with a wrong clock does not stall for a day");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ahead_makes_nothing_late_and_loses_nothing() {
    let (world, id) = waiting().await;
    world.nodes[0].script.set(|answers| answers.retry = Some(Ok(RetryAnswer::After(20 * HOUR))));
    world.gateway(0).unwrap().retry_now(&account("anna"), id).await.unwrap();
    world.let_pass(Duration::from_secs(1)).await;
    let before = retries(&world);
    world.clock.jump(21 * 3600);
    world.let_pass(Duration::from_secs(61)).await;
    assert_eq!(retries(&world), before + 1, "the machine slept: what was due meanwhile is tried");
    world.clock.jump(30 * 24 * 3600);
    world.let_pass(HOUR / 2).await;
    assert!(!reports(&world).contains(&"failed".to_owned()), "one more chance first");
    world.set_reachable(1, true).await;
    world.let_pass(HOUR).await;
    assert_eq!(world.mailbox("ben").len(), 1);
}

/// A machine without a battery: its clock is years off, and put right while mail waits.
#[tokio::test(start_paused = true)]
async fn after_a_clock_was_put_right_the_notice_says_when_the_mail_is_really_given_up() {
    for years in [7, -7] {
        let (world, id) = waiting().await;
        world.let_pass(Duration::from_secs(61)).await;
        world.clock.jump(years * 365 * 24 * 3600);
        world.let_pass(Duration::from_secs(61)).await;
        let shown = world.gateway(0).unwrap().outbox_entry(&account("anna"), id).await.unwrap().unwrap();
        let left = i128::from(shown.expires.0) - i128::from(world.clock.wall().0);
        assert!((0..=5 * 24 * 3600 * 1000).contains(&left), "{years} years: {left} ms");
        let next = shown.next_attempt.unwrap().0.abs_diff(world.clock.wall().0);
        assert!(next <= 5 * 3600 * 1000, "{years} years: tried again in {next} ms");
        world.let_pass(4 * HOUR).await;
        let notice = world.mailbox("anna").into_iter().find(|mail| mail.contains("Action: delayed"));
        let notice = notice.expect("a notice of delay");
        let day = mail::header::date_time(shown.expires);
        let day = day.rsplit_once(' ').and_then(|(rest, _)| rest.rsplit_once(' ')).unwrap().0;
        assert!(notice.contains(&format!("Will-Retry-Until: {day}")), "{years} years: {day}: {notice}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_month_off_mails_get_an_hour_before_they_bounce() {
    let (world, _) = waiting().await;
    world.crash(0, 0).await;
    world.clock.jump(30 * 24 * 3600);
    world.start(0).await;
    world.let_pass(HOUR - Duration::from_secs(60)).await;
    assert!(!reports(&world).contains(&"failed".to_owned()));
    world.let_pass(Duration::from_secs(120)).await;
    assert!(reports(&world).contains(&"failed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn transfers_are_bounded_and_small_mails_go_first() {
    let (world, _) = waiting().await;
    lock(&world.net.state).piece_time = HOUR;
    for number in 0..60_usize {
        world.submit("anna", &["ben@tox"], &"x".repeat(100 + number * 37 % 60)).await.unwrap();
    }
    // The first attempt of the last one ends.
    world.let_pass(Duration::from_secs(1)).await;
    let mut waiting: Vec<_> =
        world.nodes[0].disk.outbox().iter().map(|entry| (entry.size, entry.id)).collect();
    waiting.sort_unstable();
    world.set_reachable(1, true).await;
    world.let_pass(Duration::from_secs(1)).await;
    let begun = lock(&world.net.state).begun.clone();
    let (last, others) = begun.split_last().unwrap();
    let smallest = waiting.iter().map(|(_, id)| *id).take(limits::IN_FLIGHT_PER_PEER - 1);
    assert_eq!(others, smallest.collect::<Vec<_>>());
    assert_eq!(*last, waiting.last().unwrap().1, "the largest gets the last place");
    assert_eq!(lock(&world.net.state).most_in_flight, limits::IN_FLIGHT_PER_PEER);
}

#[tokio::test(start_paused = true)]
async fn mail_to_oneself_and_to_other_accounts_is_filtered_and_marked() {
    let world = anna_and_ben().await;
    let text = mail_text("anna@tox", "one");
    world.submit("anna", &["anna@tox", "olga@tox.internal"], &text).await.unwrap();
    world.wait_for("both", |world| world.mailbox("anna").len() + world.mailbox("olga").len() == 2).await;
    let mail = world.mailbox("olga").remove(0);
    assert!(mail.ends_with(&text));
    assert!(mail.contains("x-tox=pass") && mail.contains("with LOCAL id"));
    assert!(mail.starts_with("Return-Path: <anna@tox>\r\nDelivered-To: olga@tox.internal\r\n"));
    assert_eq!(mail.matches("Received: ").count(), 2);

    world.submit("anna", &["olga@tox"], &mail_text("ben@tox", "as somebody else")).await.unwrap();
    world.wait_for("it", |world| world.mailbox("olga").len() == 2).await;
    let mail = world.mailbox("olga").pop().unwrap();
    assert!(mail.contains("x-tox=fail") && mail.contains("Reply-To: <anna@tox>"));
}

#[tokio::test(start_paused = true)]
async fn local_mail_that_is_to_come_later_waits_in_the_outbox() {
    let world = anna_and_ben().await;
    for verdict in ["later", "busy"] {
        let text = format!("From: anna@tox\r\nX-Verdict: {verdict}\r\n\r\nx\r\n");
        let id = world.submit("anna", &["olga@tox"], &text).await.unwrap()[0];
        world.let_pass(Duration::from_secs(5)).await;
        assert!(world.nodes[0].disk.outcome(id).is_none(), "{verdict}");
        let waits = entry(&world, id);
        assert_eq!(waits.attempts, 1, "{verdict}");
        assert_eq!(waits.last_problem.unwrap().status.class(), 4);
    }
    assert!(world.mailbox("olga").is_empty() && reports(&world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn local_verdicts_bounce_set_aside_and_throw_away() {
    let world = anna_and_ben().await;
    let send = async |verdict: &str| {
        let text = format!("From: anna@tox\r\nX-Verdict: {verdict}\r\n\r\nx\r\n");
        let id = world.submit("anna", &["olga@tox"], &text).await.unwrap()[0];
        world.let_pass(Duration::from_secs(5)).await;
        world.nodes[0].disk.outcome(id).unwrap()
    };
    assert!(matches!(send("reject").await, Outcome::Bounced(_)));
    assert_eq!(reports(&world), ["failed"]);
    assert_eq!(send("discard").await, Outcome::Delivered, "the sender learns nothing of it");
    world.gateway(0).unwrap().set_bin_time(Duration::ZERO);
    assert_eq!(send("discard").await, Outcome::Discarded { reason: "noise".to_owned() });
    assert_eq!(send("quarantine").await, Outcome::Delivered);
    assert!(world.mailbox("olga").is_empty());
    let held = world.gateway(0).unwrap().quarantine(&account("olga")).await.unwrap();
    let is_binned: Vec<bool> = held.iter().map(|entry| entry.delete_at.is_some()).collect();
    assert_eq!(is_binned, [true, false]);
    assert_eq!(send("trap").await, Outcome::Delivered);
    assert!(world.mailbox("olga")[0].contains("X-Toxmail-Unfiltered: it trapped"));
    world.nodes[0].disk.assert_no_orphans();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_keeps_the_mail_and_goes_on_later() {
    for error in [StorageError::Full, StorageError::failed("bad block")] {
        for n in 1..4 {
            let (world, _) = waiting().await;
            world.let_pass(4 * HOUR - Duration::from_secs(30)).await;
            world.storage(0).plan(Fault::Fail(n, error.clone()));
            world.let_pass(6 * DAY).await;
            assert_eq!(reports(&world), ["delayed", "failed"], "change {n} failed with {error}");
            world.nodes[0].disk.assert_no_orphans();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_transfers_and_a_new_start_goes_on() {
    let world = anna_and_ben().await;
    lock(&world.net.state).piece_time = HOUR;
    world.submit("anna", &["ben@tox"], &"x".repeat(20_000)).await.unwrap();
    world.let_pass(2 * HOUR).await;
    let before = tokio::time::Instant::now();
    world.gateway(0).unwrap().stop().await;
    assert!(before.elapsed() < Duration::from_secs(1));
    lock(&world.net.state).piece_time = Duration::from_millis(5);
    world.crash(0, 0).await;
    world.start(0).await;
    world.wait_for("the mail", |world| world.mailbox("ben").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_outbox_of_several_pages_is_read_whole_at_the_start() {
    let world = anna_and_ben().await;
    world.set_reachable(1, false).await;
    let mails = limits::LIST_ENTRIES + 2;
    for number in 0..mails {
        world.submit("anna", &["ben@tox"], &mail_text("anna@tox", &number.to_string())).await.unwrap();
    }
    world.crash(0, 0).await;
    world.start(0).await;
    assert_eq!(world.gateway(0).unwrap().queued(&account("anna")), mails as u64);
}

#[tokio::test(start_paused = true)]
async fn old_arrivals_are_forgotten_only_while_the_clock_can_be_believed() {
    let world = anna_and_ben().await;
    world.submit("anna", &["ben@tox"], &mail_text("anna@tox", "one")).await.unwrap();
    world.wait_for("it", |world| world.mailbox("ben").len() == 1).await;
    let remembered = |world: &World| lock(&world.nodes[1].disk.0).arrivals.len();
    world.clock.jump(40 * 24 * 3600);
    world.let_pass(HOUR - Duration::from_secs(120)).await;
    assert_eq!(remembered(&world), 1);
    world.let_pass(2 * HOUR).await;
    assert_eq!(remembered(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn the_expiry_is_bounded_whatever_is_set() {
    let world = anna_and_ben().await;
    *lock(&world.nodes[0].settings) = Settings { expiry: 1000 * DAY, ..Settings::default() };
    world.crash(0, 0).await;
    world.start(0).await;
    world.set_reachable(1, false).await;
    let id = world.submit("anna", &["ben@tox"], "x").await.unwrap()[0];
    let entry = entry(&world, id);
    assert_eq!(entry.expires.since(entry.created), mail::limits::EXPIRY_LONGEST);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_gives_its_entry_back() {
    let world = anna_and_ben().await;
    let text = "From: anna@tox\r\nX-Verdict: panic\r\n\r\nx\r\n";
    let id = world.submit("anna", &["olga@tox"], text).await.unwrap()[0];
    world.let_pass(Duration::from_secs(5)).await;
    let other = Some(Ok(mail::decision::mail_filter::Verdict::Accept(Vec::new())));
    world.nodes[0].script.set(|answers| answers.incoming = other);
    world.let_pass(2 * limits::STORE_RETRY).await;
    assert_eq!(world.nodes[0].disk.outcome(id), Some(Outcome::Delivered));
}

/// A mail of anna's to ben, who goes away `at` seconds after she sent it: at 20 the last piece arrives, at 30 the acknowledgement
/// would. The bounce, in one line.
async fn bounce_when_ben_leaves(at: u64, restarts: bool) -> String {
    let world = anna_and_ben().await;
    lock(&world.net.state).piece_time = Duration::from_secs(10);
    let id = world.submit("anna", &["ben@tox"], "short").await.unwrap()[0];
    world.let_pass(Duration::from_secs(at)).await;
    world.set_reachable(1, false).await;
    world.let_pass(Duration::from_secs(60)).await;
    let has_it = world.mailbox("ben").len() == 1;
    let entry = entry(&world, id);
    assert_eq!(entry.marks.sent_whole, has_it, "after {at} s");
    if restarts {
        world.crash(0, 0).await;
        world.start(0).await;
    }
    world.let_pass(6 * DAY).await;
    assert!(matches!(world.nodes[0].disk.outcome(id), Some(Outcome::Bounced(_))));
    assert_eq!(reports(&world), ["delayed", "failed"]);
    world.mailbox("anna").pop().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn a_bounce_says_so_where_all_was_sent_and_no_acknowledgement_came() {
    for restarts in [false, true] {
        let report = bounce_when_ben_leaves(25, restarts).await;
        assert!(report.contains("all of it was sent: it may have arrived, ask before"), "{report}");
        assert!(report.contains("Subject: Your mail may not have been delivered"), "{report}");
        assert!(report.contains("What you can do: ask the recipient"), "{report}");
    }
    let report = bounce_when_ben_leaves(15, false).await;
    assert!(!report.contains("arrived") && report.contains("could not be delivered to"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_stops_before_the_acknowledgement_remembers_that_all_was_sent() {
    let world = anna_and_ben().await;
    lock(&world.net.state).piece_time = Duration::from_secs(10);
    let id = world.submit("anna", &["ben@tox"], "short").await.unwrap()[0];
    world.let_pass(Duration::from_secs(25)).await;
    assert_eq!(world.mailbox("ben").len(), 1);
    world.gateway(0).unwrap().stop().await;
    assert!(entry(&world, id).marks.sent_whole);
}
