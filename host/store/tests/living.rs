//! Living with a store: copies while it is used, upgrades, accounts that come and go.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::os::unix::fs::PermissionsExt;

use common::*;
use mail::record::{ArrivalKey, Contact, ContactState};
use mail::storage::{Outbox as _, People as _, Reception as _, StorageError};
use mail::{MailId, Wall};
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use store::{NewAccount, STORE_FILE, Store};

/// UIDL, size, body, length of the prefix.
type MailRow = ([u8; 16], u64, u64, u32);

const SYSTEM: TableDefinition<'_, &str, u64> = TableDefinition::new("system");
const MAILBOX: TableDefinition<'_, (&str, u64), MailRow> = TableDefinition::new("mailbox");
const COUNTS: TableDefinition<'_, &str, u64> = TableDefinition::new("quarantine_counts");
const DISABLED: TableDefinition<'_, &str, ()> = TableDefinition::new("disabled");

/// A store with two mails for bob.
async fn with_mails(dir: &std::path::Path) -> Store {
    let store = with_accounts(dir).await;
    for (size, seed) in [(100, 1), (200_000, 2)] {
        let body = stage(&store, &bytes(size, seed)).await.unwrap();
        store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_copy_holds_what_was_committed_and_opens_as_a_store() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = with_mails(dir.path()).await;
    store.state_set("filter", &bob(), b"key", bytes(10, 3), 1000).unwrap();
    let copy = copies.path().join(STORE_FILE);
    let told = std::sync::Arc::new(std::sync::Mutex::new(None));
    let watched = std::sync::Arc::clone(&told);
    let watch = move |progress| {
        *watched.lock().unwrap() = Some(progress);
        true
    };
    store.snapshot(copy.clone(), watch).await.unwrap();
    // Also of a small store the end is told.
    let last = told.lock().unwrap().unwrap();
    assert!(last.rows == last.of && last.of > 0, "{last:?}");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // What comes after it is not in it.
    let body = stage(&store, &bytes(5, 9)).await.unwrap();
    store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();

    let copied = open(copies.path());
    assert_sound(&copied).await;
    assert_eq!(copied.mailbox_list(&bob()).await.unwrap().len(), 2);
    assert_eq!(copied.state_get("filter", &bob(), b"key").unwrap(), Some(bytes(10, 3)));
    assert_eq!(store.mailbox_list(&bob()).await.unwrap().len(), 3);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for number in copied.mailbox_list(&bob()).await.unwrap().iter().map(|item| item.number) {
        one.push(store.mailbox_read(&bob(), number, 0, usize::MAX).await.unwrap());
        other.push(copied.mailbox_read(&bob(), number, 0, usize::MAX).await.unwrap());
    }
    assert_eq!(one, other);
}

#[tokio::test]
async fn a_copy_is_made_while_mail_comes_in() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = with_mails(dir.path()).await;
    let writing = store.clone();
    let writer = tokio::spawn(async move {
        for seed in 0..50 {
            let body = stage(&writing, &bytes(20_000, seed)).await.unwrap();
            writing.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
        }
    });
    for number in 0..5 {
        let place = copies.path().join(number.to_string());
        std::fs::create_dir(&place).unwrap();
        store.snapshot(place.join(STORE_FILE), |_| true).await.unwrap();
        assert_sound(&open(&place)).await;
    }
    writer.await.unwrap();
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_copy_that_is_stopped_leaves_nothing() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = with_accounts(dir.path()).await;
    let body = stage(&store, &bytes(10_000_000, 1)).await.unwrap();
    store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
    let copy = copies.path().join(STORE_FILE);
    assert_eq!(store.snapshot(copy.clone(), |_| false).await, Err(store::Error::Stopped));
    assert!(!copy.exists());
    // Also at its very end.
    let at_the_end = |progress: store::Progress| progress.rows < progress.of;
    assert_eq!(store.snapshot(copy.clone(), at_the_end).await, Err(store::Error::Stopped));
    assert!(!copy.exists());
    assert_sound(&store).await;
}

/// Makes the file what a program of format 1 left.
fn downgrade(dir: &std::path::Path) {
    let database = Database::open(dir.join(STORE_FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(DISABLED).unwrap());
    assert!(transaction.delete_table(COUNTS).unwrap());
    transaction.open_table(SYSTEM).unwrap().insert("format", 1).unwrap();
    transaction.commit().unwrap();
}

#[tokio::test]
async fn an_older_store_is_copied_and_then_upgraded() {
    let dir = tempfile::tempdir().unwrap();
    with_mails(dir.path()).await.close();
    downgrade(dir.path());

    let store = open(dir.path());
    assert_sound(&store).await;
    assert_eq!(store.mailbox_list(&bob()).await.unwrap().len(), 2);
    assert!(!store.is_disabled(&bob()).await.unwrap());
    store.set_disabled(&bob(), true).await.unwrap();
    assert!(store.is_disabled(&bob()).await.unwrap());
    store.close();

    // The copy is what the older program left: it would go on from it.
    let copy = dir.path().join("store.redb.format-1");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let database = Database::open(&copy).unwrap();
    let copied = database.begin_read().unwrap();
    assert_eq!(copied.open_table(SYSTEM).unwrap().get("format").unwrap().unwrap().value(), 1);
    assert!(matches!(copied.open_table(DISABLED), Err(redb::TableError::TableDoesNotExist(_))));
    assert_eq!(copied.open_table(MAILBOX).unwrap().len().unwrap(), 2);
    drop((copied, database));
    // It is done once.
    std::fs::remove_file(&copy).unwrap();
    open(dir.path()).close();
    assert!(!copy.exists());
}

#[tokio::test]
async fn nothing_is_changed_where_the_copy_cannot_be_made() {
    let dir = tempfile::tempdir().unwrap();
    with_mails(dir.path()).await.close();
    downgrade(dir.path());
    std::fs::create_dir(dir.path().join("store.redb.format-1")).unwrap();
    let error = Store::open(dir.path(), options()).unwrap_err().to_string();
    assert!(error.contains("nothing was changed"), "{error}");
    let database = Database::open(dir.path().join(STORE_FILE)).unwrap();
    let system = database.begin_read().unwrap().open_table(SYSTEM).unwrap();
    assert_eq!(system.get("format").unwrap().unwrap().value(), 1);
}

fn contact(number: u8) -> Contact {
    Contact {
        alias: format!("friend{number}").parse().unwrap(),
        key: key(number),
        tox_id: None,
        addresses: Vec::new(),
        state: ContactState::Confirmed,
        since: Wall(1),
    }
}

#[tokio::test]
async fn an_account_starts_with_what_it_is_given_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let carla: mail::AccountName = "carla".parse().unwrap();
    let body = stage(&store, &bytes(50, 1)).await.unwrap();
    let new = NewAccount {
        account: account(carla.clone(), false),
        tox_saved: None,
        credential: "hash".to_owned(),
        contacts: vec![contact(1), contact(2)],
        welcome: Some((mail(carla.clone(), body.id, body.size), body)),
    };
    let twice =
        NewAccount { contacts: vec![contact(1), Contact { key: key(9), ..contact(1) }], ..new.clone() };
    assert_eq!(store.create_account_with(twice).await, Err(StorageError::Exists("friend1".to_owned())));
    assert_eq!(store.account(&carla).await.unwrap(), None);
    store.create_account_with(new).await.unwrap();
    assert_eq!(store.contacts(&carla).await.unwrap().len(), 2);
    assert_eq!(store.mailbox_list(&carla).await.unwrap().len(), 1);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_removed_account_leaves_nothing_and_its_name_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_mails(dir.path()).await;
    store.put_contact(&bob(), contact(1)).await.unwrap();
    store.state_set("filter", &bob(), b"key", bytes(10, 3), 1000).unwrap();
    let body = stage(&store, &bytes(10, 1)).await.unwrap();
    let waiting = mail::record::OutboxEntry { account: bob(), ..entry(MailId([7; 16]), body) };
    store.enqueue(body, vec![waiting], Vec::new()).await.unwrap();
    store.set_disabled(&bob(), true).await.unwrap();
    leave_traces(&store, &bob()).await;
    leave_traces(&store, &alice()).await;
    let before = store.account(&bob()).await.unwrap().unwrap();

    store.remove_account(&bob()).await.unwrap();
    assert_sound(&store).await;
    assert_eq!(traces(&store, &bob()).await, [0; 4]);
    assert_eq!(traces(&store, &alice()).await, [1; 4]);
    assert_eq!(store.account(&bob()).await.unwrap(), None);
    assert_eq!(store.credential(&bob()).await.unwrap(), None);
    assert!(store.outbox_page(None, 1_000).await.unwrap().is_empty());
    assert_eq!(store.remove_account(&bob()).await, Err(StorageError::NotFound));
    assert!(matches!(store.remove_account(&alice()).await, Err(StorageError::Failed(_))));

    store.create_account(account(bob(), false), None, "hash".to_owned()).await.unwrap();
    assert!(store.mailbox_list(&bob()).await.unwrap().is_empty());
    assert!(store.contacts(&bob()).await.unwrap().is_empty());
    assert_eq!(store.state_get("filter", &bob(), b"key").unwrap(), None);
    assert!(!store.is_disabled(&bob()).await.unwrap());
    assert!(store.account(&bob()).await.unwrap().unwrap().id > before.id);
    assert_sound(&store).await;
}

/// Leaves a decision, a document, an arrival and a value of state that is not on disk yet.
async fn leave_traces(store: &Store, account: &mail::AccountName) {
    store
        .append_decision("policy", component(1), account, None, bytes::Bytes::from_static(b"decided"))
        .unwrap();
    store.document_put("story", account.as_str(), b"key".to_vec(), Some(b"text".to_vec())).await.unwrap();
    store.finish_partial(&arrived(account), None, arrival()).await.unwrap();
    store.state_set("unsaved", account, b"key", bytes(10, 3), 1000).unwrap();
}

fn arrived(account: &mail::AccountName) -> ArrivalKey {
    ArrivalKey { account: account.clone(), ..arrival_key(9) }
}

/// How many decisions, documents, arrivals and values of state there are of an account.
async fn traces(store: &Store, account: &mail::AccountName) -> [usize; 4] {
    store.flush().await.unwrap();
    let search = store::DecisionSearch { account: Some(account.clone()), ..Default::default() };
    let documents = store.documents_from("story", "", &[]).await.unwrap();
    [
        store.decisions_newest(search, 10).await.unwrap().decisions.len(),
        documents.iter().filter(|document| document.owner == account.as_str()).count(),
        usize::from(store.arrival(&arrived(account)).await.unwrap().is_some()),
        store.state_keys("unsaved", account, b"", None, 10).unwrap().len(),
    ]
}

#[tokio::test]
async fn what_work_under_way_writes_after_the_end_of_an_account_is_not_the_next_ones() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    store.remove_account(&bob()).await.unwrap();
    leave_traces(&store, &bob()).await;
    store.create_account(account(bob(), false), None, "hash".to_owned()).await.unwrap();
    assert_eq!(traces(&store, &bob()).await, [0; 4]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_session_of_a_removed_account_finds_no_mail_of_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_mails(dir.path()).await;
    let old: Vec<u64> = store.mailbox_list(&bob()).await.unwrap().iter().map(|item| item.number).collect();
    assert!(!old.is_empty());
    store.remove_account(&bob()).await.unwrap();
    store.create_account(account(bob(), false), None, "hash".to_owned()).await.unwrap();
    for seed in 0..10 {
        let body = stage(&store, &bytes(10, seed)).await.unwrap();
        store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
    }
    for number in &old {
        let read = store.mailbox_read(&bob(), *number, 0, 10).await;
        assert_eq!(read, Err(store::Error::NotFound), "{number}");
    }
    let _gone = store.mailbox_delete(&bob(), old).await;
    assert_eq!(store.mailbox_list(&bob()).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_login_holds_until_its_account_is_switched_off_removed_or_has_another_password() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let standing = || store.standing(&bob()).unwrap();
    let first = standing().unwrap();
    assert_ne!(first, store.standing(&alice()).unwrap().unwrap());

    store.refresh_credential(&bob(), "hash".to_owned(), "hash again".to_owned()).await.unwrap();
    assert_eq!(standing(), Some(first));
    assert_eq!(store.credential(&bob()).await.unwrap().as_deref(), Some("hash again"));
    store.refresh_credential(&bob(), "hash".to_owned(), "too late".to_owned()).await.unwrap();
    assert_eq!(store.credential(&bob()).await.unwrap().as_deref(), Some("hash again"));

    store.set_credential(&bob(), "other".to_owned()).await.unwrap();
    let second = standing().unwrap();
    assert_eq!(second.id, first.id);
    assert_ne!(second.generation, first.generation);

    store.set_disabled(&bob(), true).await.unwrap();
    assert_eq!(standing(), None);
    store.set_disabled(&bob(), false).await.unwrap();
    let third = standing().unwrap();
    assert_eq!(third.id, first.id);
    assert!(![first, second].contains(&third));

    store.remove_account(&bob()).await.unwrap();
    assert_eq!(standing(), None);
    store.close();
    let store = open(dir.path());
    store.create_account(account(bob(), false), None, "hash".to_owned()).await.unwrap();
    let next = store.standing(&bob()).unwrap().unwrap();
    assert!(next.id > first.id && ![first, second, third].contains(&next));
}
