use clap::Parser as _;
use serde_json::{Value, json};

use super::*;
use crate::cli::args::{Cli, Command};

const KEY: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855";
const MAIL: &str = "00112233445566778899aabbccddeeff";

fn call_of(line: &str) -> Result<Call, ClientError> {
    let words = std::iter::once("toxmail").chain(line.split_whitespace());
    match Cli::try_parse_from(words).unwrap().command {
        Command::Verb(verb) => Call::of(&verb),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_verb_is_a_request() {
    for (line, expected, body) in [
        ("status", "GET /status".to_owned(), Value::Null),
        ("id", "GET /identity".to_owned(), Value::Null),
        ("contact list", "GET /contacts".to_owned(), Value::Null),
        ("contact requests", "GET /contact-requests".to_owned(), Value::Null),
        (
            "contact add bob b@example.org --message hi",
            "POST /contacts".to_owned(),
            json!({ "alias": "bob", "address": "b@example.org", "message": "hi" }),
        ),
        (&format!("contact accept {KEY}"), format!("POST /contact-requests/{KEY}/accept"), json!({})),
        (
            &format!("contact accept {KEY} bob"),
            format!("POST /contact-requests/{KEY}/accept"),
            json!({ "alias": "bob" }),
        ),
        ("contact remove bob", "DELETE /contacts/bob".to_owned(), Value::Null),
        ("outbox list", "GET /outbox".to_owned(), Value::Null),
        (&format!("outbox show {MAIL}"), format!("GET /outbox/{MAIL}"), Value::Null),
        (&format!("outbox retry {MAIL}"), format!("POST /outbox/{MAIL}/retry"), Value::Null),
        (&format!("outbox cancel {MAIL}"), format!("POST /outbox/{MAIL}/cancel"), Value::Null),
        ("quarantine list", "GET /quarantine".to_owned(), Value::Null),
        (&format!("quarantine release {MAIL}"), format!("POST /quarantine/{MAIL}/release"), Value::Null),
        (&format!("quarantine delete {MAIL}"), format!("DELETE /quarantine/{MAIL}"), Value::Null),
        (&format!("mail spam {MAIL}"), format!("POST /mails/{MAIL}/spam"), Value::Null),
        (&format!("mail ham {MAIL}"), format!("POST /mails/{MAIL}/ham"), Value::Null),
        ("account list", "GET /accounts".to_owned(), Value::Null),
        ("account add dora", "POST /accounts".to_owned(), json!({ "name": "dora" })),
        ("account password dora", "PUT /accounts/dora/password".to_owned(), json!({})),
        ("component list", "GET /components".to_owned(), Value::Null),
        ("component remove mine", "DELETE /components/mine".to_owned(), Value::Null),
        ("slot list", "GET /slots".to_owned(), Value::Null),
        (
            "slot use mail-filter Mine",
            "POST /slots/mail-filter/use".to_owned(),
            json!({ "component": "mine" }),
        ),
        ("slot rollback policy", "POST /slots/policy/rollback".to_owned(), Value::Null),
        (
            "slot rollback mail-filter --entry tags",
            "POST /slots/mail-filter/rollback".to_owned(),
            json!({ "entry": "tags" }),
        ),
        (
            "slot use mail-filter mine --entry tags",
            "POST /slots/mail-filter/use".to_owned(),
            json!({ "component": "mine", "entry": "tags" }),
        ),
        ("slot order b a", "PUT /filters".to_owned(), json!({ "entries": ["b", "a"] })),
        ("slot remove tags", "DELETE /filters/tags".to_owned(), Value::Null),
        ("slot shadow policy", "GET /slots/policy/shadow".to_owned(), Value::Null),
        ("slot shadow policy --off", "DELETE /slots/policy/shadow".to_owned(), Value::Null),
        ("slot shadow policy mine", "PUT /slots/policy/shadow".to_owned(), json!({ "component": "mine" })),
        ("policy-set use /p/family.toml", "PUT /policy-set".to_owned(), json!({ "path": "/p/family.toml" })),
        ("pin list", "GET /pins".to_owned(), Value::Null),
        ("pin accept b+c@example.org", "POST /pins/b%2Bc%40example.org/accept".to_owned(), Value::Null),
    ] {
        let call = call_of(line).unwrap();
        assert_eq!(format!("{} {}", call.method, call.path), expected, "{line}");
        let got = call.body.map_or(Value::Null, |(content_type, bytes)| {
            assert_eq!(content_type, "application/json");
            serde_json::from_slice(&bytes).unwrap()
        });
        assert_eq!(got, body, "{line}");
    }
}

#[test]
fn a_component_is_named_after_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("My-Filter.wasm");
    std::fs::write(&file, b"\0asm").unwrap();
    let call = call_of(&format!("component add {}", file.display())).unwrap();
    assert_eq!(call.query, [("name", "my-filter".to_owned())]);
    assert_eq!(call.body, Some(("application/wasm", Bytes::from_static(b"\0asm"))));
    assert!(call.time > COMPONENT_TIME);
    let call = call_of(&format!("component add {} --name other", file.display())).unwrap();
    assert_eq!(call.query, [("name", "other".to_owned())]);
    let signature = directory.path().join("sig");
    std::fs::write(&signature, "ab".repeat(64)).unwrap();
    let signed = format!("component add {} --signature {}", file.display(), signature.display());
    assert_eq!(call_of(&signed).unwrap().query[1], ("signature", "ab".repeat(64)));
    std::fs::write(&signature, "what is this").unwrap();
    assert!(call_of(&signed).unwrap_err().to_string().contains("none of Ed25519"));

    let missing = call_of(&format!("component add {}/none.wasm", directory.path().display())).unwrap_err();
    assert!(missing.to_string().contains("none.wasm"), "{missing}");
    let odd = directory.path().join("ä!.wasm");
    std::fs::write(&odd, b"").unwrap();
    let unnamed = call_of(&format!("component add {}", odd.display())).unwrap_err();
    assert!(unnamed.to_string().contains("--name"), "{unnamed}");
}

#[test]
fn a_file_that_is_no_component_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.wasm");
    std::fs::File::create(&file).unwrap().set_len(COMPONENT_BYTES as u64 + 1).unwrap();
    let error = call_of(&format!("component add {}", file.display())).unwrap_err();
    assert!(error.to_string().contains("larger than 64 MB"), "{error}");
}

#[test]
fn a_password_is_one_line() {
    let read = |text: &str| read_password(&mut text.as_bytes());
    assert_eq!(read("correct horse\n").unwrap().reveal(), "correct horse");
    assert_eq!(read("correct horse\r\nmore").unwrap().reveal(), "correct horse");
    assert_eq!(read(" blanks stay ").unwrap().reveal(), " blanks stay ");
    assert!(read(&format!("{}\r\n", "x".repeat(256))).is_ok());
    for wrong in ["", "\n", "short", &"x".repeat(257), &"x".repeat(100_000)] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains("8 characters") && !error.contains("short"), "{error}");
    }
}
