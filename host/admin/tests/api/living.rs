//! Mail programs that set themselves up, mailboxes put in and taken out, accounts that come and go, backups.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::client::{Answer, Api, TOKEN, request};
use crate::memory::MAIL_SIZE;

fn plain(path: &str) -> Request<Body> {
    Request::builder().uri(path).header("host", "127.0.0.1:8080").body(Body::empty()).unwrap()
}

async fn upload(api: &Api, path: &str, content_type: &str, bytes: &[u8]) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("host", "127.0.0.1:8080")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", content_type);
    api.send(request.body(Body::from(bytes.to_vec())).unwrap()).await
}

const AUTOCONFIG: &str = "/.well-known/autoconfig/mail/config-v1.1.xml";

#[tokio::test]
async fn thunderbird_asks_without_login_and_gets_no_secret() {
    let api = Api::new();
    let answer = api.send(plain(&format!("{AUTOCONFIG}?emailaddress=anna%40tox.internal"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "text/xml; charset=utf-8");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("<domain>tox.internal</domain>"), "{text}");
    assert!(text.contains("<port>2525</port>") && text.contains("<port>2626</port>"), "{text}");
    assert!(!text.contains("anna"), "{text}");
    assert_eq!(api.send(plain(AUTOCONFIG)).await.status, StatusCode::OK);
    let wrong = api.send(plain(&format!("{AUTOCONFIG}?emailaddress=nobody"))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.problem().contains("name@domain"));
}

#[tokio::test]
async fn an_apple_profile_is_for_who_is_logged_in() {
    let api = Api::new();
    assert_eq!(api.send(plain("/api/v1/mail-settings/apple")).await.status, StatusCode::UNAUTHORIZED);
    let answer = api.get("/api/v1/mail-settings/apple?account=bob").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/x-apple-aspen-config");
    assert!(answer.headers["content-disposition"].to_str().unwrap().contains("toxmail-bob.mobileconfig"));
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("<key>IncomingMailServerUsername</key><string>bob</string>"), "{text}");
}

#[tokio::test]
async fn a_mailbox_is_listed_read_and_filled() {
    let api = Api::new();
    let list = api.get("/api/v1/mailbox?limit=2").await;
    assert_eq!(list.json().as_array().unwrap().len(), 2);
    assert!(list.headers["link"].to_str().unwrap().contains("after=2"));
    let mail = api.get("/api/v1/mailbox/1").await;
    assert_eq!(mail.headers["content-type"], "message/rfc822");
    assert_eq!(mail.body.len() as u64, MAIL_SIZE);
    assert_eq!(api.get("/api/v1/mailbox/2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/api/v1/mailbox/x").await.status, StatusCode::BAD_REQUEST);

    let new = upload(&api, "/api/v1/mailbox", "message/rfc822", b"Subject: x\r\n\r\n").await;
    assert_eq!((new.status, new.json()["is_new"].as_bool()), (StatusCode::CREATED, Some(true)));
    let again = upload(&api, "/api/v1/mailbox", "message/rfc822", b"old").await;
    assert_eq!((again.status, again.json()["is_new"].as_bool()), (StatusCode::OK, Some(false)));
    let wrong = upload(&api, "/api/v1/mailbox", "text/plain", b"x").await;
    assert_eq!(wrong.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(api.memory.take_asked(), ["anna imports 14 bytes", "anna imports 3 bytes"]);
}

#[tokio::test]
async fn accounts_are_imported_switched_and_removed() {
    let api = Api::new();
    let made = upload(&api, "/api/v1/accounts/dora/import", "application/octet-stream", b"profile").await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json()["credentials"]["account"], "dora");
    assert_eq!(made.json()["contacts"], 2);
    let encrypted = async |password: &str| {
        let mut encrypted = request(Method::POST, "/api/v1/accounts/dora/import", None);
        encrypted.headers_mut().insert("content-type", "application/octet-stream".parse().unwrap());
        encrypted.headers_mut().insert("x-profile-password", password.parse().unwrap());
        *encrypted.body_mut() = Body::from("profile");
        api.send(encrypted).await.status
    };
    assert_eq!(encrypted("p%C3%A4ss%20word").await, StatusCode::CREATED);
    assert!(api.memory.take_asked().contains(&"imports dora from 7 bytes, with p\u{e4}ss word".to_owned()));
    for wrong in ["%", "%G0", "%FF", &"x".repeat(4000)] {
        assert_eq!(encrypted(wrong).await, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let large = vec![0; admin::limits::PROFILE_BYTES + 1];
    let large = upload(&api, "/api/v1/accounts/dora/import", "application/octet-stream", &large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    for path in ["/api/v1/accounts/bob/disable", "/api/v1/accounts/bob/enable"] {
        assert_eq!(api.ask(Method::POST, path, None).await.status, StatusCode::NO_CONTENT);
    }
    let removed = api.ask(Method::DELETE, "/api/v1/accounts/bob", None).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let unknown = api.ask(Method::DELETE, "/api/v1/accounts/eve", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let asked = api.memory.take_asked();
    assert_eq!(asked.last().unwrap(), "removes account bob");
    assert!(asked.contains(&"account bob enabled: false".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_backup_says_how_long_it_is() {
    let answer = Api::new().get("/api/v1/backup").await;
    assert_eq!(answer.headers["content-length"], "6");
    assert_eq!(answer.body, b"onetwo");
    let reloaded = Api::new().ask(Method::POST, "/api/v1/reload", None).await;
    assert_eq!(reloaded.json()["changed"][0], "mail.unfiltered");
}
