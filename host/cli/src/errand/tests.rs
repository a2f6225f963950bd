use clap::Parser as _;
use hyper::body::Bytes;
use serde_json::{Value, json};

use api::limits::{COMPONENT_BYTES, COMPONENT_TIME};

use super::*;
use crate::args::{Cli, Command};

const KEY: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855";
const MAIL: &str = "00112233445566778899aabbccddeeff";

fn request_of(line: &str) -> Result<Request, ClientError> {
    let words = std::iter::once("toxmail").chain(line.split_whitespace());
    let cli = Cli::try_parse_from(words).unwrap();
    let Command::Verb(verb) = cli.command else { panic!("{line}") };
    let make: ToComponent = |bytes| Ok(bytes.to_vec());
    Errands { account: cli.common.account.as_ref(), make }.of(&verb).map(|errand| errand.request)
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
        ("contact names bob", "GET /contacts/bob/names".to_owned(), Value::Null),
        (
            "contact confirm bob b@example.org",
            "POST /contacts/bob/names".to_owned(),
            json!({ "address": "b@example.org" }),
        ),
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
        ("component state", "GET /component-state".to_owned(), Value::Null),
        (
            "component clear-state policy/a-b/mine",
            "DELETE /component-state/policy%2Fa-b%2Fmine".to_owned(),
            Value::Null,
        ),
        ("slot list", "GET /slots".to_owned(), Value::Null),
        (
            "slot use mail-filter Mine",
            "POST /slots/mail-filter/use".to_owned(),
            json!({ "component": "mine" }),
        ),
        ("slot rollback policy", "POST /slots/policy/rollback".to_owned(), Value::Null),
        ("slot seen policy", "POST /slots/policy/seen".to_owned(), Value::Null),
        (
            "slot seen mail-filter --entry tags",
            "POST /slots/mail-filter/seen".to_owned(),
            json!({ "entry": "tags" }),
        ),
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
        let request = request_of(line).unwrap();
        let expected = expected.replacen(' ', " /api/v1", 1);
        assert_eq!(format!("{} {}", request.method, request.target), expected, "{line}");
        let got = request.body.map_or(Value::Null, |(content_type, bytes)| {
            assert_eq!(content_type, "application/json");
            serde_json::from_slice(&bytes).unwrap()
        });
        assert_eq!(got, body, "{line}");
    }
}

#[test]
fn an_account_is_named_where_a_verb_is_about_one() {
    for (line, target) in [
        ("outbox list --account bob", "/api/v1/outbox?account=bob"),
        (
            "component clear-state policy/a/b --account bob",
            "/api/v1/component-state/policy%2Fa%2Fb?account=bob",
        ),
        // These are about the gateway, and their endpoints take no account.
        ("relay list --account bob", "/api/v1/relays"),
        ("slot settings policy --entry x --account bob", "/api/v1/slots/policy/settings?entry=x"),
    ] {
        assert_eq!(request_of(line).unwrap().target, target, "{line}");
    }
}

#[test]
fn a_component_is_named_after_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("My-Filter.wasm");
    std::fs::write(&file, b"\0asm").unwrap();
    let request = request_of(&format!("component add {}", file.display())).unwrap();
    assert_eq!(request.target, "/api/v1/components?name=my-filter");
    assert_eq!(request.body, Some(("application/wasm", Bytes::from_static(b"\0asm"))));
    assert!(request.time > COMPONENT_TIME);
    let request = request_of(&format!("component add {} --name other", file.display())).unwrap();
    assert_eq!(request.target, "/api/v1/components?name=other");
    let signature = directory.path().join("sig");
    std::fs::write(&signature, "ab".repeat(64)).unwrap();
    let signed = format!("component add {} --signature {}", file.display(), signature.display());
    let target = request_of(&signed).unwrap().target;
    assert!(target.ends_with(&format!("&signature={}", "ab".repeat(64))), "{target}");
    std::fs::write(&signature, "what is this").unwrap();
    assert!(request_of(&signed).unwrap_err().to_string().contains("not an Ed25519 signature"));

    let missing = request_of(&format!("component add {}/none.wasm", directory.path().display())).unwrap_err();
    assert!(missing.to_string().contains("none.wasm"), "{missing}");
    let odd = directory.path().join("ä!.wasm");
    std::fs::write(&odd, b"").unwrap();
    let unnamed = request_of(&format!("component add {}", odd.display())).unwrap_err();
    assert!(unnamed.to_string().contains("--name"), "{unnamed}");
}

#[test]
fn a_file_that_is_no_component_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.wasm");
    std::fs::File::create(&file).unwrap().set_len(COMPONENT_BYTES as u64 + 1).unwrap();
    let error = request_of(&format!("component add {}", file.display())).unwrap_err();
    assert!(error.to_string().contains("larger than 64 MB"), "{error}");
}

#[test]
fn a_password_is_one_line() {
    let read = |text: &str| read_password(&mut text.as_bytes());
    assert_eq!(read("correct horse\n").unwrap().reveal(), "correct horse");
    assert_eq!(read("correct horse\r\nmore").unwrap().reveal(), "correct horse");
    assert_eq!(read("\u{feff}correct horse\n").unwrap().reveal(), "correct horse");
    assert_eq!(read(" blanks stay ").unwrap().reveal(), " blanks stay ");
    assert!(read(&format!("{}\r\n", "x".repeat(PASSWORD_BYTES))).is_ok());
    for wrong in [
        "",
        "\n",
        "short",
        &"x".repeat(PASSWORD_BYTES + 1),
        &"\u{e9}".repeat(PASSWORD_BYTES),
        &"x".repeat(100_000),
    ] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains("8 characters") && !error.contains("short"), "{error}");
    }
}
