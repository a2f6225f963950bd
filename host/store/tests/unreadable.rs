//! Rows that cannot be read: each kind, one by one, damaged in each way. Nothing else stops working.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use bytes::Bytes;
use common::*;
use mail::record::{Contact, ContactState, FriendRequest, Outcome, Pin, QuarantineEntry, SetAside};
use mail::storage::{Outbox as _, People as _, Quarantine as _, Reception as _, StorageError};
use mail::{PublicKey, Wall};
use redb::{Database, Key, ReadableTable, TableDefinition};
use store::{DecisionSearch, NewMail, STORE_FILE, Store, UnreadableRow};

type Bytes_ = &'static [u8];

const ACCOUNTS: TableDefinition<'_, &str, Bytes_> = TableDefinition::new("accounts");
const CONTACTS: TableDefinition<'_, (&str, [u8; 32]), Bytes_> = TableDefinition::new("contacts");
const REQUESTS: TableDefinition<'_, (&str, [u8; 32]), Bytes_> = TableDefinition::new("friend_requests");
const PINS: TableDefinition<'_, (&str, &str), Bytes_> = TableDefinition::new("pins");
const OUTBOX: TableDefinition<'_, [u8; 16], Bytes_> = TableDefinition::new("outbox");
const MAILS: TableDefinition<'_, (&str, u64), Bytes_> = TableDefinition::new("mails");
const QUARANTINE: TableDefinition<'_, (&str, u64), Bytes_> = TableDefinition::new("quarantine");
const ARRIVALS: TableDefinition<'_, ([u8; 32], &str, [u8; 16]), Bytes_> = TableDefinition::new("arrivals");
const PARTIALS: TableDefinition<'_, ([u8; 32], &str, [u8; 16]), Bytes_> = TableDefinition::new("partials");
const OUTCOMES: TableDefinition<'_, (&str, u64), Bytes_> = TableDefinition::new("outcomes");
const DECISIONS: TableDefinition<'_, u64, (u64, &str, &str, Bytes_)> = TableDefinition::new("decisions");
const STAGED: TableDefinition<'_, u64, ()> = TableDefinition::new("staged");
const BODIES: TableDefinition<'_, u64, (u64, u32)> = TableDefinition::new("bodies");

/// A table whose values are records, and how its first row is damaged.
type Damage = fn(&redb::WriteTransaction, &dyn Fn(&[u8]) -> Vec<u8>);

fn damage_first<K: Key + 'static>(
    transaction: &redb::WriteTransaction,
    definition: TableDefinition<'_, K, Bytes_>,
    damaged: &dyn Fn(&[u8]) -> Vec<u8>,
) {
    let mut table = transaction.open_table(definition).unwrap();
    let (key, bytes) = {
        let (key, bytes) = table.first().unwrap().unwrap();
        (K::as_bytes(&key.value()).as_ref().to_vec(), damaged(bytes.value()))
    };
    table.insert(K::from_bytes(&key), bytes.as_slice()).unwrap();
}

const TABLES: [(&str, Damage); 10] = [
    ("accounts", |transaction, damaged| damage_first(transaction, ACCOUNTS, damaged)),
    ("contacts", |transaction, damaged| damage_first(transaction, CONTACTS, damaged)),
    ("friend_requests", |transaction, damaged| damage_first(transaction, REQUESTS, damaged)),
    ("pins", |transaction, damaged| damage_first(transaction, PINS, damaged)),
    ("outbox", |transaction, damaged| damage_first(transaction, OUTBOX, damaged)),
    ("mails", |transaction, damaged| damage_first(transaction, MAILS, damaged)),
    ("quarantine", |transaction, damaged| damage_first(transaction, QUARANTINE, damaged)),
    ("arrivals", |transaction, damaged| damage_first(transaction, ARRIVALS, damaged)),
    ("partials", |transaction, damaged| damage_first(transaction, PARTIALS, damaged)),
    ("outcomes", |transaction, damaged| damage_first(transaction, OUTCOMES, damaged)),
];

/// What becomes of the bytes of a record.
type Way = fn(&[u8]) -> Vec<u8>;

/// The ways to damage a record.
const WAYS: [(&str, Way); 4] = [
    ("empty", |_| Vec::new()),
    ("of a later version", |bytes| [&[9], &bytes[1..]].concat()),
    ("cut short", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("with something behind it", |bytes| [bytes, &[0]].concat()),
];

fn change(dir: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(dir.join(STORE_FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

fn contact(alias: &str, number: u8) -> Contact {
    Contact {
        alias: alias.parse().unwrap(),
        key: key(number),
        tox_id: None,
        addresses: vec![address("x@example.org")],
        state: ContactState::Confirmed,
        since: Wall(3),
    }
}

fn request(number: u8) -> FriendRequest {
    FriendRequest { key: key(number), message: "hello".to_owned(), received: Wall(4) }
}

fn pin(name: &str) -> Pin {
    Pin { address: address(name), key: key(1), first_seen: Wall(1), changed_to: Some(tox_id(2)) }
}

async fn delivered(store: &Store, quarantine: Option<&str>) {
    let body = stage(store, &bytes(100, 1)).await.unwrap();
    let quarantine = quarantine.map(|reason| SetAside::quarantined(reason.to_owned()));
    let mail = NewMail { quarantine, ..mail(alice(), body.id, body.size) };
    store.deliver_own(mail, body).await.unwrap();
}

/// Two rows of everything.
async fn filled(dir: &Path) {
    let store = with_accounts(dir).await;
    for number in [1, 2] {
        store.put_contact(&alice(), contact(&format!("friend{number}"), number)).await.unwrap();
        store.put_friend_request(&alice(), request(number + 2)).await.unwrap();
        store.put_pin(&alice(), pin(&format!("p{number}@example.org"))).await.unwrap();
        delivered(&store, None).await;
        delivered(&store, Some("odd")).await;
        let body = stage(&store, &bytes(100, 2)).await.unwrap();
        let entries = vec![entry(id(number), body), entry(id(number + 10), body)];
        store.enqueue(body, entries, Vec::new()).await.unwrap();
        store.finish_outbox(id(number + 10), Outcome::Delivered, Vec::new()).await.unwrap();
        store.finish_partial(&arrival_key(number), None, arrival()).await.unwrap();
        store.begin_partial(&arrival_key(number + 10), partial(1000)).await.unwrap();
        store.append_partial(&arrival_key(number + 10), 0, bytes(500, 3)).await.unwrap();
        store.append_decision("policy", component(1), &alice(), None, Bytes::from_static(b"{}")).unwrap();
    }
    store.flush().await.unwrap();
    assert_sound(&store).await;
    store.close();
}

/// How many rows of everything are found.
async fn found(store: &Store) -> [(&'static str, usize); 10] {
    let mut arrivals = 0;
    for number in [1, 2] {
        arrivals += usize::from(matches!(store.arrival(&arrival_key(number)).await, Ok(Some(_))));
    }
    let mut partials = 0;
    for number in [11, 12] {
        partials += usize::from(store.partial(&arrival_key(number)).await.unwrap().is_some());
    }
    [
        (
            "accounts",
            store.accounts().await.unwrap().iter().filter(|account| account.created > Wall(0)).count(),
        ),
        ("contacts", store.contacts(&alice()).await.unwrap().len()),
        ("friend_requests", store.friend_requests(&alice()).await.unwrap().len()),
        ("pins", store.pins(&alice()).await.unwrap().len()),
        // A page that is full although a row before is not there.
        ("outbox", store.outbox_page(None, 2).await.unwrap().len()),
        ("mails", store.mailbox_newest(&alice(), None, 2).await.unwrap().len()),
        ("quarantine", store.quarantine_page(&alice(), None, 2).await.unwrap().len()),
        ("arrivals", arrivals),
        ("partials", partials),
        ("outcomes", store.recent_outcomes(&alice(), 2).await.unwrap().len()),
    ]
}

/// Whether all that a gateway does with a store works.
async fn assert_works(store: &Store, what: &str) {
    let accounts: Vec<_> = store.accounts().await.unwrap().into_iter().map(|a| (a.name, a.owner)).collect();
    assert_eq!(accounts, [(alice(), true), (bob(), false)], "{what}");
    assert_eq!(store.account(&alice()).await.unwrap().map(|a| a.owner), Some(true), "{what}");
    for number in [1, 3] {
        store.put_contact(&alice(), contact(&format!("friend{number}"), number)).await.unwrap();
    }
    store.put_friend_request(&alice(), request(7)).await.unwrap();
    store.put_pin(&alice(), pin("p1@example.org")).await.unwrap();
    delivered(store, None).await;
    delivered(store, Some("odd")).await;
    // POP3 reads every mail whose prefix can be read.
    assert_eq!(store.mailbox_list(&alice()).await.unwrap().len(), 3, "{what}");
    let body = stage(store, &bytes(100, 2)).await.unwrap();
    store.enqueue(body, vec![entry(id(50), body)], Vec::new()).await.unwrap();
    store.finish_outbox(id(50), Outcome::Delivered, Vec::new()).await.unwrap();
    // A mail that comes again under the key of what cannot be read.
    store.begin_partial(&arrival_key(11), partial(600)).await.unwrap();
    store.append_partial(&arrival_key(11), 0, bytes(600, 3)).await.unwrap();
    store.settle_partial(&arrival_key(11)).await.unwrap();
    let taken = store.partial(&arrival_key(11)).await.unwrap().unwrap();
    let new = mail(bob(), taken.body, 600);
    store.finish_partial(&arrival_key(11), Some(new), arrival()).await.unwrap();
    store.sweep(Wall(5000), Wall(0)).await.unwrap();
    store.flush().await.unwrap();
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_set_aside_and_everything_else_works() {
    let template = tempfile::tempdir().unwrap();
    filled(template.path()).await;
    for (table, damage) in TABLES {
        for (way, damaged) in WAYS {
            let what = format!("{table} {way}");
            let dir = tempfile::tempdir().unwrap();
            std::fs::copy(template.path().join(STORE_FILE), dir.path().join(STORE_FILE)).unwrap();
            change(dir.path(), |transaction| damage(transaction, &damaged));
            let store = open(dir.path());

            // It is told, once, and nothing is wrong beside it.
            let rows = store.look_for_unreadable().await.unwrap();
            assert_eq!(rows.iter().map(|row| row.table.as_str()).collect::<Vec<_>>(), [table], "{what}");
            assert!(!rows[0].key.is_empty() && !rows[0].why.is_empty(), "{what}");
            assert_eq!(store.unreadable().unwrap(), rows, "{what}");
            let report = store.verify().await.unwrap();
            assert_eq!((report.problems, report.unreadable), (Vec::new(), rows.clone()), "{what}");
            for (other, rows) in found(&store).await {
                assert_eq!(rows, if other == table { 1 } else { 2 }, "{what}: {other}");
            }

            // A copy has it too.
            let copy = tempfile::tempdir().unwrap();
            store.snapshot(copy.path().join(STORE_FILE), |_| true).await.unwrap();
            let copied = open(copy.path());
            assert_eq!(copied.look_for_unreadable().await.unwrap(), rows, "{what}");

            assert_works(&store, &what).await;
            assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new(), "{what}");
            store.close();
            // And again after a restart.
            let store = open(dir.path());
            assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new(), "{what}");
            store.remove_account(&bob()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_row_that_is_replaced_is_told_no_longer() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    change(dir.path(), |transaction| damage_first(transaction, CONTACTS, &|_| vec![1]));
    let store = open(dir.path());
    assert_eq!(store.contacts(&alice()).await.unwrap().len(), 1);
    let told = UnreadableRow {
        table: "contacts".to_owned(),
        key: format!("{} of alice", PublicKey([1; 32])),
        why: "it is cut short".to_owned(),
    };
    assert_eq!(store.unreadable().unwrap(), [told]);
    // Under another name: the one before is free.
    store.put_contact(&alice(), contact("renamed", 1)).await.unwrap();
    store.put_contact(&alice(), contact("friend1", 9)).await.unwrap();
    assert_eq!(store.unreadable().unwrap(), []);
    store.remove_contact(&alice(), key(9)).await.unwrap();
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_name_whose_pin_cannot_be_read_is_named_until_it_is_pinned_anew() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    change(dir.path(), |transaction| damage_first(transaction, PINS, &|_| vec![9]));
    let store = open(dir.path());
    assert_eq!(store.unreadable_pins(&alice()).await.unwrap(), [address("p1@example.org")]);
    assert_eq!(store.unreadable_pins(&bob()).await.unwrap(), []);
    store.put_pin(&alice(), pin("p1@example.org")).await.unwrap();
    assert_eq!(store.unreadable_pins(&alice()).await.unwrap(), []);
    assert_eq!(store.pins(&alice()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_account_whose_record_cannot_be_read_is_removed_whole() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    change(dir.path(), |transaction| {
        let mut accounts = transaction.open_table(ACCOUNTS).unwrap();
        accounts.insert("bob", [1].as_slice()).unwrap();
    });
    let store = open(dir.path());
    assert_eq!(store.credential(&bob()).await.unwrap().as_deref(), Some("hash"));
    assert_eq!(store.mailbox_list(&bob()).await.unwrap(), []);
    store.remove_account(&bob()).await.unwrap();
    assert_eq!(store.account(&bob()).await.unwrap(), None);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_gateway_has_one_owner_whatever_its_accounts_say() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    change(dir.path(), |transaction| {
        let mut accounts = transaction.open_table(ACCOUNTS).unwrap();
        for name in ["alice", "bob"] {
            accounts.insert(name, [].as_slice()).unwrap();
        }
    });
    let store = open(dir.path());
    let owners = store.accounts().await.unwrap().into_iter().filter(|account| account.owner).count();
    assert_eq!(owners, 1);
    let second = store.create_account(account("carol".parse().unwrap(), true), None, "x".to_owned()).await;
    assert_eq!(second, Err(StorageError::Exists("owner".to_owned())));
}

#[tokio::test]
async fn decisions_of_an_account_that_is_none_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    change(dir.path(), |transaction| {
        let mut decisions = transaction.open_table(DECISIONS).unwrap();
        decisions.insert(1, (1, "policy", "no account!", b"{}".as_slice())).unwrap();
    });
    let store = open(dir.path());
    let all = store.decisions_newest(DecisionSearch::default(), 10).await.unwrap();
    assert_eq!(all.decisions.iter().map(|decision| decision.id).collect::<Vec<_>>(), [2]);
    assert_eq!(store.decisions_since("policy", Wall(0), 0, 10).await.unwrap().len(), 1);
    let rows = store.unreadable().unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.table.as_str(), row.key.as_str())).collect::<Vec<_>>(),
        [("decisions", "1")]
    );
    assert_eq!(store.look_for_unreadable().await.unwrap(), rows);
}

#[tokio::test]
async fn a_body_that_is_missing_keeps_neither_the_start_nor_the_deletion_of_its_mail() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    change(dir.path(), |transaction| {
        transaction.open_table(STAGED).unwrap().insert(5000, ()).unwrap();
        transaction.open_table(BODIES).unwrap().retain(|_, _| false).unwrap();
    });
    let store = open(dir.path());
    let number = store.mailbox_list(&alice()).await.unwrap()[0].number;
    assert_eq!(store.mailbox_delete(&alice(), vec![number]).await.unwrap(), 1);
    store.finish_outbox(id(1), Outcome::Cancelled, Vec::new()).await.unwrap();
    let uidl = store.quarantine(&alice()).await.unwrap()[0].mail.uidl;
    store.delete_quarantined(&alice(), uidl).await.unwrap();
    delivered(&store, None).await;
}

/// As programs before wrote them: addresses that are none by their own text.
#[tokio::test]
async fn records_with_an_address_of_before_are_read_without_it() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let grown = format!("x@{}.org", "i\u{307}".repeat(31));
    let with_grown = |bytes: &[u8], shorter: &str| {
        // A text is its length, which fits one byte, then its bytes.
        let old = [&[shorter.len() as u8], shorter.as_bytes()].concat();
        let new = [&[grown.len() as u8], grown.as_bytes()].concat();
        let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
        [&bytes[..at], &new, &bytes[at + old.len()..]].concat()
    };
    assert!(grown.parse::<mail::Address>().is_err() && grown.len() < 128);
    change(dir.path(), |transaction| {
        damage_first(transaction, CONTACTS, &|bytes| with_grown(bytes, "x@example.org"));
        damage_first(transaction, MAILS, &|bytes| with_grown(bytes, "alice@tox"));
        damage_first(transaction, OUTBOX, &|bytes| with_grown(bytes, "alice@tox"));
        damage_first(transaction, QUARANTINE, &|bytes| with_grown(bytes, "alice@tox"));
    });
    let store = open(dir.path());
    assert_sound(&store).await;
    let contacts = store.contacts(&alice()).await.unwrap();
    assert_eq!(contacts.iter().map(|contact| contact.addresses.len()).collect::<Vec<_>>(), [0, 1]);
    let paths = |mails: Vec<mail::Envelope>| -> Vec<String> {
        mails.iter().map(|envelope| envelope.reverse_path.to_string()).collect()
    };
    let mails = store.mailbox_newest(&alice(), None, 9).await.unwrap();
    assert_eq!(paths(mails.into_iter().map(|mail| mail.envelope).collect()), ["<alice@tox>", "<>"]);
    let waiting = store.outbox_page(None, 9).await.unwrap();
    assert_eq!(paths(waiting.into_iter().map(|entry| entry.envelope).collect()), ["<>", "<alice@tox>"]);
    let held: Vec<QuarantineEntry> = store.quarantine(&alice()).await.unwrap();
    assert_eq!(paths(held.into_iter().map(|entry| entry.mail.envelope).collect()), ["<>", "<alice@tox>"]);
}
