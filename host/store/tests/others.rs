//! Accounts, people, component state, components, slots, decisions, settings.

#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mail::record::{Contact, ContactState, FriendRequest, Pin};
use mail::storage::{Identities as _, People as _, Quarantine as _, Reception as _, StorageError};
use mail::{Clock, MailId, Wall};
use store::{DecisionSearch, DecisionsFound, Error, OpenOptions, Store, limits};
use zeroize::Zeroizing;

mod common;

use common::*;

fn contact(alias: &str, number: u8) -> Contact {
    Contact {
        alias: alias.parse().unwrap(),
        key: key(number),
        tox_id: Some(tox_id(number)),
        addresses: vec![address("x@example.org")],
        state: ContactState::Confirmed,
        since: Wall(3),
    }
}

fn request(number: u8) -> FriendRequest {
    FriendRequest { key: key(number), message: "hello".to_owned(), received: Wall(4) }
}

#[tokio::test]
async fn accounts_keep_their_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(store.accounts().await.unwrap(), []);
    let saved = Zeroizing::new(vec![1, 2, 3]);
    store.create_account(account(bob(), true), Some(saved.clone()), "one".to_owned()).await.unwrap();
    store.create_account(account(alice(), false), None, "two".to_owned()).await.unwrap();
    let again = store.create_account(account(alice(), false), None, "x".to_owned()).await;
    assert_eq!(again, Err(StorageError::Exists("alice".to_owned())));
    let owner = account("carol".parse().unwrap(), true);
    assert_eq!(
        store.create_account(owner, None, "x".to_owned()).await,
        Err(StorageError::Exists("owner".to_owned()))
    );
    store.set_credential(&alice(), "three".to_owned()).await.unwrap();
    store.put_tox_saved(&alice(), Zeroizing::new(vec![9; 100_000])).await.unwrap();
    let moved =
        mail::record::Account { addresses: vec![address("a@example.org")], ..account(alice(), false) };
    store.put_account(moved.clone()).await.unwrap();
    drop(store);
    let store = open(dir.path());
    let numbered = |id, account| mail::record::Account { id, ..account };
    let moved = numbered(2, moved);
    assert_eq!(store.accounts().await.unwrap(), [numbered(1, account(bob(), true)), moved.clone()]);
    assert_eq!(store.account(&alice()).await.unwrap(), Some(moved));
    assert_eq!(store.credential(&alice()).await.unwrap().as_deref(), Some("three"));
    assert_eq!(store.tox_saved(&bob()).await.unwrap(), Some(saved));
    assert_eq!(store.tox_saved(&alice()).await.unwrap().unwrap().len(), 100_000);
    let carol = "carol".parse().unwrap();
    assert_eq!(store.credential(&carol).await.unwrap(), None);
    assert_eq!(store.set_credential(&carol, "x".to_owned()).await, Err(Error::NotFound));
    assert_eq!(store.put_tox_saved(&carol, Zeroizing::new(Vec::new())).await, Err(StorageError::NotFound));
    assert_eq!(store.mailbox_count(&carol).await, Err(Error::NotFound));
    assert_eq!(store.mailbox_list(&carol).await, Err(Error::NotFound));
    let long = Zeroizing::new(vec![0; limits::TOX_SAVED_BYTES + 1]);
    assert!(matches!(store.put_tox_saved(&alice(), long).await, Err(StorageError::LimitReached(_))));
}

#[tokio::test]
async fn a_contact_has_one_alias_and_an_alias_one_contact() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    store.put_friend_request(&alice(), request(1)).await.unwrap();
    store.put_contact(&alice(), contact("carl", 1)).await.unwrap();
    assert_eq!(store.friend_requests(&alice()).await.unwrap(), []);
    let taken = store.put_contact(&alice(), contact("carl", 2)).await;
    assert_eq!(taken, Err(StorageError::Exists("carl".to_owned())));
    store.put_contact(&bob(), contact("carl", 2)).await.unwrap();
    // A new alias frees the old one.
    store.put_contact(&alice(), contact("charles", 1)).await.unwrap();
    store.put_contact(&alice(), contact("carl", 2)).await.unwrap();
    assert_eq!(store.contacts(&alice()).await.unwrap(), [contact("charles", 1), contact("carl", 2)]);
    assert_sound(&store).await;
    store.remove_contact(&alice(), key(1)).await.unwrap();
    store.remove_contact(&alice(), key(1)).await.unwrap();
    assert_eq!(store.contacts(&alice()).await.unwrap(), [contact("carl", 2)]);
    assert_eq!(store.contacts(&bob()).await.unwrap(), [contact("carl", 2)]);
    let nobody = "nobody".parse().unwrap();
    assert_eq!(store.put_contact(&nobody, contact("x", 3)).await, Err(StorageError::NotFound));
    assert_sound(&store).await;
}

#[tokio::test]
async fn waiting_friend_requests_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    for number in 0..limits::FRIEND_REQUESTS {
        store.put_friend_request(&alice(), request(u8::try_from(number).unwrap())).await.unwrap();
    }
    let refused = store.put_friend_request(&alice(), request(200)).await;
    assert!(matches!(refused, Err(StorageError::LimitReached(_))));
    // One that waits may be said again.
    store.put_friend_request(&alice(), request(0)).await.unwrap();
    store.decline(&alice(), key(0), Wall(1)).await.unwrap();
    store.put_friend_request(&alice(), request(200)).await.unwrap();
    assert_eq!(store.friend_requests(&alice()).await.unwrap().len(), limits::FRIEND_REQUESTS);
}

#[tokio::test]
async fn who_was_declined_is_remembered_until_it_is_a_contact() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    store.put_friend_request(&alice(), request(1)).await.unwrap();
    store.decline(&alice(), key(1), Wall(5)).await.unwrap();
    assert_eq!(store.friend_requests(&alice()).await.unwrap(), []);
    drop(store);
    let store = open(dir.path());
    assert!(store.is_declined(&alice(), key(1)).await.unwrap());
    assert!(!store.is_declined(&bob(), key(1)).await.unwrap());
    store.put_contact(&alice(), contact("carl", 1)).await.unwrap();
    assert!(!store.is_declined(&alice(), key(1)).await.unwrap());
    // The one that was declined first makes room.
    let many = (0..=limits::DECLINED).map(|number| {
        let mut key = key(9);
        key.0[..8].copy_from_slice(&(number as u64).to_be_bytes());
        key
    });
    let many: Vec<_> = many.collect();
    for (number, key) in many.iter().enumerate() {
        // The second is the oldest.
        let when = if number == 1 { Wall(1) } else { Wall(10 + number as u64) };
        store.decline(&bob(), *key, when).await.unwrap();
    }
    // Again, at the bound.
    store.decline(&bob(), many[2], Wall(5000)).await.unwrap();
    assert!(store.is_declined(&bob(), many[0]).await.unwrap());
    assert!(!store.is_declined(&bob(), many[1]).await.unwrap());
    assert!(store.is_declined(&bob(), *many.last().unwrap()).await.unwrap());
    let nobody = "nobody".parse().unwrap();
    assert_eq!(store.decline(&nobody, key(1), Wall(1)).await, Err(StorageError::NotFound));
    assert_sound(&store).await;
}

#[tokio::test]
async fn pins_are_kept_per_account() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let pin = Pin { address: address("x@example.org"), key: key(1), first_seen: Wall(1), changed_to: None };
    store.put_pin(&alice(), pin.clone()).await.unwrap();
    let changed = Pin { changed_to: Some(tox_id(2)), ..pin };
    store.put_pin(&alice(), changed.clone()).await.unwrap();
    assert_eq!(store.pins(&alice()).await.unwrap(), std::slice::from_ref(&changed));
    let same = Pin { address: address("y@example.org"), changed_to: None, ..changed.clone() };
    store.put_pin(&alice(), same.clone()).await.unwrap();
    let of_bob = Pin { changed_to: Some(tox_id(3)), ..same.clone() };
    store.put_pin(&bob(), of_bob.clone()).await.unwrap();
    assert_eq!(store.pins(&alice()).await.unwrap(), [changed, same]);
    assert_eq!(store.pins(&bob()).await.unwrap(), [of_bob]);
    assert_sound(&store).await;
}

fn set(store: &Store, key: &str, value: &'static str, quota: u64) -> Result<(), Error> {
    store.state_set("spam", &alice(), key.as_bytes(), Bytes::from_static(value.as_bytes()), quota)
}

fn keys(store: &Store, prefix: &str, after: Option<&str>, max: usize) -> Vec<String> {
    let keys = store.state_keys("spam", &alice(), prefix.as_bytes(), after.map(str::as_bytes), max).unwrap();
    keys.into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
}

#[tokio::test]
async fn state_is_seen_at_once_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    for (key, value) in [("a/1", "one"), ("a/2", "two"), ("b/1", "three"), ("a/3", "four")] {
        set(&store, key, value, 1000).unwrap();
    }
    assert_eq!(store.state_get("spam", &alice(), b"a/2").unwrap(), Some(Bytes::from_static(b"two")));
    assert_eq!(store.state_get("spam", &bob(), b"a/2").unwrap(), None);
    assert_eq!(store.state_get("other", &alice(), b"a/2").unwrap(), None);
    // Some on disk, some not.
    store.meta_put("x", None).await.unwrap();
    assert!(store.state_delete("spam", &alice(), b"a/2").unwrap());
    assert!(!store.state_delete("spam", &alice(), b"a/2").unwrap());
    set(&store, "a/0", "new", 1000).unwrap();
    set(&store, "a/1", "changed", 1000).unwrap();
    let check = |store: &Store| {
        assert_eq!(keys(store, "a/", None, 10), ["a/0", "a/1", "a/3"]);
        assert_eq!(keys(store, "", None, 10), ["a/0", "a/1", "a/3", "b/1"]);
        assert_eq!(keys(store, "a/", Some("a/0"), 1), ["a/1"]);
        assert_eq!(keys(store, "a/", Some("a/3"), 10), Vec::<String>::new());
        assert_eq!(keys(store, "b", Some("a/1"), 10), ["b/1"]);
        let all = store.state_snapshot("spam", &alice()).unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(all.get(&b"a/1"[..]), Some(&Bytes::from_static(b"changed")));
        let rows = 4 * mail::limits::STATE_ROW_BYTES;
        assert_eq!(store.state_usage("spam", &alice()).unwrap(), 4 * 3 + 7 + 3 + 4 + 5 + rows);
        assert_eq!(store.state_usage("spam", &bob()).unwrap(), 0);
    };
    check(&store);
    store.meta_put("x", None).await.unwrap();
    check(&store);
    assert_sound(&store).await;
    drop(store);
    let store = open(dir.path());
    check(&store);
    assert_sound(&store).await;
}

#[tokio::test]
async fn the_quota_of_state_holds_under_contention() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let threads: Vec<_> = (0..4_u8)
        .map(|thread| {
            let store = store.clone();
            std::thread::spawn(move || {
                (0..100_u8)
                    .filter(|number| {
                        let set = store.state_set("spam", &alice(), &[thread, *number], bytes(98, 0), 22_850);
                        assert!(set.is_ok() || matches!(set, Err(Error::LimitReached(_))), "{set:?}");
                        set.is_ok()
                    })
                    .count()
            })
        })
        .collect();
    let taken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(taken, 100);
    assert_eq!(store.state_usage("spam", &alice()).unwrap(), 22_800);
    // Replacing counts the difference only.
    let first = store.state_keys("spam", &alice(), b"", None, 1).unwrap().remove(0);
    store.state_set("spam", &alice(), &first, bytes(148, 0), 22_850).unwrap();
    let over = store.state_set("spam", &alice(), &first, bytes(149, 0), 22_850);
    assert!(matches!(over, Err(Error::LimitReached(_))));
    store.meta_put("x", None).await.unwrap();
    assert_sound(&store).await;
}

#[tokio::test]
async fn more_state_than_memory_allows_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    for number in 0..40_u8 {
        store.state_set("spam", &alice(), &[number], bytes(500_000, number), u64::MAX).unwrap();
    }
    assert_eq!(store.state_get("spam", &alice(), &[3]).unwrap(), Some(bytes(500_000, 3)));
    assert_eq!(store.state_snapshot("spam", &alice()).unwrap().len(), 40);
    let long = vec![0; limits::STATE_KEY_BYTES + 1];
    assert!(store.state_set("spam", &alice(), &long, Bytes::new(), u64::MAX).is_err());
    store.close();
    assert_sound(&open(dir.path())).await;
}

#[tokio::test]
async fn decisions_are_read_by_slot_time_and_id() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(common::clock());
    let options = || OpenOptions {
        decisions_bytes: 10_000,
        decisions_age: Duration::from_secs(3600),
        ..OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>)
    };
    let store = with_accounts_and(dir.path(), options()).await;
    let first = store.append_decision("policy", component(1), &alice(), None, bytes(10, 1)).unwrap();
    store.append_decision("resolver", component(1), &alice(), None, bytes(10, 2)).unwrap();
    clock.advance(Duration::from_secs(60));
    let middle = clock.wall();
    let last = store.append_decision("policy", component(1), &bob(), None, bytes(10, 3)).unwrap();
    let of_policy = async |from, after, max| {
        let decisions = store.decisions_since("policy", from, after, max).await.unwrap();
        decisions.into_iter().map(|decision| decision.id).collect::<Vec<_>>()
    };
    // Nobody else commits: they are written in time.
    eventually("decisions", async || of_policy(Wall(0), 0, 10).await.len() == 2).await;
    assert_eq!(of_policy(Wall(0), 0, 10).await, [first, last]);
    assert_eq!(of_policy(Wall(0), 0, 1).await, [first]);
    assert_eq!(of_policy(Wall(0), first, 10).await, [last]);
    assert_eq!(of_policy(middle, 0, 10).await, [last]);
    let decision = store.decisions_since("policy", middle, 0, 1).await.unwrap().remove(0);
    assert_eq!((decision.account, decision.record, decision.slot.as_str()), (bob(), bytes(10, 3), "policy"));
    assert_sound(&store).await;

    // By bytes.
    for _ in 0..20 {
        store.append_decision("policy", component(1), &alice(), None, bytes(1000, 0)).unwrap();
    }
    store.flush().await.unwrap();
    // As many as fit beside that of the resolver.
    assert_eq!(of_policy(Wall(0), 0, 100).await.len(), 6);
    assert_eq!(store.decisions_since("resolver", Wall(0), 0, 9).await.unwrap().len(), 1);
    // By age, and ids go on over a restart.
    drop(store);
    clock.advance(Duration::from_secs(3601));
    let store = Store::open(dir.path(), options()).unwrap();
    let id = store.append_decision("policy", component(1), &alice(), None, Bytes::new()).unwrap();
    assert_eq!(id, last + 21);
    store.flush().await.unwrap();
    let left = store.decisions_since("policy", Wall(0), 0, 100).await.unwrap();
    assert_eq!(left.iter().map(|decision| decision.id).collect::<Vec<_>>(), [id]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn commits_one_after_another_do_not_put_decisions_off() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(common::clock());
    let options = OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let store = with_accounts_and(dir.path(), options).await;
    store.append_decision("policy", component(1), &alice(), None, Bytes::new()).unwrap();
    let is_written = async || !store.decisions_since("policy", Wall(0), 0, 1).await.unwrap().is_empty();
    store.meta_put("x", None).await.unwrap();
    assert!(!is_written().await, "a commit wrote decisions whose time had not come");
    for _ in 0..11 {
        clock.advance(limits::LAZY_TIME / 10);
        store.meta_put("x", None).await.unwrap();
    }
    assert!(is_written().await);
    assert_sound(&store).await;
}

#[tokio::test]
async fn decisions_are_searched_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(common::clock());
    let options = OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let store = with_accounts_and(dir.path(), options).await;
    let mut times = Vec::new();
    for number in 0..100_u64 {
        let account = if number % 2 == 0 { alice() } else { bob() };
        let slot = if number % 3 == 0 { "policy" } else { "resolver" };
        let record = Bytes::from(format!("{{\"To\":\"Mail-{number}@tox\"}}"));
        store.append_decision(slot, component(1), &account, None, record).unwrap();
        times.push(clock.wall());
        clock.advance(Duration::from_secs(1));
    }
    store.flush().await.unwrap();
    let search = async |search: DecisionSearch, max| {
        let found = store.decisions_newest(search, max).await.unwrap();
        let ids: Vec<u64> = found.decisions.iter().map(|decision| decision.id - 1).collect();
        (ids, found.next.map(|next| next - 1))
    };
    let all = DecisionSearch::default;
    assert_eq!(search(all(), 3).await, (vec![99, 98, 97], Some(97)));
    let before = DecisionSearch { before: Some(98), ..all() };
    assert_eq!(search(before, 2).await, (vec![96, 95], Some(95)));
    let window = DecisionSearch { from: Some(times[10]), until: Some(times[12]), ..all() };
    assert_eq!(search(window, 10).await, (vec![12, 11, 10], None));
    let fits = DecisionSearch { slot: Some("policy".to_owned()), account: Some(bob()), ..all() };
    assert_eq!(search(fits, 2).await.0, [99, 93]);
    let text = DecisionSearch { text: Some("MAIL-7@".to_owned()), ..all() };
    assert_eq!(search(text, 10).await, (vec![7], None));
    let later = DecisionSearch { from: Some(clock.wall()), ..all() };
    assert_eq!(search(later, 10).await, (vec![], None));
    let earlier = DecisionSearch { until: Some(Wall(times[0].0 - 1)), ..all() };
    assert_eq!(search(earlier, 10).await, (vec![], None));
    // What the slot's readers skip by time is right too.
    let since = store.decisions_since("policy", times[90], 0, 10).await.unwrap();
    assert_eq!(since.iter().map(|decision| decision.id - 1).collect::<Vec<_>>(), [90, 93, 96, 99]);
    drop(store);
    let empty = tempfile::tempdir().unwrap();
    let store = with_accounts(empty.path()).await;
    assert_eq!(store.decisions_newest(all(), 10).await.unwrap(), DecisionsFound::default());
}

#[tokio::test]
async fn decisions_about_a_mail_are_found_without_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(common::clock());
    let options = OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let store = with_accounts_and(dir.path(), options).await;
    let (one, other) = (MailId([1; 16]), MailId([2; 16]));
    // More lie between them than a search looks at.
    let between = limits::DECISIONS_SEARCHED + 10;
    let first = store.append_decision("policy", component(1), &alice(), Some(one), bytes(10, 0)).unwrap();
    for number in 0..between {
        let about = (number % 100 == 0).then_some(other);
        store.append_decision("resolver", component(1), &alice(), about, bytes(10, 1)).unwrap();
        if number % 1000 == 0 {
            store.flush().await.unwrap();
        }
    }
    let last = store.append_decision("mail-filter", component(1), &alice(), Some(one), bytes(10, 2)).unwrap();
    store.flush().await.unwrap();
    let ids = async |search: DecisionSearch, max| {
        let found = store.decisions_newest(search, max).await.unwrap();
        (found.decisions.iter().map(|decision| decision.id).collect::<Vec<_>>(), found.next)
    };
    let about = |mail| DecisionSearch { mail: Some(mail), ..DecisionSearch::default() };
    assert_eq!(ids(about(one), 10).await, (vec![last, first], None));
    assert_eq!(ids(about(one), 1).await, (vec![last], Some(first + 1)));
    assert_eq!(ids(DecisionSearch { before: Some(last), ..about(one) }, 10).await, (vec![first], None));
    assert_eq!(ids(DecisionSearch { account: Some(bob()), ..about(one) }, 10).await.0, []);
    assert_eq!(ids(about(MailId([3; 16])), 10).await, (vec![], None));
    assert_sound(&store).await;
    // What is dropped is dropped from the index too.
    clock.advance(Duration::from_secs(40 * 24 * 3600));
    for _ in 0..between {
        store.append_decision("policy", component(1), &alice(), None, Bytes::new()).unwrap();
        if store.decisions_newest(about(one), 1).await.unwrap() == DecisionsFound::default() {
            break;
        }
        store.flush().await.unwrap();
    }
    assert_eq!(ids(about(one), 10).await, (vec![], None));
    assert_sound(&store).await;
}

#[tokio::test]
async fn settings_are_kept_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    store.meta_put("a", Some(Bytes::from_static(b"1"))).await.unwrap();
    store.meta_put("b", Some(Bytes::from_static(b"2"))).await.unwrap();
    store.meta_put("a", None).await.unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.meta_get("a").await.unwrap(), None);
    assert_eq!(store.meta_get("b").await.unwrap(), Some(Bytes::from_static(b"2")));
    let long = Bytes::from(vec![0; limits::META_BYTES + 1]);
    assert!(matches!(store.meta_put("c", Some(long)).await, Err(Error::LimitReached(_))));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    store.close();
    store.close();
    assert_eq!(store.accounts().await, Err(Error::Closed.into()));
    assert_eq!(store.meta_put("a", None).await, Err(Error::Closed));
    assert_eq!(
        store.append_decision("policy", component(1), &alice(), None, Bytes::new()),
        Err(Error::Closed)
    );
    assert_eq!(store.state_delete("spam", &alice(), b"x"), Err(Error::Closed));
}

#[tokio::test]
async fn deleting_mails_makes_room_although_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let megabyte = bytes(1_000_000, 7);
    for _ in 0..90 {
        let body = stage(&store, &megabyte).await.unwrap();
        store.deliver_own(mail(alice(), body.id, body.size), body).await.unwrap();
    }
    drop(store);
    // No disk has that much: it is at its reserve.
    // And the file keeps its length: what is unused in it is room as well.
    let full = || OpenOptions { reserve_bytes: u64::MAX, give_back_bytes: u64::MAX, ..options() };
    let store = Store::open(dir.path(), full()).unwrap();
    let more = async |store: &Store| {
        let body = stage(store, &bytes(100, 1)).await?;
        store.deliver_own(mail(alice(), body.id, body.size), body).await
    };
    assert_eq!(more(&store).await, Err(StorageError::Full));
    // All but the last, which keeps the file at its length.
    let mut numbers: Vec<u64> =
        store.mailbox_list(&alice()).await.unwrap().iter().map(|item| item.number).collect();
    let _ = numbers.pop();
    store.mailbox_delete(&alice(), numbers).await.unwrap();
    drop(store);
    let store = Store::open(dir.path(), full()).unwrap();
    more(&store).await.unwrap();
    assert!(std::fs::metadata(dir.path().join("store.redb")).unwrap().len() > 80_000_000);
}

#[tokio::test]
async fn documents_are_kept_by_kind_owner_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let put = |kind, owner, key: u8, text: Option<&str>| {
        store.document_put(kind, owner, vec![key], text.map(|text| text.as_bytes().to_vec()))
    };
    put("story", "ben", 2, Some("two")).await.unwrap();
    put("story", "anna", 1, Some("one")).await.unwrap();
    put("story", "anna", 3, Some("three")).await.unwrap();
    put("stories", "anna", 1, Some("another kind")).await.unwrap();
    put("story", "anna", 3, None).await.unwrap();
    put("story", "anna", 9, None).await.unwrap();
    put("story", "ben", 2, Some("two, again")).await.unwrap();
    let too_long =
        store.document_put("story", "anna", vec![], Some(vec![0; limits::DOCUMENT_BYTES + 1])).await;
    assert!(matches!(too_long, Err(Error::LimitReached(_))));
    drop(store);
    let store = open(dir.path());
    let all = store.documents_from("story", "", &[]).await.unwrap();
    let all: Vec<_> = all
        .iter()
        .map(|one| (one.owner.as_str(), one.key[0], std::str::from_utf8(&one.bytes).unwrap()))
        .collect();
    assert_eq!(all, [("anna", 1, "one"), ("ben", 2, "two, again")]);
    let rest = store.documents_from("story", "anna", &[1, 0]).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.owner.as_str()).collect::<Vec<_>>(), ["ben"]);

    for number in 0..40_u8 {
        let document = Some(vec![0; limits::DOCUMENTS_PAGE_BYTES / 10]);
        store.document_put("large", "anna", vec![number], document).await.unwrap();
    }
    let (mut from, mut found) = (vec![], vec![]);
    loop {
        let page = store.documents_from("large", "anna", &from).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10, "{} at once", page.len());
        from = [&last.key[..], &[0]].concat();
        found.extend(page.iter().map(|one| one.key[0]));
    }
    assert!(found.iter().copied().eq(0..40), "{found:?}");
}

/// Bytes of the store's file.
fn file_bytes(dir: &std::path::Path) -> u64 {
    std::fs::metadata(dir.join(store::STORE_FILE)).unwrap().len()
}

#[tokio::test]
async fn a_component_that_decides_much_loses_its_own_evidence_alone_and_the_file_stays_bounded() {
    let dir = tempfile::tempdir().unwrap();
    const MOST: u64 = 8 << 20;
    let options = || OpenOptions { decisions_bytes: MOST, give_back_bytes: 1 << 20, ..common::options() };
    let store = with_accounts_and(dir.path(), options()).await;
    let of = async |slot: &str| store.decisions_since(slot, Wall(0), 0, 10_000).await.unwrap().len();
    for number in 0..50 {
        store.append_decision("policy", component(1), &alice(), Some(id(number)), bytes(500, 1)).unwrap();
        store
            .append_decision("mail-filter", component(2), &alice(), Some(id(number)), bytes(500, 2))
            .unwrap();
    }
    store.flush().await.unwrap();
    // Twenty times what is kept, in records of 600 000 bytes.
    for _ in 0..280 {
        // Where too much waits for the disk it waits too: none is refused.
        store.append_decision("mail-filter", component(3), &bob(), None, bytes(600_000, 3)).unwrap();
    }
    store.flush().await.unwrap();
    assert_eq!(of("policy").await, 50);
    let (mut quiet, mut chatty) = (0, 0);
    for decision in store.decisions_since("mail-filter", Wall(0), 0, 10_000).await.unwrap() {
        *(if decision.account == bob() { &mut chatty } else { &mut quiet }) += 1;
    }
    assert_eq!(quiet, 50);
    assert!((6..=8).contains(&chatty), "{chatty}");
    assert_sound(&store).await;
    // What is written at once comes on top: 8 MB may wait, and a commit keeps the pages of the one before.
    let grown = file_bytes(dir.path());
    assert!(grown < 8 * MOST, "{grown}");
    store.close();

    // The rest is given back, and nothing is lost by that.
    let store = Store::open(dir.path(), options()).unwrap();
    assert_sound(&store).await;
    store.close();
    let left = file_bytes(dir.path());
    println!("the file had {grown} bytes at most and has {left} after the next start");
    assert!(left < 3 * MOST && left <= grown, "{left} of {grown}");
}

#[tokio::test]
async fn a_quota_of_state_bounds_what_the_file_grows_by() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    store.flush().await.unwrap();
    let space = "mail-filter/a-name-of-an-entry/a-name-of-a-component";
    const QUOTA: u64 = 1 << 20;
    let mut keys = 0_u32;
    // The smallest rows there are, in an order that fills pages badly.
    while store.state_set(space, &alice(), &keys.reverse_bits().to_be_bytes(), Bytes::new(), QUOTA).is_ok() {
        keys += 1;
    }
    assert_eq!(u64::from(keys), QUOTA / (4 + mail::limits::STATE_ROW_BYTES));
    store.flush().await.unwrap();
    store.close();
    let store = Store::open(dir.path(), OpenOptions { give_back_bytes: 1, ..common::options() }).unwrap();
    assert!(store.state_set(space, &alice(), b"more", Bytes::new(), QUOTA).is_err());
    // One goes, one comes.
    assert!(store.state_delete(space, &alice(), &[0; 4]).unwrap());
    store.state_set(space, &alice(), b"more", Bytes::new(), QUOTA).unwrap();
    assert_sound(&store).await;
    store.close();
    let grown = file_bytes(dir.path());
    println!("{keys} keys within a quota of {QUOTA} bytes: the file has {grown} bytes");
    assert!(grown < 6 * QUOTA, "{grown}");
}

#[tokio::test]
async fn spaces_of_state_are_listed_cleared_and_given_to_another() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let set = |space: &str, account: mail::AccountName, key: &str, value: &'static str| {
        store
            .state_set(space, &account, key.as_bytes(), Bytes::from_static(value.as_bytes()), 10_000)
            .unwrap();
    };
    set("policy/policy", alice(), "a", "old");
    set("policy/policy", alice(), "b", "old");
    set("policy/policy", bob(), "a", "of bob");
    set("policy/policy/mine", alice(), "a", "new");
    set("policy/policy2", alice(), "a", "other");
    let spaces = |store: &Store| -> Vec<(String, mail::AccountName, u64)> {
        let all = store.state_spaces().unwrap();
        all.into_iter().map(|space| (space.space, space.account, space.bytes)).collect()
    };
    store.state_adopt("policy/policy", "policy/policy/mine").await.unwrap();
    store.state_adopt("policy/policy", "policy/policy/mine").await.unwrap();
    let row = mail::limits::STATE_ROW_BYTES;
    assert_eq!(
        spaces(&store),
        [
            ("policy/policy/mine".to_owned(), alice(), 4 + 4 + 2 * row),
            ("policy/policy/mine".to_owned(), bob(), 7 + row),
            ("policy/policy2".to_owned(), alice(), 6 + row),
        ]
    );
    let get = |key: &[u8]| store.state_get("policy/policy/mine", &alice(), key).unwrap();
    assert_eq!((get(b"a"), get(b"b")), (Some(Bytes::from_static(b"new")), Some(Bytes::from_static(b"old"))));

    set("policy/policy/mine/2", alice(), "left over", "x");
    store.state_copy("policy/policy/mine", "policy/policy/mine/2").await.unwrap();
    let copied = |space: &str, account| store.state_snapshot(space, &account).unwrap();
    for account in [alice(), bob()] {
        let of = |space| copied(space, account.clone());
        assert_eq!(of("policy/policy/mine/2"), of("policy/policy/mine"), "all of it and nothing else");
    }
    store.state_forget("policy/policy/mine/2").await.unwrap();
    assert!(
        copied("policy/policy/mine/2", alice()).is_empty()
            && copied("policy/policy/mine/2", bob()).is_empty()
    );

    assert_eq!(store.state_clear("policy/policy/mine", &alice()).await.unwrap(), 2);
    assert_eq!(store.state_clear("policy/policy/mine", &alice()).await.unwrap(), 0);
    store.close();
    let store = open(dir.path());
    assert_eq!(spaces(&store).len(), 2);
    assert_eq!(store.state_usage("policy/policy/mine", &alice()).unwrap(), 0);
    assert_sound(&store).await;
}

#[tokio::test]
async fn the_quarantine_is_bounded_by_its_mails_and_not_by_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts_and(dir.path(), OpenOptions { quarantine: 3, ..common::options() }).await;
    let deliver = async |quarantine: Option<&str>| {
        let body = stage(&store, &bytes(10, 1)).await.unwrap();
        let mail = mail(bob(), body.id, body.size);
        store
            .deliver_own(
                mail::record::NewMail {
                    quarantine: quarantine
                        .map(|reason| mail::record::SetAside::quarantined(reason.to_owned())),
                    ..mail
                },
                body,
            )
            .await
    };
    deliver(Some("odd")).await.unwrap();
    // Numbers that the mailbox takes leave room in quarantine.
    for _ in 0..10 {
        deliver(None).await.unwrap();
    }
    deliver(Some("odd")).await.unwrap();
    deliver(Some("odd")).await.unwrap();
    let full = deliver(Some("odd")).await.unwrap_err();
    assert!(matches!(&full, StorageError::LimitReached(text) if text.contains("3 mails")), "{full}");
    // And what goes makes room, whichever it is.
    let uidl = store.quarantine(&bob()).await.unwrap()[1].mail.uidl;
    store.delete_quarantined(&bob(), uidl).await.unwrap();
    deliver(Some("odd")).await.unwrap();
    deliver(Some("odd")).await.unwrap_err();
    assert_eq!(store.quarantine_count(&bob()).await.unwrap(), 3);
    assert_sound(&store).await;
}
