//! Every route: what it asks of the gateway, and the shape of its answer.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Api, request};
use crate::memory::{HOSTILE, OWNER_ID, STRANGER, mail_id};

const TIME: &str = "2023-11-14T22:13:20Z";

fn key() -> String {
    OWNER_ID[..64].to_owned()
}

fn contact(alias: &str) -> Value {
    json!({
        "alias": alias, "address": format!("{alias}@tox"), "key": key(), "tox_id": OWNER_ID,
        "addresses": ["c@example.org"], "state": "confirmed", "online": true, "since": TIME,
    })
}

fn outbox_entry(number: u8) -> Value {
    json!({
        "id": mail_id(number).to_string(), "sender": "anna@tox", "recipient": "carol@tox", "key": key(), "account": null,
        "size": 1000, "created": TIME, "expires": TIME, "attempts": 2, "next_attempt": TIME,
        "last_problem": { "status": "4.4.1", "text": "offline" }, "delay_reported": false,
        "copies": {
            "complete": 1, "enough": 2, "handed_over": null, "until": TIME, "answer_until": TIME, "reposts": 1,
            "note": format!("one is full {HOSTILE}"),
            "relays": [{
                "key": STRANGER, "receipts": 3, "cells": 4, "until": TIME,
                "problem": format!("it did not answer {HOSTILE}"),
            }],
        },
    })
}

fn slot(name: &str) -> Value {
    json!({
        "slot": name, "position": 0, "entry": name, "name": "default", "sha256": "01".repeat(32), "health": "ok", "calls": 3,
        "failures": 1, "last_failure": "ran too long",
        "timing": [{ "up_to": 50, "calls": 2 }, { "up_to": null, "calls": 1 }],
        "previous": if name == "policy" { json!("02".repeat(32)) } else { json!(null) },
        "not_asked": 2, "gateway_failures": 0,
        "fallback": if name == "policy" {
            json!({ "name": "mine", "sha256": "04".repeat(32), "why": "it trapped", "time": TIME })
        } else {
            json!(null)
        },
    })
}

fn quarantined() -> Value {
    json!({
        "id": mail_id(9).to_string(), "mail": mail_id(8).to_string(), "direction": "incoming", "sender": null, "recipient": "anna@tox", "key": key(),
        "size": 10, "received": TIME, "reason": format!("looks odd {HOSTILE}"), "delete_at": TIME,
    })
}

fn hour() -> Value {
    let times = json!({ "calls": 2, "microseconds": 3000, "longest": 2000 });
    json!({
        "start": "2023-11-14T22:00:00Z", "submitted": 3, "delivered": 2, "returned": 1, "arrived": 4,
        "quarantined": 1, "delivery": times, "components": { "policy": times },
    })
}

fn pin() -> Value {
    json!({ "address": "d@example.org", "key": STRANGER, "first_seen": TIME, "changed_to": OWNER_ID, "leads_to": &OWNER_ID[..64] })
}

#[tokio::test]
async fn reading() {
    let api = Api::new();
    for (path, expected) in [
        (
            "/api/v1/status",
            json!({
                "version": "0.1.0", "account": "anna", "tox": { "online": true, "connection": "udp", "nodes": 1 },
                "contacts": [{ "alias": "carol", "address": "carol@tox", "online": true }],
                "outbox": { "queued": 2 },
                "mailbox": { "mails": 1, "bytes": 10 },
                "attention": { "contact_requests": 1, "quarantined": 1, "discarded": 1, "changed_pins": 1 },
                "slots": [slot("policy")],
                "faults": [format!("the drop relay is off {HOSTILE}")],
                "tasks": [],
                "unreadable": {
                    "rows": 2,
                    "first": [{ "table": "contacts", "key": HOSTILE, "why": "it is cut short" }],
                },
            }),
        ),
        ("/api/v1/identity", json!({ "account": "anna", "tox_id": OWNER_ID, "addresses": ["anna@tox"] })),
        (
            "/api/v1/identity?account=bob",
            json!({ "account": "bob", "tox_id": OWNER_ID, "addresses": ["bob@tox"] }),
        ),
        (
            "/api/v1/mail-settings?account=bob",
            json!({ "user": "bob", "smtp": "127.0.0.1:2525", "pop3": "127.0.0.1:2626", "smtp_tls": false, "pop3_tls": false }),
        ),
        (
            "/api/v1/decisions?limit=1&slot=resolver&account=bob",
            json!([{
                "id": 3, "time": TIME, "slot": "resolver", "account": "bob", "entry": "policy",
                "function": "next-attempt", "component": "01".repeat(32),
                "facts": { "attempts": 2, "note": HOSTILE }, "answer": { "after": 60 }, "failure": null, "calls": [],
                "calls_dropped": 0, "log": [HOSTILE], "log_lines_dropped": 4900, "words_left_out": false, "cut": false, "microseconds": 1234,
            }]),
        ),
        (
            "/api/v1/component-state",
            json!([{ "space": "mail-filter/my tags/spam", "account": "anna", "bytes": 12345, "live": false }]),
        ),
        ("/api/v1/contacts", json!([contact("a"), contact("b"), contact("c")])),
        (
            "/api/v1/contacts/a/names",
            json!([
                { "address": "c@example.org", "claim": "unconfirmed" },
                { "address": "a@tox", "claim": "counts" },
            ]),
        ),
        (
            "/api/v1/contact-requests",
            json!([{ "key": STRANGER, "message": format!("hi {HOSTILE}"), "received": TIME }]),
        ),
        ("/api/v1/outbox", json!([outbox_entry(1), outbox_entry(2)])),
        ("/api/v1/outbox/01010101010101010101010101010101", outbox_entry(1)),
        (
            "/api/v1/outcomes?limit=1",
            json!([{
                "id": mail_id(3).to_string(), "sender": "anna@tox", "recipient": "carol@tox", "size": 1000,
                "created": TIME, "ended": TIME, "attempts": 1, "outcome": "bounced",
                "reason": format!("unknown {HOSTILE}"),
            }]),
        ),
        (
            "/api/v1/arrivals?limit=1",
            json!([{
                "id": mail_id(2).to_string(), "number": 2, "sender": "carol@tox", "recipient": "anna@tox",
                "key": key(), "size": 10, "received": TIME,
            }]),
        ),
        (
            "/api/v1/log",
            json!({ "lines": (0..300).map(|number| format!("INFO gateway: line {number} <b>")).collect::<Vec<_>>() }),
        ),
        ("/api/v1/history", json!({ "minutes": [hour()], "hours": [hour()] })),
        ("/api/v1/quarantine", json!([quarantined()])),
        (
            "/api/v1/accounts",
            json!([{ "name": "anna", "owner": true, "tox_id": OWNER_ID, "addresses": ["anna@tox"], "created": TIME, "enabled": true }]),
        ),
        (
            "/api/v1/components",
            json!([{
                "name": "default", "sha256": "01".repeat(32), "size": 13000, "slots": ["policy"], "built_in": true,
                "added": null, "signed_by": null,
            }]),
        ),
        (
            "/api/v1/slots",
            json!([slot("policy"), slot("resolver"), slot("relay-selector"), slot("mail-filter")]),
        ),
        (
            "/api/v1/relays",
            json!([{
                "address": OWNER_ID, "key": STRANGER, "chosen_by_user": true, "invited": true, "receipts": 48, "failures": 1,
                "last_failure": TIME, "last_problem": format!("it was full {HOSTILE}"), "fill": 40,
                "address_hidden": "relays",
                "tokens": {
                    "own": 200, "own_resting": 32, "own_gone": 24, "from_contacts": 8, "from_contacts_gone": 1,
                    "with_contacts": 16,
                },
                "serving": {
                    "online": true, "cells": 10, "bytes": 162_400, "capacity_bytes": 2_147_483_648_u64, "today": 3,
                    "day_cells": 4096, "sessions": 2, "invitations": 1,
                },
            }]),
        ),
        ("/api/v1/relays/invitations", json!([{ "name": "0123456789abcdef", "issued": 96 }])),
        ("/api/v1/pins", json!([pin()])),
    ] {
        let answer = api.get(path).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected), "{path}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn changing() {
    let api = Api::new();
    let mail = mail_id(1);
    let held = mail_id(9);
    for (method, path, body, status, expected, asked) in [
        (
            Method::POST,
            "/api/v1/contacts".to_owned(),
            Some(json!({ "alias": "Carol", "address": OWNER_ID, "message": "hello" })),
            201,
            Some(contact("carol")),
            format!("anna adds carol {OWNER_ID} Some(\"hello\")"),
        ),
        (
            Method::POST,
            "/api/v1/contacts?account=bob".to_owned(),
            Some(json!({ "alias": "carol", "address": "carol@example.org" })),
            201,
            Some(contact("carol")),
            "bob adds carol carol@example.org None".to_owned(),
        ),
        (Method::DELETE, "/api/v1/contacts/a".to_owned(), None, 204, None, "anna removes a".to_owned()),
        (
            Method::DELETE,
            "/api/v1/contacts/a?block=true".to_owned(),
            None,
            204,
            None,
            "anna blocks a".to_owned(),
        ),
        (
            Method::PUT,
            "/api/v1/contacts/a/alias".to_owned(),
            Some(json!({ "alias": "anton" })),
            200,
            Some(contact("anton")),
            "anna renames a anton".to_owned(),
        ),
        (
            Method::DELETE,
            format!("/api/v1/contact-requests/{STRANGER}"),
            None,
            204,
            None,
            format!("anna declines {STRANGER}"),
        ),
        (
            Method::DELETE,
            format!("/api/v1/relays/{STRANGER}"),
            None,
            204,
            None,
            format!("forgets relay {STRANGER}"),
        ),
        (
            Method::POST,
            "/api/v1/relays/invitations".to_owned(),
            None,
            201,
            Some(json!({
                "address": format!("{OWNER_ID}/00112233445566778899AABBCCDDEEFF"),
                "name": "0123456789abcdef",
            })),
            "invites".to_owned(),
        ),
        (
            Method::DELETE,
            "/api/v1/relays/invitations/0123456789abcdef".to_owned(),
            None,
            204,
            None,
            "takes invitation 0123456789abcdef back".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/contacts/a/names".to_owned(),
            Some(json!({ "address": "c@example.org" })),
            200,
            Some(json!({ "address": "c@example.org", "claim": "counts" })),
            "anna confirms c@example.org of a".to_owned(),
        ),
        (
            Method::POST,
            format!("/api/v1/contact-requests/{STRANGER}/accept"),
            None,
            200,
            Some(contact("picked")),
            format!("anna accepts {STRANGER} None"),
        ),
        (
            Method::POST,
            format!("/api/v1/contact-requests/{STRANGER}/accept?account=bob"),
            Some(json!({ "alias": "dora" })),
            200,
            Some(contact("dora")),
            format!("bob accepts {STRANGER} Some(AccountName(\"dora\"))"),
        ),
        (
            Method::POST,
            format!("/api/v1/outbox/{mail}/retry"),
            None,
            202,
            None,
            format!("anna retries {mail}"),
        ),
        (
            Method::POST,
            format!("/api/v1/outbox/{mail}/cancel"),
            None,
            204,
            None,
            format!("anna cancels {mail}"),
        ),
        (
            Method::POST,
            format!("/api/v1/quarantine/{held}/release"),
            None,
            204,
            None,
            format!("anna releases {held}"),
        ),
        (
            Method::DELETE,
            format!("/api/v1/quarantine/{held}"),
            None,
            204,
            None,
            format!("anna deletes {held}"),
        ),
        (
            Method::POST,
            "/api/v1/accounts".to_owned(),
            Some(json!({ "name": "dora" })),
            201,
            Some(json!({ "account": "dora", "tox_id": null, "password": "generated!" })),
            "adds account dora None".to_owned(),
        ),
        (
            Method::PUT,
            "/api/v1/accounts/bob/password".to_owned(),
            Some(json!({ "password": "long enough" })),
            200,
            Some(json!({ "account": "bob", "tox_id": null })),
            "adds account bob Some(\"long enough\")".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/slots/mail-filter/use".to_owned(),
            Some(json!({ "component": "default" })),
            200,
            Some(json!([slot("mail-filter")])),
            "uses default in mail-filter".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/slots/policy/rollback".to_owned(),
            None,
            200,
            Some(json!([slot("policy")])),
            "rolls policy back".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/slots/policy/seen".to_owned(),
            Some(json!({ "entry": "policy" })),
            200,
            Some(json!([slot("policy")])),
            "has seen what happened in policy/policy".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/slots/mail-filter/use".to_owned(),
            Some(json!({ "component": "default", "entry": "tags" })),
            200,
            Some(json!([slot("mail-filter")])),
            "uses default in mail-filter/tags".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/slots/policy/rollback".to_owned(),
            Some(json!({ "entry": "policy" })),
            200,
            Some(json!([slot("policy")])),
            "rolls policy/policy back".to_owned(),
        ),
        (
            Method::POST,
            format!("/api/v1/mails/{}/spam", mail_id(9)),
            None,
            204,
            None,
            format!("anna says Spam of {}", mail_id(9)),
        ),
        (
            Method::POST,
            format!("/api/v1/mails/{}/ham?account=bob", mail_id(9)),
            None,
            204,
            None,
            format!("bob says Ham of {}", mail_id(9)),
        ),
        (
            Method::PUT,
            "/api/v1/filters".to_owned(),
            Some(json!({ "entries": ["b", "a"] })),
            200,
            Some(json!([slot("mail-filter")])),
            "runs filters as b, a".to_owned(),
        ),
        (
            Method::DELETE,
            "/api/v1/components/mine".to_owned(),
            None,
            204,
            None,
            "removes component mine".to_owned(),
        ),
        (
            Method::DELETE,
            "/api/v1/component-state/mail-filter%2Fmy%20tags%2Fspam?account=bob".to_owned(),
            None,
            204,
            None,
            "clears mail-filter/my tags/spam of bob".to_owned(),
        ),
        (
            Method::DELETE,
            "/api/v1/filters/my%20tags".to_owned(),
            None,
            200,
            Some(json!([])),
            "removes filter my tags".to_owned(),
        ),
        (
            Method::PUT,
            "/api/v1/slots/policy/shadow".to_owned(),
            Some(json!({ "component": "candidate" })),
            200,
            Some(shadow()),
            "begins shadow candidate in policy".to_owned(),
        ),
        (
            Method::DELETE,
            "/api/v1/slots/policy/shadow".to_owned(),
            None,
            200,
            Some(shadow()),
            "ends shadow of policy".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/slots/policy/replay?component=candidate&days=3".to_owned(),
            None,
            200,
            Some(replay()),
            "replays candidate over 3 days of policy".to_owned(),
        ),
        (
            Method::POST,
            "/api/v1/pins/d%40example.org/accept".to_owned(),
            None,
            200,
            Some(pin()),
            "anna accepts d@example.org".to_owned(),
        ),
    ] {
        let answer = api.ask(method, &path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", String::from_utf8_lossy(&answer.body));
        match expected {
            Some(expected) => assert_eq!(answer.json(), expected, "{path}"),
            None => assert!(answer.body.is_empty(), "{path}"),
        }
        assert_eq!(api.memory.take_asked(), [asked], "{path}");
    }
}

fn difference() -> Value {
    json!({
        "id": 1, "time": TIME, "function": "allow-submission", "account": "anna", "facts": HOSTILE,
        "live": { "answer": "allow", "failure": null }, "other": { "answer": null, "failure": HOSTILE },
    })
}

fn shadow() -> Value {
    json!({
        "slot": "policy", "entry": "policy", "name": "candidate", "sha256": "03".repeat(32), "since": TIME, "health": "ok",
        "calls": 10, "failures": 0, "same": 8, "different": 1, "dropped": 2, "not_compared": 1,
        "not_compared_why": "the mail is gone", "stopped": null, "differences": [difference()],
    })
}

fn replay() -> Value {
    json!({
        "slot": "policy", "entry": "policy", "sha256": "03".repeat(32), "decisions": 4, "same": 2, "different": 1,
        "differences": [difference()], "incomplete": false, "microseconds": 1000,
        "not_replayed": [{ "why": "the mail is no longer stored", "decisions": 1 }],
    })
}

#[tokio::test]
async fn a_slot_without_shadow_says_so() {
    let api = Api::new();
    assert_eq!(api.get("/api/v1/slots/policy/shadow").await.json(), shadow());
    assert_eq!(api.get("/api/v1/slots/resolver/shadow").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_policy_set_that_is_wrong_is_refused_with_its_line() {
    let api = Api::new();
    let answer = api.ask(Method::PUT, "/api/v1/policy-set", Some(json!({ "path": "/p/family.toml" }))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.problem().contains("line 3"));
    assert_eq!(api.memory.take_asked(), ["uses policy set /p/family.toml"]);
}

#[tokio::test]
async fn a_replay_takes_a_file_or_a_name_and_days_within_bounds() {
    let api = Api::new();
    let upload = |path: &str| {
        let mut upload = request(Method::POST, path, None);
        upload.headers_mut().insert("content-type", "application/wasm".parse().unwrap());
        *upload.body_mut() = Body::from(vec![7; 50]);
        upload
    };
    let answer = api.send(upload("/api/v1/slots/policy/replay")).await;
    assert_eq!(answer.json(), replay());
    assert_eq!(api.memory.take_asked(), ["replays 50 bytes over 30 days of policy"]);
    for path in ["/api/v1/slots/policy/replay?days=0", "/api/v1/slots/policy/replay?component=candidate"] {
        assert_eq!(api.send(upload(path)).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let nothing = api.ask(Method::POST, "/api/v1/slots/policy/replay", None).await;
    assert_eq!(nothing.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn settings_limits_and_tests_of_a_component() {
    let api = Api::new();
    let tuned = api.get("/api/v1/slots/policy/settings").await.json();
    assert_eq!((&tuned["entry"], &tuned["limits"][0]["name"]), (&json!("policy"), &json!("call-ms")));
    let unknown = api.get("/api/v1/slots/policy/settings?entry=other").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let tune = json!({ "settings": { "a": "1", "b": null }, "limits": { "call-ms": 5, "log-lines": null } });
    let changed =
        api.ask(Method::PATCH, "/api/v1/slots/policy/settings?entry=policy", Some(tune.clone())).await;
    assert_eq!((changed.status, changed.json()), (StatusCode::OK, tuned));
    let asked = api.memory.take_asked();
    let told: Value = serde_json::from_str(asked[0].strip_prefix("tunes policy: ").unwrap()).unwrap();
    assert_eq!(told, tune);
    let wrong = json!({ "settings": { "refused": "x" } });
    let refused = api.ask(Method::PATCH, "/api/v1/slots/policy/settings", Some(wrong)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.problem().contains("it means nothing"));
    for wrong in
        [json!({ "settings": { "a": 1 } }), json!({ "limits": { "call-ms": -1 } }), json!({ "x": 1 })]
    {
        let refused = api.ask(Method::PATCH, "/api/v1/slots/policy/settings", Some(wrong)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let conforms = api.ask(Method::POST, "/api/v1/slots/policy/test?component=default", None).await;
    assert_eq!(conforms.json()["calls"][1]["failure"], "it trapped");
    assert_eq!(api.memory.take_asked(), ["tests default in policy with conformance"]);
    let unnamed = api.ask(Method::POST, "/api/v1/slots/policy/test", None).await;
    assert_eq!(unnamed.status, StatusCode::BAD_REQUEST);
    for (content_type, case, status) in [
        ("application/toml", "[[call]]", StatusCode::OK),
        ("application/toml", "nothing", StatusCode::UNPROCESSABLE_ENTITY),
        ("application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let mut request = request(Method::POST, "/api/v1/slots/policy/test?component=default", None);
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        *request.body_mut() = Body::from(case);
        assert_eq!(api.send(request).await.status, status, "{content_type} {case}");
    }
    assert_eq!(api.memory.take_asked().last().unwrap(), "tests default in policy with nothing");
}

#[tokio::test]
async fn a_component_is_uploaded_as_it_is() {
    let api = Api::new();
    let upload = |path: &str, content_type: &str, body: Vec<u8>| {
        let mut upload = request(Method::POST, path, None);
        upload.headers_mut().insert("content-type", content_type.parse().unwrap());
        *upload.body_mut() = Body::from(body);
        upload
    };
    let answer = api.send(upload("/api/v1/components?name=Mine", "application/wasm", vec![7; 5000])).await;
    let expected = json!({
        "name": "mine", "sha256": "02".repeat(32), "size": 5000, "slots": ["mail-filter"], "built_in": false, "added": TIME,
        "signed_by": null,
    });
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, expected));
    let signed = format!("/api/v1/components?name=Mine&signature={}", "ab".repeat(64));
    let answer = api.send(upload(&signed, "application/wasm", vec![7; 5000])).await;
    assert_eq!(answer.json()["signed_by"], STRANGER);
    let signed = "/api/v1/components?name=Mine&signature=abcd";
    let refused = api.send(upload(signed, "application/wasm", vec![7; 5000])).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.problem().contains("128 hex digits"), "{}", refused.problem());
    let refused = api.send(upload("/api/v1/components", "application/wasm", vec![7])).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.problem().contains("name"));
    let refused = api.send(upload("/api/v1/components?name=mine", "text/plain", vec![7])).await;
    assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let huge = vec![0; admin::limits::COMPONENT_BYTES + 1];
    let refused = api.send(upload("/api/v1/components?name=mine", "application/wasm", huge)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(*api.memory.uploads.lock().unwrap(), [5000, 5000]);
}

#[tokio::test]
async fn pages_are_linked() {
    let api = Api::new();
    let mut query = "?account=bob&limit=2".to_owned();
    let mut aliases = Vec::new();
    loop {
        let answer = api.get(&format!("/api/v1/contacts{query}")).await;
        let page = answer.json();
        assert!(page.as_array().unwrap().len() <= 2);
        aliases.extend(page.as_array().unwrap().iter().map(|contact| contact["alias"].clone()));
        let Some(link) = answer.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        assert!(link.contains("account=bob"), "{link}");
        query = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(aliases, ["a", "b", "c"]);
}

#[tokio::test]
async fn what_goes_wrong_has_its_status_and_says_what_to_do() {
    let api = Api::new();
    let add = |alias: &str| json!({ "alias": alias, "address": OWNER_ID });
    for (alias, status, text) in [
        ("taken", 409, "choose another name"),
        ("silent", 503, "try again later"),
        ("nobody", 422, "nobody has this address"),
        ("broken", 500, "the store failed"),
        ("panic", 500, "its log says more"),
    ] {
        let answer = api.post("/api/v1/contacts", add(alias)).await;
        assert_eq!(answer.status.as_u16(), status, "{alias}");
        assert!(answer.problem().contains(text), "{alias}");
    }
    for (method, path, status, text) in [
        (Method::GET, "/api/v1/status?account=zoe", 404, "no account `zoe`"),
        (Method::GET, "/api/v1/events?account=zoe", 404, "no account `zoe`"),
        (Method::GET, "/api/v1/outbox?account=z..e", 400, "account name"),
        (Method::GET, "/api/v1/outbox?limit=many", 400, "limit"),
        (Method::GET, "/api/v1/outbox?limit=0", 400, "from 1 to 1000"),
        (Method::GET, "/api/v1/decisions?limit=1001", 400, "from 1 to 1000"),
        (Method::GET, "/api/v1/outbox?accuont=bob", 400, "accuont"),
        (Method::GET, "/api/v1/outbox?account=bob&account=anna", 400, "duplicate"),
        (Method::GET, "/api/v1/outbox/07", 400, "32 hex digits"),
        (Method::GET, "/api/v1/outbox/07070707070707070707070707070707", 404, "look at the list"),
        (Method::POST, "/api/v1/outbox/07070707070707070707070707070707/cancel", 404, "look at the list"),
        (Method::DELETE, "/api/v1/contacts/zoe", 404, "look at the list"),
        (Method::DELETE, "/api/v1/contacts/%FF", 400, "UTF-8"),
        (Method::POST, "/api/v1/slots/policies/rollback", 400, "relay-selector"),
        (Method::POST, "/api/v1/slots/resolver/rollback", 409, "nothing was live"),
        (Method::POST, "/api/v1/pins/d/accept", 400, "name@domain"),
        (Method::GET, "/api/v1/nothing", 404, "/api/v1/nothing"),
        (Method::GET, "/api/v2/status", 404, "/api/v2/status"),
        (Method::DELETE, "/api/v1/status", 405, "DELETE"),
        (Method::POST, "/health", 405, "POST"),
    ] {
        let answer = api.ask(method, path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", String::from_utf8_lossy(&answer.body));
        let detail = answer.problem();
        assert!(detail.contains(text), "{path}: {detail}");
    }
}

#[tokio::test]
async fn a_body_is_json_and_what_is_expected() {
    let api = Api::new();
    for (body, text) in [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("{\"alias\": \"a\"}", "address"),
        ("{\"alias\": \"a..\", \"address\": \"a@b\"}", "account name"),
        ("{\"alias\": \"a\", \"address\": \"nobody\"}", "76 hex digits"),
        ("{\"alias\": \"a\", \"address\": \"a@b\", \"adress\": 1}", "adress"),
    ] {
        let mut request = request(Method::POST, "/api/v1/contacts", Some(json!(null)));
        *request.body_mut() = Body::from(body);
        let answer = api.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.problem().contains(text), "{body}: {}", answer.problem());
    }
    let short = api.post("/api/v1/accounts", json!({ "name": "dora", "password": "hunter2" })).await;
    assert_eq!(short.status, StatusCode::BAD_REQUEST);
    assert!(!short.problem().contains("hunter2"));
    // What a form of a web page could send without asking.
    let mut form = request(Method::POST, "/api/v1/accounts", Some(json!({ "name": "dora" })));
    form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(api.send(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large =
        json!({ "alias": "a", "address": "a@b.c", "message": "x".repeat(admin::limits::JSON_BODY_BYTES) });
    assert_eq!(api.post("/api/v1/contacts", large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(api.memory.take_asked().is_empty());
}

#[tokio::test]
async fn health_and_metrics() {
    let api = Api::new();
    let answer = api.get("/health").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    let answer = api.get("/metrics").await;
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(String::from_utf8(answer.body).unwrap().contains("toxmail_outbox_mails 2\n"));
}

#[tokio::test]
async fn a_query_field_that_an_endpoint_does_not_have_is_refused_with_those_it_has() {
    let api = Api::new();
    for (path, told) in [
        ("/api/v1/outbox?days=3", "unknown field `days`, expected one of `account`, `limit`, `after`"),
        ("/api/v1/identity?limit=5", "unknown field `limit`, expected `account`"),
        ("/api/v1/outcomes?after=x", "unknown field `after`, expected `account` or `limit`"),
        ("/api/v1/accounts?account=anna", "unknown field `account`, there are no fields"),
        ("/api/v1/slots/policy/settings?component=x", "unknown field `component`, expected `entry`"),
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{path}: {detail}");
    }
}
