//! A store in which rows cannot be read: the gateway starts, everything else works, and what is damaged is told.

use std::path::Path;
use std::process::Command;

use redb::{Database, Key, ReadableTable, TableDefinition};
use serde_json::Value;
use tests::gateway::program;
use tests::{Gateway, network, pop3, smtp, wait};

type Record = &'static [u8];

/// Damages all rows of a table: none of their versions is known then. Says how many there are.
type Damage = fn(&redb::WriteTransaction) -> usize;

fn damage<K: Key + 'static>(
    transaction: &redb::WriteTransaction,
    definition: TableDefinition<'_, K, Record>,
) -> usize {
    let mut table = transaction.open_table(definition).unwrap();
    let keys: Vec<Vec<u8>> =
        table.iter().unwrap().map(|row| K::as_bytes(&row.unwrap().0.value()).as_ref().to_vec()).collect();
    for key in &keys {
        table.insert(K::from_bytes(key), b"\xFFno record".as_slice()).unwrap();
    }
    keys.len()
}

/// What a gateway that was used a little has, by table: accounts, people, mail, settings, keys, and what it knows of boards.
const TABLES: [(&str, Damage); 8] = [
    ("accounts", |to| damage::<&str>(to, TableDefinition::new("accounts"))),
    ("contacts", |to| damage::<(&str, [u8; 32])>(to, TableDefinition::new("contacts"))),
    ("outbox", |to| damage::<[u8; 16]>(to, TableDefinition::new("outbox"))),
    ("mails", |to| damage::<(&str, u64)>(to, TableDefinition::new("mails"))),
    ("outcomes", |to| damage::<(&str, u64)>(to, TableDefinition::new("outcomes"))),
    ("tox_saved", |to| damage::<&str>(to, TableDefinition::new("tox_saved"))),
    ("documents", |to| damage::<(&str, &str, Record)>(to, TableDefinition::new("documents"))),
    ("settings", |to| damage::<&str>(to, TableDefinition::new("meta"))),
];

fn copy(from: &Path, to: &Path) {
    for name in ["store.redb", "password"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// A stopped gateway's directory with a row in each of the tables.
fn used() -> Gateway {
    let mut gateway = Gateway::start(network());
    let nobody = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
    let _ = gateway.json(&["contact", "add", "ben", nobody]);
    let own = b"Subject: own\r\n\r\nstays\r\n";
    gateway.submit(&gateway.address(), own);
    let _ = gateway.wait_for_mail(own);
    gateway.submit("ben@tox", b"Subject: waits\r\n\r\nfor ben\r\n");
    let board = "79".repeat(32);
    let _ = gateway.json(&["relay", "add", &board]);
    assert_eq!(gateway.stop().code(), Some(0));
    gateway
}

#[test]
fn a_gateway_starts_whatever_cannot_be_read_in_its_store() {
    let template = used();
    let mut cases: Vec<(&str, Vec<Damage>)> =
        TABLES.iter().map(|(table, damage)| (*table, vec![*damage])).collect();
    cases.push(("everything", TABLES.map(|(_, damage)| damage).to_vec()));
    for (table, damages) in cases {
        let directory = tempfile::tempdir().unwrap();
        copy(&template.path(""), directory.path());
        let database = Database::open(directory.path().join("store.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        let damaged: usize = damages.iter().map(|damage| damage(&transaction)).sum();
        transaction.commit().unwrap();
        drop(database);
        assert!(damaged > 0, "{table}: nothing is damaged");
        // Offline mail soon writes others in the place of its documents: those stand in the log alone.
        let is_told = table != "documents";

        let gateway = Gateway::start_from(directory, network().options());
        if is_told {
            let names = told(&gateway, table)["first"].to_string();
            assert!(names.contains(&format!("\"table\":\"{table}\"")) || table == "everything", "{names}");
        } else {
            wait::until("the log to name a document", || {
                gateway.log().contains("table=\"offline-").then_some(())
            });
        }
        assert!(gateway.log().contains("cannot be read"), "{}", gateway.log());

        // Mail comes in and goes out, and what was in the mailbox is there where it can be read.
        let mail = b"Subject: later\r\n\r\nas always\r\n";
        let mut session = smtp::Session::login(gateway.smtp(), "owner", &gateway.password());
        session.send("owner@tox", &["owner@tox"], mail).unwrap_or_else(|reply| panic!("{table}: {reply}"));
        wait::until(&format!("the mail beside {table}"), || has_mail(&gateway, mail).then_some(()));
        if !["mails", "everything"].contains(&table) {
            assert_eq!(gateway.mails().len(), 2, "{table}");
        }

        // A backup holds what cannot be read, too, and starts.
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("backup.tar");
        let made = gateway.run(&["backup", file.to_str().unwrap()]);
        assert!(made.status.success(), "{table}: {}", String::from_utf8_lossy(&made.stderr));
        let directory = tempfile::tempdir().unwrap();
        let restored = Command::new(program())
            .arg("restore")
            .arg(&file)
            .arg("--data")
            .arg(directory.path())
            .output()
            .unwrap();
        assert!(restored.status.success(), "{table}: {}", String::from_utf8_lossy(&restored.stderr));
        let restored = Gateway::start_from(directory, network().options());
        if is_told {
            let _ = told(&restored, table);
        }
    }
}

/// Whether a mail is in the mailbox. One that cannot be read is refused, and the session goes on.
fn has_mail(gateway: &Gateway, text: &[u8]) -> bool {
    let Ok(mut session) = pop3::Session::login(gateway.pop3(), "owner", &gateway.password()) else {
        return false;
    };
    (1..=session.count())
        .any(|number| session.command(&format!("RETR {number}")).is_ok() && session.lines().ends_with(text))
}

/// What the status says of unreadable rows, once it says something: not all are met before the start is over.
fn told(gateway: &Gateway, table: &str) -> Value {
    wait::until(&format!("{table} to be told"), || {
        let status = gateway.json(&["status"]);
        (status["unreadable"]["rows"].as_u64()? > 0).then(|| status["unreadable"].clone())
    })
}

/// Damages the store of a stopped gateway.
fn damaged(gateway: &Gateway, damage: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(gateway.path("store.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    damage(&transaction);
    transaction.commit().unwrap();
}

#[test]
fn a_mail_that_cannot_be_read_hides_no_other_and_can_be_deleted() {
    let mut gateway = Gateway::start(network());
    for number in 1..=3 {
        let mail = format!("Subject: {number}\r\n\r\nmail {number}\r\n");
        gateway.submit("owner@tox", mail.as_bytes());
        let _ = gateway.wait_for_mail(mail.as_bytes());
    }
    assert_eq!(gateway.stop().code(), Some(0));
    damaged(&gateway, |transaction| {
        let mut mails = transaction.open_table(TableDefinition::<(&str, u64), Record>::new("mails")).unwrap();
        let second = mails.iter().unwrap().nth(1).unwrap().unwrap().0.value().1;
        mails.insert(("owner", second), [].as_slice()).unwrap();
    });
    gateway.restart();
    let mut session = pop3::Session::login(gateway.pop3(), "owner", &gateway.password()).unwrap();
    assert_eq!(session.count(), 3);
    for command in ["RETR 2", "TOP 2 0"] {
        let refused = session.command(command).unwrap_err();
        assert!(refused.starts_with("-ERR [SYS/TEMP]"), "{command}: {refused}");
    }
    session.command("UIDL").unwrap();
    assert_eq!(String::from_utf8(session.lines()).unwrap().lines().count(), 3);
    assert!(session.retrieve(1).ends_with(b"mail 1\r\n") && session.retrieve(3).ends_with(b"mail 3\r\n"));
    session.command("DELE 2").unwrap();
    session.command("QUIT").unwrap();
    assert_eq!(gateway.mails().len(), 2);
    assert_eq!(gateway.json(&["status"])["unreadable"]["rows"], 0, "it is gone");
}

#[test]
fn a_chain_of_which_a_filter_cannot_be_read_fails_until_somebody_has_decided() {
    let mut gateway = Gateway::start(network());
    let filter = ["slot", "use", "mail-filter", "default-mail-filter", "--entry", "mine"];
    let _ = gateway.json(&filter);
    assert_eq!(gateway.stop().code(), Some(0));
    damaged(&gateway, |transaction| {
        let mut meta = transaction.open_table(TableDefinition::<&str, Record>::new("meta")).unwrap();
        let mut slots: Value = serde_json::from_slice(meta.get("slots").unwrap().unwrap().value()).unwrap();
        let entries = slots["entries"].as_array_mut().unwrap();
        let mine = entries.iter_mut().find(|entry| entry["entry"] == "mine").unwrap();
        mine["limits"] = "of a later version".into();
        meta.insert("slots", slots.to_string().as_bytes()).unwrap();
    });
    gateway.restart();
    let told = |gateway: &Gateway| gateway.json(&["status"])["faults"].to_string();
    assert!(told(&gateway).contains("the filter `mine` cannot be read"), "{}", told(&gateway));
    let mail = b"Subject: late\r\n\r\nnot unfiltered\r\n";
    let submit = |gateway: &Gateway| {
        let mut session = smtp::Session::login(gateway.smtp(), "owner", &gateway.password());
        session.send("owner@tox", &["owner@tox"], mail)
    };
    let refused = submit(&gateway).unwrap_err();
    assert!(refused.starts_with("451"), "{refused}");
    // A change of something else does not make it forgotten.
    let _ = gateway.json(&["slot", "use", "policy", "default-policy"]);
    gateway.kill();
    gateway.restart();
    assert!(told(&gateway).contains("`mine`"), "{}", told(&gateway));
    let _ = submit(&gateway).unwrap_err();
    let _ = gateway.json(&filter);
    submit(&gateway).unwrap();
    assert_eq!(told(&gateway), "[]");
}

#[test]
fn a_drop_relay_that_cannot_be_served_keeps_the_gateway_from_nothing() {
    let mut gateway = Gateway::start_with(network(), &["--serve-drops"]);
    let faults = |gateway: &Gateway| gateway.json(&["status"])["faults"].to_string();
    let served = |gateway: &Gateway| gateway.ready["relay_address"].as_str().map(str::to_owned);
    let address = served(&gateway).unwrap();
    let _ = gateway.json(&["relay", "invite"]);
    let works = |gateway: &Gateway, what: &str| {
        let mail = format!("Subject: x\r\n\r\nbeside {what}\r\n");
        gateway.submit("owner@tox", mail.as_bytes());
        let _ = gateway.wait_for_mail(mail.as_bytes());
        let place = tempfile::tempdir().unwrap();
        let made = gateway.run(&["backup", place.path().join("backup.tar").to_str().unwrap()]);
        assert!(made.status.success(), "{what}: {}", String::from_utf8_lossy(&made.stderr));
    };
    // Cells that make no sense: set aside, and the same board begins anew.
    let cells = gateway.path("drop-cells.redb");
    for (number, damage) in [(1, b"no database".to_vec()), (2, vec![0; 1 << 20])] {
        assert_eq!(gateway.stop().code(), Some(0));
        std::fs::write(&cells, &damage).unwrap();
        gateway.restart();
        assert_eq!(served(&gateway).as_ref(), Some(&address));
        let aside = format!("drop-cells.redb.damaged-{number}");
        assert_eq!(std::fs::read(gateway.path(&aside)).unwrap(), damage);
        assert!(faults(&gateway).contains(&aside), "{}", faults(&gateway));
        let _ = gateway.json(&["relay", "invite"]);
        works(&gateway, "cells");
    }
    gateway.kill();
    gateway.restart();
    assert_eq!((faults(&gateway).as_str(), served(&gateway)), ("[]", Some(address.clone())));
    assert_eq!(gateway.json(&["relay", "invitations"]).as_array().unwrap().len(), 1);

    // An identity that makes no sense: the board is off, its file stays.
    let identity = gateway.path("secrets/board-identity");
    let good = std::fs::read(&identity).unwrap();
    for damage in [&b""[..], b"no identity"] {
        assert_eq!(gateway.stop().code(), Some(0));
        std::fs::write(&identity, damage).unwrap();
        gateway.restart();
        assert_eq!(served(&gateway), None);
        assert!(faults(&gateway).contains("board-identity"), "{}", faults(&gateway));
        assert!(gateway.log().contains("the drop relay is off"), "{}", gateway.log());
        let invite = gateway.run(&["relay", "invite"]);
        assert!(String::from_utf8_lossy(&invite.stderr).contains("board-identity"), "it says why");
        works(&gateway, "identity");
        assert_eq!(std::fs::read(&identity).unwrap(), damage, "kept");
    }
    assert_eq!(gateway.stop().code(), Some(0));
    std::fs::write(&identity, good).unwrap();
    gateway.restart();
    assert_eq!((faults(&gateway).as_str(), served(&gateway)), ("[]", Some(address)));
}
