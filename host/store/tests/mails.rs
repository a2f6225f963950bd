//! The way of mails through the store.

#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mail::record::{
    BodyId, Destination, Direction, OutboxEntry, Outcome, Partial, QuarantineEntry, Route, SetAside,
    StagedBody,
};
use mail::storage::{Bodies as _, Outbox as _, Quarantine as _, Reception as _, StorageError};
use mail::{Clock, MailId, Refusal, Wall};
use proptest::prelude::*;
use store::{NewMail, OpenOptions, Store};
use tokio::task::JoinSet;

mod common;

use common::*;

async fn enqueue(store: &Store, number: u8, bytes: &Bytes) -> StagedBody {
    let body = stage(store, bytes).await.unwrap();
    store.enqueue(body, vec![entry(id(number), body)], Vec::new()).await.unwrap();
    body
}

async fn report(store: &Store) -> (NewMail, StagedBody) {
    let body = stage(store, &Bytes::from_static(b"report")).await.unwrap();
    (mail(alice(), body.id, body.size), body)
}

fn quarantined(entry: &OutboxEntry) -> QuarantineEntry {
    QuarantineEntry {
        mail: mail(alice(), entry.body, entry.size - PREFIX.len() as u64).entry,
        reason: "looks odd".to_owned(),
        direction: Direction::Outgoing,
        outgoing: Some(entry.clone()),
        delete_at: None,
    }
}

#[tokio::test]
async fn what_is_enqueued_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let (small, large) = (bytes(3000, 1), bytes(300_000, 2));
    let first = enqueue(&store, 1, &small).await;
    let second = enqueue(&store, 2, &large).await;
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.outbox_entry(id(1)).await.unwrap(), Some(entry(id(1), first)));
    assert_eq!(store.read_body(first.id, 0, usize::MAX).await.unwrap(), small);
    assert_eq!(store.read_body(second.id, 0, usize::MAX).await.unwrap(), large);
    assert_eq!(store.outbox_page(None, 1_000).await.unwrap().len(), 2);
    assert_eq!(store.outbox_page(Some(id(1)), 10).await.unwrap(), [entry(id(2), second)]);
    assert_eq!(assert_sound(&store).await.outbox, 2);
    assert_eq!(enqueue(&store, 3, &small).await.id.0, second.id.0 + 1);
}

#[tokio::test]
async fn a_shared_body_goes_with_its_last_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let text = bytes(100, 0);
    let body = stage(&store, &text).await.unwrap();
    store.enqueue(body, vec![entry(id(1), body), entry(id(2), body)], Vec::new()).await.unwrap();
    store.finish_outbox(id(1), Outcome::Delivered, Vec::new()).await.unwrap();
    assert_eq!(store.read_body(body.id, 10, 20).await.unwrap(), text.slice(10..30));
    store.deliver_local(id(2), mail(bob(), body.id, body.size), Vec::new()).await.unwrap();
    assert_eq!(mails(&store, &bob()).await, [whole(&text)]);
    assert_sound(&store).await;
    let number = store.mailbox_list(&bob()).await.unwrap()[0].number;
    assert_eq!(store.mailbox_count(&bob()).await.unwrap(), (1, whole(&text).len() as u64));
    assert_eq!(store.mailbox_delete(&bob(), vec![number, 77]).await, Ok(1));
    assert_eq!(store.mailbox_delete(&bob(), vec![number]).await, Ok(0));
    assert_eq!(store.read_body(body.id, 0, 1).await, Err(StorageError::NotFound));
    assert_eq!(store.mailbox_count(&bob()).await.unwrap(), (0, 0));
    assert_eq!(assert_sound(&store).await.bodies, 0);
}

#[tokio::test]
async fn an_entry_ends_once_with_its_outcome_and_report() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let body = enqueue(&store, 1, &bytes(100, 0)).await;
    let outcome = Outcome::Bounced(Refusal::permanent(1, 1, "nobody there"));
    let bounce = report(&store).await;
    store.finish_outbox(id(1), outcome.clone(), vec![bounce]).await.unwrap();
    let again = report(&store).await;
    assert_eq!(
        store.finish_outbox(id(1), Outcome::Delivered, vec![again.clone()]).await,
        Err(StorageError::NotFound)
    );
    assert_eq!(store.update_outbox(entry(id(1), body)).await, Err(StorageError::NotFound));
    assert_eq!(store.deliver_local(id(1), again.0, Vec::new()).await, Err(StorageError::NotFound));
    assert_eq!(mails(&store, &alice()).await.len(), 1);
    assert_eq!(store.outcome(id(1)).await.unwrap().unwrap().outcome, outcome);
    assert_eq!(store.recent_outcomes(&alice(), 10).await.unwrap().len(), 1);
    store.discard_body(again.1).await.unwrap();
    assert_eq!(store.discard_body(again.1).await, Err(StorageError::NotFound));
    // An id that ended is not used again.
    let body = stage(&store, &bytes(100, 0)).await.unwrap();
    let repeated = store.enqueue(body, vec![entry(id(1), body)], Vec::new()).await;
    assert!(matches!(repeated, Err(StorageError::Exists(_))), "{repeated:?}");
    assert_eq!(assert_sound(&store).await.ended, 1);
}

#[tokio::test]
async fn outcomes_are_bounded_and_can_be_recorded_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts_and(dir.path(), OpenOptions { outcomes: 3, ..options() }).await;
    let staged = StagedBody { id: BodyId(99), size: 1 };
    for number in 1..=5 {
        let ended = vec![(entry(id(number), staged), Outcome::Discarded { reason: "spam".to_owned() })];
        store.record_ended(ended.clone()).await.unwrap();
        assert!(matches!(store.record_ended(ended).await, Err(StorageError::Exists(_))));
    }
    let recent = store.recent_outcomes(&alice(), 10).await.unwrap();
    assert_eq!(recent.iter().map(|ended| ended.id).collect::<Vec<_>>(), [id(5), id(4), id(3)]);
    assert_eq!(store.outcome(id(2)).await.unwrap(), None);
    assert_eq!(store.recent_outcomes(&alice(), 1).await.unwrap().len(), 1);
    assert_eq!(assert_sound(&store).await.ended, 3);
}

#[tokio::test]
async fn an_update_changes_the_schedule_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let body = enqueue(&store, 1, &bytes(100, 0)).await;
    let later = OutboxEntry { attempts: 3, next_attempt: Some(Wall(9)), ..entry(id(1), body) };
    store.update_outbox(later.clone()).await.unwrap();
    assert_eq!(store.outbox_entry(id(1)).await.unwrap(), Some(later.clone()));
    let other = OutboxEntry { prefix: b"X: y\r\n".to_vec(), ..later };
    assert!(matches!(store.update_outbox(other).await, Err(StorageError::Failed(_))));
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let body = stage(&store, &bytes(100, 0)).await.unwrap();
    let good = entry(id(1), body);
    let nobody = OutboxEntry { account: "nobody".parse().unwrap(), ..entry(id(2), body) };
    let wrong_size = OutboxEntry { size: 7, ..entry(id(2), body) };
    let wrong_body = OutboxEntry { body: BodyId(77), ..entry(id(2), body) };
    let same_id = entry(id(1), body);
    for bad in [nobody, wrong_size, wrong_body, same_id] {
        store.enqueue(body, vec![good.clone(), bad], Vec::new()).await.unwrap_err();
    }
    store.enqueue(body, Vec::new(), Vec::new()).await.unwrap_err();
    let unknown = StagedBody { id: BodyId(77), size: 100 };
    assert_eq!(
        store.enqueue(unknown, vec![entry(id(1), unknown)], Vec::new()).await,
        Err(StorageError::NotFound)
    );
    assert_eq!(store.outbox_page(None, 1_000).await.unwrap(), []);
    // The body is still there for a good one, and only for one.
    store.enqueue(body, vec![good.clone()], Vec::new()).await.unwrap();
    assert_eq!(store.enqueue(body, vec![entry(id(2), body)], Vec::new()).await, Err(StorageError::NotFound));
    assert_eq!(assert_sound(&store).await.bodies, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_jobs_leave_the_others_of_their_commit_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    enqueue(&store, 255, &bytes(10, 0)).await;
    let mut tasks = JoinSet::new();
    for number in 0..200_u8 {
        let store = store.clone();
        tasks.spawn(async move {
            let body = stage(&store, &bytes(500, number)).await.unwrap();
            let mut entries = vec![entry(id(number), body)];
            // Fails after its first entry is written.
            if number % 3 == 0 {
                entries.push(entry(id(255), body));
            }
            (number, store.enqueue(body, entries, Vec::new()).await)
        });
    }
    while let Some(result) = tasks.join_next().await {
        let (number, outcome) = result.unwrap();
        assert_eq!(outcome.is_ok(), number % 3 != 0, "{number}: {outcome:?}");
        assert_eq!(store.outbox_entry(id(number)).await.unwrap().is_some(), number % 3 != 0);
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn quarantine_is_released_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let body = stage(&store, &bytes(100, 0)).await.unwrap();
    let outgoing: Vec<OutboxEntry> = (1..=3).map(|number| entry(id(number), body)).collect();
    let set_aside = outgoing[1..].iter().map(quarantined).collect();
    store.enqueue(body, vec![outgoing[0].clone()], set_aside).await.unwrap();
    let incoming = stage(&store, &bytes(50, 1)).await.unwrap();
    let incoming = (mail(alice(), incoming.id, incoming.size), incoming);
    store
        .deliver_own(
            NewMail { quarantine: Some(SetAside::quarantined("odd".to_owned())), ..incoming.0 },
            incoming.1,
        )
        .await
        .unwrap();
    assert_eq!(store.mailbox_count(&alice()).await.unwrap().0, 0);
    let waiting = store.quarantine(&alice()).await.unwrap();
    let uidls: Vec<MailId> = waiting.iter().map(|entry| entry.mail.uidl).collect();
    assert_eq!(
        waiting.iter().map(|entry| entry.direction).collect::<Vec<_>>(),
        [Direction::Outgoing, Direction::Outgoing, Direction::Incoming]
    );
    assert_eq!(assert_sound(&store).await.quarantine, 3);
    assert_eq!(store.quarantine_count(&alice()).await.unwrap(), 3);
    assert_eq!(store.quarantine_page(&alice(), None, 2).await.unwrap(), waiting[..2]);
    assert_eq!(store.quarantine_page(&alice(), Some(waiting[1].mail.number), 2).await.unwrap(), waiting[2..]);
    assert_eq!(store.quarantine_page(&alice(), Some(u64::MAX), 2).await.unwrap(), []);
    assert_eq!(store.quarantined(&alice(), waiting[1].mail.uidl).await.unwrap().as_ref(), Some(&waiting[1]));
    assert_eq!(store.quarantined(&bob(), waiting[1].mail.uidl).await.unwrap(), None);
    assert_eq!(store.release(&bob(), uidls[0]).await, Err(StorageError::NotFound));
    assert_eq!(store.release(&alice(), uidls[0]).await, Ok(Some(outgoing[1].clone())));
    assert_eq!(store.release(&alice(), uidls[0]).await, Err(StorageError::NotFound));
    store.delete_quarantined(&alice(), uidls[1]).await.unwrap();
    assert!(matches!(store.outcome(id(3)).await.unwrap().unwrap().outcome, Outcome::Discarded { .. }));
    assert_eq!(store.release(&alice(), uidls[2]).await, Ok(None));
    assert_eq!(store.mailbox_list(&alice()).await.unwrap()[0].uidl, uidls[2]);
    assert_eq!(mails(&store, &alice()).await, [whole(&bytes(50, 1))]);
    let report = assert_sound(&store).await;
    assert_eq!((report.outbox, report.mailbox, report.quarantine, report.ended), (2, 1, 0, 1));
}

/// A mail for alice that a filter threw away.
async fn throw_away(store: &Store, size: usize, delete_at: Wall) {
    let body = stage(store, &bytes(size, 1)).await.unwrap();
    let aside = SetAside { reason: "noise".to_owned(), delete_at: Some(delete_at) };
    let mail = NewMail { quarantine: Some(aside), ..mail(alice(), body.id, body.size) };
    store.deliver_own(mail, body).await.unwrap();
}

#[tokio::test]
async fn what_a_filter_threw_away_waits_in_the_bin_until_its_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let body = stage(&store, &bytes(100, 0)).await.unwrap();
    let outgoing = QuarantineEntry { delete_at: Some(Wall(10)), ..quarantined(&entry(id(1), body)) };
    store.enqueue(body, Vec::new(), vec![outgoing]).await.unwrap();
    throw_away(&store, 50, Wall(20)).await;
    throw_away(&store, 60, Wall(30)).await;
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.quarantine_count(&alice()).await.unwrap(), 0, "nothing waits for the user to decide");
    assert_eq!(store.bin_count(&alice()).await.unwrap(), 3);
    let binned = store.quarantine(&alice()).await.unwrap();
    let times: Vec<_> = binned.iter().map(|entry| entry.delete_at).collect();
    assert_eq!(times, [Some(Wall(10)), Some(Wall(20)), Some(Wall(30))]);
    assert_eq!(store.quarantined(&alice(), binned[1].mail.uidl).await.unwrap().as_ref(), Some(&binned[1]));
    assert_sound(&store).await;
    assert_eq!(store.empty_bin(Wall(9)).await, Ok(0));
    assert_eq!(store.empty_bin(Wall(20)).await, Ok(2));
    let reason = "looks odd".to_owned();
    assert_eq!(store.outcome(id(1)).await.unwrap().unwrap().outcome, Outcome::Discarded { reason });
    assert_eq!(store.release(&alice(), binned[2].mail.uidl).await, Ok(None));
    assert_eq!(mails(&store, &alice()).await, [whole(&bytes(60, 1))]);
    assert_eq!(store.empty_bin(Wall(u64::MAX)).await, Ok(0));
    let report = assert_sound(&store).await;
    assert_eq!((report.mailbox, report.quarantine), (1, 0));
}

#[tokio::test]
async fn a_flood_of_unwanted_mail_drives_the_oldest_out_of_the_bin_and_fills_no_quarantine() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let most = store::limits::BIN_ENTRIES;
    for number in 0..most + 5 {
        throw_away(&store, 10, Wall(1000 + number)).await;
    }
    assert_eq!(store.bin_count(&alice()).await.unwrap(), most);
    let oldest = store.quarantine_page(&alice(), None, 1).await.unwrap();
    assert_eq!(oldest[0].delete_at, Some(Wall(1005)));
    let large = usize::try_from(store::limits::BIN_BYTES / 2).unwrap();
    for _ in 0..3 {
        throw_away(&store, large, Wall(9999)).await;
    }
    assert_eq!(
        store.bin_count(&alice()).await.unwrap(),
        1,
        "of three large ones the newest fits with its headers"
    );
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_mail_comes_in_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let (text, key) = (bytes(100_000, 3), arrival_key(1));
    let begun =
        store.begin_partial(&key, Partial { durable: 50, ..partial(text.len() as u64) }).await.unwrap();
    assert_eq!(begun.durable, 0);
    store.append_partial(&key, 0, text.slice(..60_000)).await.unwrap();
    // Beyond the end, and beyond the announced size.
    assert!(matches!(
        store.append_partial(&key, 60_001, text.slice(..1)).await,
        Err(StorageError::Failed(_))
    ));
    assert!(matches!(
        store.append_partial(&key, 60_000, text.slice(..60_000)).await,
        Err(StorageError::Failed(_))
    ));
    let new = mail(bob(), begun.body, text.len() as u64);
    assert!(matches!(
        store.finish_partial(&key, Some(new.clone()), arrival()).await,
        Err(StorageError::Failed(_))
    ));
    // What overlaps is passed over.
    store.append_partial(&key, 30_000, text.slice(30_000..50_000)).await.unwrap();
    store.append_partial(&key, 50_000, text.slice(50_000..)).await.unwrap();
    store.settle_partial(&key).await.unwrap();
    assert_eq!(store.read_body(begun.body, 70_000, usize::MAX).await.unwrap(), text.slice(70_000..));
    assert_eq!(store.settle_partial(&arrival_key(2)).await, Err(StorageError::NotFound));
    assert_eq!(store.parked_bytes(key.sender).await.unwrap(), (100_000, 100_000));
    assert_eq!(store.parked_bytes(common::key(1)).await.unwrap(), (0, 100_000));
    assert_eq!(store.partials_of(key.sender).await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(store.partials_of(common::key(1)).await.unwrap(), []);
    store.finish_partial(&key, Some(new.clone()), arrival()).await.unwrap();
    assert_eq!(mails(&store, &bob()).await, [whole(&text)]);
    assert_eq!(store.arrival(&key).await.unwrap(), Some(arrival()));
    assert_eq!(store.partial(&key).await.unwrap(), None);
    assert!(matches!(store.finish_partial(&key, Some(new), arrival()).await, Err(StorageError::Exists(_))));
    assert!(matches!(store.finish_partial(&key, None, arrival()).await, Err(StorageError::Exists(_))));
    assert_eq!(assert_sound(&store).await.mailbox, 1);
}

#[tokio::test]
async fn a_mail_comes_in_with_other_bytes_than_those_that_came() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    for (number, size) in [(1, 100), (2, 300_000)] {
        let (text, key) = (bytes(size, 3), arrival_key(number));
        let begun = store.begin_partial(&key, partial(text.len() as u64)).await.unwrap();
        store.append_partial(&key, 0, text.clone()).await.unwrap();
        let mut writer = store.new_body();
        writer.write(text.slice(7..)).await.unwrap();
        let copy = writer.finish().await.unwrap();
        let refused =
            store.finish_partial_with(&key, mail(bob(), begun.body, copy.size), copy, arrival()).await;
        assert!(matches!(refused, Err(StorageError::Failed(_))));
        let new = mail(bob(), copy.id, copy.size);
        store.finish_partial_with(&key, new, copy, arrival()).await.unwrap();
        assert_eq!(mails(&store, &bob()).await.last(), Some(&whole(&text.slice(7..))));
        assert_eq!(store.partial(&key).await.unwrap(), None);
        assert_eq!(store.discard_body(copy).await, Err(StorageError::NotFound));
    }
    assert_eq!(assert_sound(&store).await.mailbox, 2);
}

#[tokio::test]
async fn an_empty_mail_comes_in_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let begun = store.begin_partial(&arrival_key(1), partial(0)).await.unwrap();
    store.finish_partial(&arrival_key(1), Some(mail(bob(), begun.body, 0)), arrival()).await.unwrap();
    assert_eq!(mails(&store, &bob()).await, [whole(&Bytes::new())]);
    let body = store.new_body().finish().await.unwrap();
    store.deliver_own(mail(bob(), body.id, 0), body).await.unwrap();
    assert_eq!(assert_sound(&store).await.mailbox, 2);
}

#[tokio::test]
async fn a_transfer_resumes_after_a_restart_where_it_was_durable() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let (text, key) = (bytes(3_000_000, 4), arrival_key(1));
    let begun = store.begin_partial(&key, partial(text.len() as u64)).await.unwrap();
    for piece in 0..20 {
        let at = piece * 64_000;
        store.append_partial(&key, at as u64, text.slice(at..at + 64_000)).await.unwrap();
    }
    // No more comes: time alone makes it durable.
    eventually("durability", async || {
        store.partial(&key).await.unwrap().is_some_and(|partial| partial.durable == 20 * 64_000)
    })
    .await;
    drop(store);
    let store = open(dir.path());
    let resumed = store.partial(&key).await.unwrap().unwrap();
    assert_eq!((resumed.body, resumed.durable), (begun.body, 20 * 64_000));
    assert_eq!(assert_sound(&store).await.partials, 1);
    store.append_partial(&key, 20 * 64_000, text.slice(20 * 64_000..)).await.unwrap();
    store.finish_partial(&key, Some(mail(bob(), begun.body, resumed.size)), arrival()).await.unwrap();
    assert_eq!(mails(&store, &bob()).await, [whole(&text)]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn partials_are_replaced_dropped_refused_and_swept() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let text = bytes(2_000_000, 5);
    let fill = async |number: u8| {
        let key = arrival_key(number);
        store.begin_partial(&key, partial(text.len() as u64)).await.unwrap();
        store.append_partial(&key, 0, text.slice(..1_500_000)).await.unwrap();
        eventually("durability", async || store.partial(&key).await.unwrap().unwrap().durable == 1_500_000)
            .await;
    };
    for number in 1..=4 {
        fill(number).await;
    }
    assert_eq!(assert_sound(&store).await.partials, 4);
    // Replaced by one of which nothing is on disk yet, then by its end.
    let begun = store.begin_partial(&arrival_key(1), partial(3)).await.unwrap();
    store.append_partial(&arrival_key(1), 0, Bytes::from_static(b"abc")).await.unwrap();
    store.finish_partial(&arrival_key(1), Some(mail(bob(), begun.body, 3)), arrival()).await.unwrap();
    store.drop_partial(&arrival_key(2)).await.unwrap();
    store.drop_partial(&arrival_key(2)).await.unwrap();
    store.finish_partial(&arrival_key(3), None, arrival()).await.unwrap();
    store.finish_partial(&arrival_key(5), None, arrival()).await.unwrap();
    let report = assert_sound(&store).await;
    assert_eq!((report.partials, report.mailbox, report.bodies), (1, 1, 2));
    store.sweep(Wall(1000), Wall(1000)).await.unwrap();
    assert!(store.arrival(&arrival_key(1)).await.unwrap().is_some());
    assert_eq!(assert_sound(&store).await.partials, 1);
    store.sweep(Wall(1001), Wall(u64::MAX)).await.unwrap();
    assert_eq!(store.arrival(&arrival_key(1)).await.unwrap(), None);
    assert_eq!(store.partial(&arrival_key(4)).await.unwrap(), None);
    assert_eq!(assert_sound(&store).await.partials, 0);
    drop(store);
    let store = open(dir.path());
    eventually("an empty bin", async || assert_sound(&store).await.garbage == 0).await;
    assert_eq!(mails(&store, &bob()).await, [whole(&Bytes::from_static(b"abc"))]);
}

#[tokio::test]
async fn staged_bodies_without_an_owner_are_gone_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    stage(&store, &bytes(100, 0)).await.unwrap();
    let large = stage(&store, &bytes(500_000, 0)).await.unwrap();
    let mut half = store.new_body();
    half.write(bytes(900_000, 0)).await.unwrap();
    drop(half);
    assert_eq!(store.read_body(large.id, 499_000, 64_000).await.unwrap(), bytes(500_000, 0).slice(499_000..));
    assert_sound(&store).await;
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.read_body(large.id, 0, 1).await, Err(StorageError::NotFound));
    assert_eq!(assert_sound(&store).await.bodies, 0);
}

#[tokio::test]
async fn a_body_that_is_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let mut half = store.new_body();
    half.write(bytes(900_000, 0)).await.unwrap();
    drop(half);
    eventually("an empty store", async || assert_sound(&store).await.bodies == 0).await;
    let large = stage(&store, &bytes(500_000, 0)).await.unwrap();
    assert_eq!(assert_sound(&store).await.bodies, 1);
    store.discard_body(large).await.unwrap();
    assert_eq!(assert_sound(&store).await.bodies, 0);
}

#[tokio::test]
async fn large_deleted_mails_are_removed_bit_by_bit() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    for seed in 0..2 {
        let body = stage(&store, &bytes(30_000_000, seed)).await.unwrap();
        store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
    }
    let numbers = store.mailbox_list(&bob()).await.unwrap().iter().map(|item| item.number).collect();
    assert_eq!(store.mailbox_delete(&bob(), numbers).await, Ok(2));
    assert_eq!(assert_sound(&store).await.bodies, 0);
    eventually("an empty bin", async || assert_sound(&store).await.garbage == 0).await;
}

#[tokio::test]
async fn friend_requests_ask_whom_one_has_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    assert!(!store.has_written_to(&alice(), key(7)).await.unwrap());
    let body = stage(&store, &bytes(10, 0)).await.unwrap();
    let remote = Route::Remote(Destination::Tox(tox_id(7)));
    store.enqueue(body, vec![OutboxEntry { route: remote, ..entry(id(1), body) }], Vec::new()).await.unwrap();
    store.finish_outbox(id(1), Outcome::Cancelled, Vec::new()).await.unwrap();
    assert!(store.has_written_to(&alice(), key(7)).await.unwrap());
    assert!(!store.has_written_to(&bob(), key(7)).await.unwrap());
}

#[tokio::test]
async fn a_full_disk_takes_nothing_and_lets_delete() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    enqueue(&store, 1, &bytes(100, 0)).await;
    drop(store);
    let store = Store::open(dir.path(), OpenOptions { reserve_bytes: u64::MAX, ..options() }).unwrap();
    assert!(!store.has_spare_room(), "nothing else takes the room of mail either");
    let body = stage(&store, &bytes(100, 0)).await.unwrap();
    assert_eq!(store.enqueue(body, vec![entry(id(2), body)], Vec::new()).await, Err(StorageError::Full));
    assert_eq!(store.begin_partial(&arrival_key(1), partial(10)).await, Err(StorageError::Full));
    assert_eq!(store.new_body().write(Bytes::from_static(b"x")).await, Err(StorageError::Full));
    store.finish_outbox(id(1), Outcome::Cancelled, Vec::new()).await.unwrap();
    let report = assert_sound(&store).await;
    assert_eq!((report.outbox, report.ended, report.bodies), (0, 1, 0));
}

#[tokio::test]
async fn time_that_passes_makes_lazy_changes_durable() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(common::clock());
    let store = with_accounts_and(dir.path(), OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>)).await;
    store.begin_partial(&arrival_key(1), partial(1000)).await.unwrap();
    store.append_partial(&arrival_key(1), 0, bytes(10, 0)).await.unwrap();
    // Answered after the writer has taken the piece.
    store.meta_put("x", None).await.unwrap();
    assert_eq!(store.partial(&arrival_key(1)).await.unwrap().unwrap().durable, 0);
    clock.advance(Duration::from_secs(86_400));
    // Any call wakes the writer, which sees that the time is up.
    store.append_partial(&arrival_key(1), 10, bytes(10, 0)).await.unwrap();
    store.meta_put("x", None).await.unwrap();
    assert!(store.partial(&arrival_key(1)).await.unwrap().unwrap().durable >= 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn any_range_of_a_mail_reads_as_it_was_written(
        pieces in prop::collection::vec(1_usize..70_000, 1..8),
        ranges in prop::collection::vec((0_u64..300_000, 0_usize..100_000), 20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let store = with_accounts(dir.path()).await;
            let text = bytes(pieces.iter().sum(), 6);
            let (mut writer, mut at) = (store.new_body(), 0);
            for piece in &pieces {
                writer.write(text.slice(at..at + piece)).await.unwrap();
                at += piece;
            }
            let body = writer.finish().await.unwrap();
            let check = async |prefix: &[u8], store: &Store| {
                let expected: Bytes = [prefix, &text].concat().into();
                for &(offset, max) in &ranges {
                    let start = (offset as usize).min(expected.len());
                    let end = (start + max).min(expected.len());
                    let found = if prefix.is_empty() {
                        store.read_body(body.id, offset, max).await.unwrap()
                    } else {
                        let number = store.mailbox_list(&bob()).await.unwrap()[0].number;
                        store.mailbox_read(&bob(), number, offset, max).await.unwrap()
                    };
                    assert!(found == expected.slice(start..end), "{offset} {max}");
                }
            };
            check(b"", &store).await;
            store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
            check(b"", &store).await;
            check(PREFIX, &store).await;
        });
    }
}
