//! A store that a program of format 2 left: without what finds decisions by the mail they are about.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use common::*;
use mail::storage::{Outbox as _, People as _, Reception as _};
use mail::{MailId, Wall};
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition, TableError, TableHandle};
use store::{DecisionSearch, OpenOptions, STORE_FILE, Store};

/// Time, slot, account, record.
type DecisionRow = (u64, &'static str, &'static str, &'static [u8]);

const SYSTEM: TableDefinition<'_, &str, u64> = TableDefinition::new("system");
const DECISIONS: TableDefinition<'_, u64, DecisionRow> = TableDefinition::new("decisions");
const DECISION_SLOTS: TableDefinition<'_, (&str, u64), u64> = TableDefinition::new("decision_slots");
const STANDINGS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("standings");
const MAIL_DECISIONS: TableDefinition<'_, ([u8; 16], u64), ()> = TableDefinition::new("mail_decisions");
const DECISION_MAILS: TableDefinition<'_, u64, [u8; 16]> = TableDefinition::new("decision_mails");

/// A store of format 2 with a mail for bob, one of alice that waits, and two decisions about it.
async fn of_format_2(dir: &Path) {
    let store = with_accounts(dir).await;
    let body = stage(&store, &bytes(200_000, 1)).await.unwrap();
    store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
    let body = stage(&store, &bytes(100, 2)).await.unwrap();
    store.enqueue(body, vec![entry(id(7), body)], Vec::new()).await.unwrap();
    store.close();

    let database = Database::open(dir.join(STORE_FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(MAIL_DECISIONS).unwrap());
    assert!(transaction.delete_table(DECISION_MAILS).unwrap());
    for name in ["decision_components", "decision_costs", "decision_usage"] {
        let table = transaction.list_tables().unwrap().find(|table| table.name() == name).unwrap();
        assert!(transaction.delete_table(table).unwrap());
    }
    {
        let mut system = transaction.open_table(SYSTEM).unwrap();
        system.insert("format", 2).unwrap();
        system.insert("decision bytes", 20).unwrap();
        system.insert("next decision", 3).unwrap();
        let mut decisions = transaction.open_table(DECISIONS).unwrap();
        let mut slots = transaction.open_table(DECISION_SLOTS).unwrap();
        let now = mail::Clock::wall(&common::clock()).0;
        for (number, slot) in [(1, "policy"), (2, "mail-filter")] {
            decisions.insert(number, (now, slot, "alice", b"0123456789".as_slice())).unwrap();
            slots.insert((slot, number), now).unwrap();
        }
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn accounts_of_format_4_get_numbers_that_are_never_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_accounts(dir.path()).await;
    let body = stage(&store, &bytes(100, 1)).await.unwrap();
    store.deliver_own(mail(bob(), body.id, body.size), body).await.unwrap();
    store.close();
    let database = Database::open(dir.path().join(STORE_FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(STANDINGS).unwrap());
    transaction.open_table(SYSTEM).unwrap().remove("next standing").unwrap();
    transaction.open_table(SYSTEM).unwrap().insert("format", 4).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let store = open(dir.path());
    assert_sound(&store).await;
    let numbers: Vec<u64> = store.accounts().await.unwrap().iter().map(|account| account.id).collect();
    assert_eq!(numbers.len(), 2);
    assert!(numbers[0] != numbers[1] && !numbers.contains(&0));
    assert!(store.standing(&bob()).unwrap().is_some());
    assert_eq!(mails(&store, &bob()).await, [whole(&bytes(100, 1))]);
    store.close();
    let store = open(dir.path());
    let again: Vec<u64> = store.accounts().await.unwrap().iter().map(|account| account.id).collect();
    assert_eq!(again, numbers);
    store.close();
    assert!(dir.path().join("store.redb.format-4").exists());
}

/// Ids of the decisions, of one mail or of all.
async fn decided(store: &Store, mail: Option<MailId>) -> Vec<u64> {
    let search = DecisionSearch { mail, ..DecisionSearch::default() };
    let found = store.decisions_newest(search, 100).await.unwrap();
    found.decisions.iter().map(|decision| decision.id).collect()
}

#[tokio::test]
async fn a_store_of_format_2_keeps_everything_and_finds_later_decisions_by_mail() {
    let dir = tempfile::tempdir().unwrap();
    of_format_2(dir.path()).await;

    let store = open(dir.path());
    assert_sound(&store).await;
    assert_eq!(mails(&store, &bob()).await, [whole(&bytes(200_000, 1))]);
    let waiting = store.outbox_page(None, 10).await.unwrap();
    assert_eq!(
        waiting.iter().map(|entry| (entry.id, entry.account.clone())).collect::<Vec<_>>(),
        [(id(7), alice())]
    );
    // Those of before are there, and what was not written down of them is not made up.
    assert_eq!(decided(&store, None).await, [2, 1]);
    assert!(decided(&store, Some(id(7))).await.is_empty());
    let last = store
        .append_decision("policy", component(1), &alice(), Some(id(7)), Bytes::from_static(b"later"))
        .unwrap();
    assert_eq!(last, 3);
    eventually("the decision", async || decided(&store, Some(id(7))).await == [3]).await;
    assert_eq!(decided(&store, None).await, [3, 2, 1]);
    store.close();

    // The copy is what the older program left: it would go on from it.
    let copy = dir.path().join("store.redb.format-2");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let database = Database::open(&copy).unwrap();
    let copied = database.begin_read().unwrap();
    assert_eq!(copied.open_table(SYSTEM).unwrap().get("format").unwrap().unwrap().value(), 2);
    assert!(matches!(copied.open_table(MAIL_DECISIONS), Err(TableError::TableDoesNotExist(_))));
    assert_eq!(copied.open_table(DECISIONS).unwrap().len().unwrap(), 2);
    drop((copied, database));
    // It is done once, and what came after it stays.
    std::fs::remove_file(&copy).unwrap();
    let store = open(dir.path());
    assert_eq!(decided(&store, Some(id(7))).await, [3]);
    store.close();
    assert!(!copy.exists());
}

#[tokio::test]
async fn decisions_of_format_2_are_dropped_when_they_are_old() {
    let dir = tempfile::tempdir().unwrap();
    of_format_2(dir.path()).await;
    let clock = common::clock();
    clock.advance(Duration::from_secs(7200));
    let options = OpenOptions {
        decisions_age: Duration::from_secs(3600),
        ..OpenOptions::new(std::sync::Arc::new(clock))
    };
    let store = Store::open(dir.path(), options).unwrap();
    store
        .append_decision("policy", component(1), &alice(), Some(id(7)), Bytes::from_static(b"later"))
        .unwrap();
    eventually("the old ones to be dropped", async || decided(&store, None).await == [3]).await;
    assert_eq!(store.decisions_since("policy", Wall(0), 0, 10).await.unwrap().len(), 1);
    assert_sound(&store).await;
}
