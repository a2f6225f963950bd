use clap::Parser as _;
use serde_json::json;

use super::*;
use crate::cli::args::{Cli, Command};

const ID: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
const MAIL: &str = "00112233445566778899aabbccddeeff";
const TIME: &str = "2023-11-14T22:13:20Z";

fn key() -> &'static str {
    &ID[..64]
}

fn print(line: &str, answer: Value) -> String {
    let words = std::iter::once("toxmail").chain(line.split_whitespace());
    let Command::Verb(verb) = Cli::try_parse_from(words).unwrap().command else { panic!("{line}") };
    to_text(&verb, answer).unwrap()
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
        "failures": 1, "last_failure": "ran too long", "previous": null,
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
        }),
    );
    for part in [
        "account  anna\n",
        "Tox      online, through Tox TCP relays\n",
        "outbox   2 mails wait\n",
        "toxmail contact requests",
        "carol    carol@tox  yes\n",
        "policy  policy  default    abababababababab  failing  3      1       ran too long\n",
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
            format!("{MAIL}  in   x@tox  anna@tox  10 B  odd\n"),
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
    assert!(print("component add mine.wasm", added).contains("toxmail slot use mail-filter mine\n"));
}

#[test]
fn an_answer_of_another_kind_is_an_error() {
    assert!(to_text(&Verb::Status, json!({})).is_err());
    assert!(to_text(&Verb::Outbox(Outbox::List), json!({ "a": 1 })).is_err());
}

#[test]
fn sizes_are_short() {
    for (bytes, text) in
        [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_999, "999.9 kB"), (50_000_000, "50.0 MB")]
    {
        assert_eq!(size(bytes), text);
    }
}
