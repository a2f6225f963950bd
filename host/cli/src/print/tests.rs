use clap::Parser as _;
use serde_json::{Value, json};

use super::*;
use crate::args::{Cli, Command};
use crate::errand::Errands;

const ID: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
const MAIL: &str = "00112233445566778899aabbccddeeff";
const TIME: &str = "2023-11-14T22:13:20Z";

fn key() -> &'static str {
    &ID[..64]
}

fn read(line: &str, answer: Value) -> Result<String, serde_json::Error> {
    let words = std::iter::once("toxmail").chain(line.split_whitespace());
    let Command::Verb(verb) = Cli::try_parse_from(words).unwrap().command else { panic!("{line}") };
    let errand = Errands { account: None, make: |bytes| Ok(bytes.to_vec()) }.of(&verb).unwrap();
    (errand.to_text)(answer)
}

fn print(line: &str, answer: Value) -> String {
    read(line, answer).unwrap()
}

#[test]
fn tokens_are_counted_by_where_they_are() {
    let supply = |own, own_resting, from_contacts, with_contacts| {
        let (own_gone, from_contacts_gone) = (9, 9);
        dto::TokenSupply { own, own_resting, own_gone, from_contacts, from_contacts_gone, with_contacts }
    };
    assert_eq!(tokens(&supply(200, 56, 8, 16)), "200 own, 56 resting, 8 from contacts, 16 with contacts");
    assert_eq!(tokens(&supply(0, 0, 8, 0)), "8 from contacts");
    assert_eq!(tokens(&supply(0, 0, 0, 0)), "");
}

fn slot() -> Value {
    json!({
        "slot": "policy", "position": 0, "entry": "policy", "name": "default", "sha256": "ab".repeat(32), "health": "failing", "calls": 3,
        "failures": 1, "last_failure": "ran too long", "previous": null, "not_asked": 4,
        "fallback": { "name": "mine", "sha256": "cd".repeat(32), "why": "it trapped\u{1b}[31m", "time": TIME },
    })
}

fn contact(state: &str) -> Value {
    json!({
        "alias": "carol", "address": "carol@tox", "key": key(), "tox_id": ID, "addresses": [], "state": state,
        "online": false, "since": TIME,
    })
}

fn outbox_entry() -> Value {
    json!({
        "id": MAIL, "sender": null, "recipient": "carol@tox", "key": key(), "account": null, "size": 1234567,
        "created": TIME, "expires": TIME, "attempts": 2, "next_attempt": null,
        "last_problem": { "status": "4.4.1", "text": "offline" }, "delay_reported": false,
    })
}

#[test]
fn the_status_says_what_there_is_to_do() {
    let text = print(
        "status",
        json!({
            "version": "0.1.0", "account": "anna", "tox": { "online": true, "connection": "tcp", "nodes": 1 },
            "contacts": [{ "alias": "carol", "address": "carol@tox", "online": true }], "outbox": { "queued": 2 },
            "attention": { "contact_requests": 1, "quarantined": 0, "changed_pins": 0 }, "slots": [slot()],
            "unreadable": { "rows": 3, "first": [{ "table": "pins", "key": "x@y of anna", "why": "it is cut short" }] },
        }),
    );
    for part in [
        "account  anna\n",
        "Tox      online, through Tox TCP relays\n",
        "outbox   2 mails wait\n",
        "toxmail contact requests",
        "3 rows of the store cannot be read",
        "pins: x@y of anna (it is cut short)\n",
        "and 2 more\n",
        "carol    carol@tox  yes\n",
        "policy  policy  default    abababababababab  failing  3      1       4         ran too long\n",
        "mine failed in policy, entry policy: it trapped\u{fffd}[31m\n",
        "toxmail slot seen policy --entry policy",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("quarantine"), "{text}");
}

#[test]
fn lists_are_tables() {
    for (line, answer, part) in [
        (
            "contact list",
            json!([contact("requested")]),
            format!("carol    carol@tox  asked  no      {}\n", key()),
        ),
        (
            "contact requests",
            json!([{ "key": key(), "received": TIME, "message": "hi\u{1b}[2J" }]),
            format!("{}  {TIME}  hi\u{fffd}[2J\n", key()),
        ),
        (
            "outbox list",
            json!([outbox_entry()]),
            format!("{MAIL}  carol@tox  1.2 MB  2      now       offline\n"),
        ),
        (
            "quarantine list",
            json!([{
                "id": MAIL, "direction": "incoming", "sender": "x@tox", "recipient": "anna@tox", "key": null, "size": 10,
                "received": TIME, "reason": "odd",
            }]),
            format!("{MAIL}  in   x@tox  anna@tox  10 B  -        odd\n"),
        ),
        (
            "account list",
            json!([{ "name": "anna", "owner": true, "tox_id": ID, "addresses": [], "created": TIME, "enabled": true }]),
            format!("anna     yes    {ID}\n"),
        ),
        (
            "component list",
            json!([{
                "name": "default", "sha256": "ab".repeat(32), "size": 13000, "slots": ["policy"], "built_in": true,
                "added": null,
            }]),
            format!("default    policy  13.0 kB  built in  {}\n", "ab".repeat(32)),
        ),
        ("slot list", json!([slot()]), "policy".to_owned()),
        (
            "pin list",
            json!([{ "address": "d@example.org", "key": key(), "first_seen": TIME, "changed_to": ID }]),
            "toxmail pin accept NAME".to_owned(),
        ),
        (
            "pin list",
            json!([{ "address": "d@example.org", "key": null, "first_seen": null, "changed_to": null }]),
            "can no longer be read  not known: write to it once".to_owned(),
        ),
    ] {
        let text = print(line, answer);
        assert!(text.contains(&part), "{part} is not in:\n{text}");
        let empty = print(line, json!([]));
        assert_eq!(empty.lines().count(), 1, "{empty}");
    }
}

#[test]
fn what_was_done_is_said() {
    let id = json!({ "account": "anna", "tox_id": ID, "addresses": ["anna@tox", "anna@example.org"] });
    assert_eq!(print("id", id), format!("Tox ID   {ID}\naddress  anna@tox\naddress  anna@example.org\n"));
    let told = |claim: &str| json!({ "address": "c@example.org", "claim": claim });
    let names = print("contact names carol", json!([told("counts"), told("unconfirmed"), told("foreign")]));
    for shown in ["c@example.org", "yes", "toxmail contact confirm", "somebody else"] {
        assert!(names.contains(shown), "{names}");
    }
    assert_eq!(print("contact confirm carol c@example.org", told("counts")), "c@example.org is carol's\n");
    assert!(print("contact add carol c@d", contact("requested")).contains("waits until they accept"));
    assert!(print("contact add carol c@d", contact("confirmed")).contains("write to carol@tox"));
    assert!(print(&format!("contact accept {}", key()), contact("confirmed")).contains("carol@tox"));
    assert!(print("contact remove carol", json!({})).contains("carol"));
    for verb in ["outbox retry", "outbox cancel", "quarantine release", "quarantine delete"] {
        assert!(print(&format!("{verb} {MAIL}"), json!({})).contains(MAIL));
    }
    assert!(print(&format!("outbox show {MAIL}"), outbox_entry()).contains("problem  4.4.1 offline\n"));
    let made = json!({ "account": "dora", "tox_id": ID, "password": "generated!" });
    assert_eq!(
        print("account add dora", made),
        format!("account  dora\npassword generated!\nTox ID   {ID}\n")
    );
    let chosen = json!({ "account": "dora", "tox_id": null });
    assert!(print("account password dora", chosen).contains("as chosen"));
    let pin = json!({ "address": "d@example.org", "key": key(), "first_seen": TIME, "changed_to": null });
    assert_eq!(print("pin accept d@example.org", pin), format!("d@example.org now means {}\n", key()));
    let added = json!({
        "name": "mine", "sha256": "ab".repeat(32), "size": 5, "slots": ["mail-filter"], "built_in": false, "added": TIME,
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.wasm");
    std::fs::write(&file, b"").unwrap();
    assert!(
        print(&format!("component add {}", file.display()), added)
            .contains("toxmail slot use mail-filter mine\n")
    );
}

#[test]
fn an_answer_of_another_kind_is_an_error() {
    assert!(read("status", json!({})).is_err());
    assert!(read("outbox list", json!({ "a": 1 })).is_err());
}

#[test]
fn sizes_are_short() {
    for (bytes, text) in
        [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_999, "999.9 kB"), (50_000_000, "50.0 MB")]
    {
        assert_eq!(size(bytes), text);
    }
}
