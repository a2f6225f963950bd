//! Logging in from a browser, what a session may do, and how it ends.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::browser::{Browser, HOST};
use crate::client::{Api, request};
use crate::memory::{ANNAS_PASSWORD, BOBS_PASSWORD};

const PAGES: [&str; 8] =
    ["/", "/contacts", "/outbox", "/quarantine", "/components", "/decisions", "/events", "/accounts"];

const FORMS: [&str; 17] = [
    "/contacts/add",
    "/contacts/remove",
    "/contacts/accept",
    "/contacts/accept-key",
    "/outbox/retry",
    "/outbox/cancel",
    "/quarantine/release",
    "/quarantine/delete",
    "/components/use",
    "/components/roll-back",
    "/components/filters/move",
    "/components/filters/remove",
    "/components/filters/add",
    "/components/state/clear",
    "/accounts/add",
    "/accounts/password",
    "/logout",
];

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_login() {
    let api = Api::new();
    let mut browser = Browser::new(&api);
    for cookie in [None, Some(""), Some("0"), Some("../../etc/passwd")] {
        browser.cookies =
            cookie.map(|value| ("toxmail-8080".to_owned(), value.to_owned())).into_iter().collect();
        for page in PAGES {
            let answer = browser.get(page).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
            assert_eq!(answer.headers["location"], "/login");
            assert!(answer.body.is_empty());
        }
        for form in FORMS {
            let answer = browser.post(form, &[("csrf", ""), ("alias", "a"), ("name", "anna")]).await;
            assert_eq!(answer.headers["location"], "/login", "{form}");
        }
    }
    assert!(api.memory.take_asked().is_empty());
}

#[tokio::test]
async fn the_right_password_opens_and_a_wrong_one_says_where_the_right_one_is() {
    let api = Api::new();
    let mut browser = Browser::new(&api);
    let answer = browser.try_login("anna", "wrong").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.text().contains("look into the file"));
    assert!(answer.text().contains("value=\"anna\""));
    assert!(!answer.text().contains("wrong\""));
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.try_login("broken", "x").await.status, StatusCode::INTERNAL_SERVER_ERROR);

    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let session = &browser.cookies.iter().find(|(name, _)| name == "toxmail-8080").unwrap().1;
    assert_eq!(session.len(), 64);
    let other = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    assert!(other.cookies.iter().all(|(_, value)| value != session));
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    assert_eq!(browser.get("/login").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_login_form_of_another_place_logs_nobody_in() {
    let api = Api::new();
    let fields = |form: &'static str| [("form", form), ("name", "anna"), ("password", ANNAS_PASSWORD)];
    let mut browser = Browser::new(&api);
    assert_eq!(browser.post("/login", &fields("")).await.status, StatusCode::FORBIDDEN);
    browser.get("/login").await;
    assert_eq!(browser.post("/login", &fields("0123")).await.status, StatusCode::FORBIDDEN);
    let form = browser.get("/login").await.field("form");
    let right = [("form", form.as_str()), ("name", "anna"), ("password", ANNAS_PASSWORD)];
    for origin in [None, Some("http://evil.example"), Some("null"), Some("http://127.0.0.1:3000")] {
        let mut request = browser.form("/login", &right);
        request.headers_mut().remove("origin");
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        assert_eq!(browser.send(request).await.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(*api.passwords.checked.lock().unwrap(), 0);
}

#[tokio::test]
async fn who_guesses_too_often_is_told_how_long_to_wait() {
    let api = Api::new();
    let mut browser = Browser::new(&api);
    *api.passwords.later.lock().unwrap() = Some(Duration::from_secs(90));
    let answer = browser.try_login("anna", ANNAS_PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "91");
    assert!(answer.text().contains("Wait 2 minutes"), "{}", answer.text());
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    *api.passwords.later.lock().unwrap() = None;
    Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let long = "x".repeat(400);
    assert_eq!(browser.try_login(&long, "x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_session_ends_when_its_account_is_switched_off() {
    let api = Api::new();
    let mut bob = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    api.ask(Method::POST, "/api/v1/accounts/bob/disable", None).await;
    assert_eq!(bob.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(bob.get("/api/v1/status").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_at_the_first_step_of_removing_its_account_however_long_that_takes() {
    let api = Api::new();
    let mut bob = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    api.memory.removes_for_ever.store(true, std::sync::atomic::Ordering::SeqCst);
    let removal = request(Method::DELETE, "/api/v1/accounts/bob", None);
    let router = api.router.clone();
    let removing = tokio::spawn(async move { tower::ServiceExt::oneshot(router, removal).await });
    while !api.memory.asked.lock().unwrap().iter().any(|asked| asked == "removes account bob") {
        tokio::task::yield_now().await;
    }
    assert_eq!(bob.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(bob.get("/api/v1/status").await.status, StatusCode::UNAUTHORIZED);
    removing.abort();
}

#[tokio::test]
async fn csrf_a_form_without_the_right_token_changes_nothing() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let other = Browser::login(&api, "anna", ANNAS_PASSWORD).await.csrf().await;
    for form in FORMS {
        for csrf in [None, Some(""), Some("0"), Some(other.as_str())] {
            let mut fields =
                vec![("alias", "a"), ("name", "bob"), ("slot", "policy"), ("address", "d@example.org")];
            fields.extend(csrf.map(|csrf| ("csrf", csrf)));
            let answer = browser.post(form, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {csrf:?}");
            assert!(answer.text().contains("Nothing was changed"));
        }
    }
    let csrf = browser.csrf().await;
    let mut elsewhere = browser.form("/contacts/remove", &[("csrf", &csrf), ("alias", "a")]);
    elsewhere.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
    assert_eq!(browser.send(elsewhere).await.status, StatusCode::FORBIDDEN);
    assert!(api.memory.take_asked().is_empty());
}

#[tokio::test]
async fn csrf_a_script_of_a_session_shows_the_token_in_a_field() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let csrf = browser.csrf().await;
    assert_eq!(browser.get("/api/v1/status").await.json()["account"], "anna");
    for (shown, status) in [
        (None, StatusCode::FORBIDDEN),
        (Some("0".to_owned()), StatusCode::FORBIDDEN),
        (Some(csrf), StatusCode::NO_CONTENT),
    ] {
        let mut request = browser.request(Method::DELETE, "/api/v1/contacts/a");
        if let Some(shown) = shown {
            request.headers_mut().insert("x-csrf-token", shown.parse().unwrap());
        }
        let answer = browser.send(request).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(api.memory.take_asked(), ["anna removes a"]);
}

#[tokio::test]
async fn another_users_data_is_neither_seen_nor_changed() {
    let api = Api::new();
    let mut bob = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    for page in PAGES {
        let own = bob.get(page).await;
        assert_eq!(own.status == StatusCode::OK, page != "/components", "{page}");
        assert_eq!(own.text().contains("data-account=\"bob\""), page != "/components", "{page}");
        for account in ["anna", "zoe"] {
            let answer = bob.get(&format!("{page}?account={account}")).await;
            // It does not say whether there is such an account.
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}");
        }
    }
    for path in ["status", "identity", "contacts", "outbox", "quarantine", "pins", "decisions", "events"] {
        let answer = bob.get(&format!("/api/v1/{path}?account=anna")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["/api/v1/accounts", "/api/v1/components", "/api/v1/slots", "/metrics"] {
        assert_eq!(bob.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let status = bob.get("/api/v1/status").await.json();
    assert_eq!((&status["account"], &status["slots"][0]["last_failure"]), (&json!("bob"), &json!(null)));
    api.memory.take_asked();

    for (form, fields) in [
        ("/contacts/remove", vec![("account", "anna"), ("alias", "a")]),
        ("/outbox/cancel", vec![("account", "anna"), ("id", "01010101010101010101010101010101")]),
        ("/components/roll-back", vec![("slot", "policy")]),
        ("/components/use", vec![("slot", "policy"), ("component", "default")]),
        ("/accounts/add", vec![("name", "dora")]),
        ("/accounts/password", vec![("name", "anna")]),
    ] {
        assert_eq!(bob.submit(form, &fields).await.status, StatusCode::FORBIDDEN, "{form}");
    }
    let csrf = bob.csrf().await;
    for (method, path) in [
        (Method::PUT, "/api/v1/accounts/anna/password"),
        (Method::POST, "/api/v1/accounts"),
        (Method::POST, "/api/v1/components?name=x"),
        (Method::POST, "/api/v1/slots/policy/rollback"),
        (Method::POST, "/api/v1/slots/policy/seen"),
        (Method::DELETE, "/api/v1/contacts/a?account=anna"),
    ] {
        let mut request = bob.request(method, path);
        request.headers_mut().insert("x-csrf-token", csrf.parse().unwrap());
        assert_eq!(bob.send(request).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(api.memory.take_asked().is_empty());

    bob.submit("/contacts/remove", &[("alias", "a")]).await;
    bob.get("/decisions?all=on").await;
    let asked = api.memory.take_asked();
    assert_eq!(asked[0], "bob removes a");
    assert!(asked[1].contains("for Some(\"bob\")"), "{asked:?}");
}

#[tokio::test]
async fn the_owner_manages_every_account() {
    let api = Api::new();
    let mut anna = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let page = anna.get("/contacts?account=bob").await;
    assert!(page.text().contains("You are looking at the account <strong>bob</strong> as anna"));
    let answer = anna.submit("/contacts/remove", &[("account", "bob"), ("alias", "a")]).await;
    assert_eq!(answer.headers["location"], "/contacts?account=bob");
    assert_eq!(api.memory.take_asked(), ["bob removes a"]);
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let kept = browser.cookies.clone();
    let answer = browser.submit("/logout", &[]).await;
    assert_eq!(answer.headers["location"], "/login");
    assert!(browser.cookies.is_empty());
    // Also for who kept the cookie.
    browser.cookies = kept;
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/api/v1/status").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_when_unused_and_after_a_day() {
    let api = Api::new();
    let almost = admin::limits::SESSION_IDLE - Duration::from_secs(1);
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    api.clock.advance(almost);
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    // What a page asks for by itself is no use.
    api.clock.advance(almost);
    let mut refresh = browser.request(Method::GET, "/");
    refresh.headers_mut().insert("x-refresh", "1".parse().unwrap());
    assert_eq!(browser.send(refresh).await.status, StatusCode::OK);
    api.clock.advance(Duration::from_secs(2));
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);

    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let mut used = Duration::ZERO;
    while used + almost < admin::limits::SESSION_LONGEST {
        api.clock.advance(almost);
        used += almost;
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
    }
    api.clock.advance(admin::limits::SESSION_LONGEST - used);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_new_password_logs_other_browsers_out() {
    let api = Api::new();
    let mut mine = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    let mut other = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    let mut anna = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let fields = [("name", "bob"), ("password", "long enough"), ("repeated", "long enough")];
    assert_eq!(mine.submit("/accounts/password", &fields).await.status, StatusCode::OK);
    assert_eq!(mine.get("/").await.status, StatusCode::OK);
    assert_eq!(other.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(anna.get("/").await.status, StatusCode::OK);
    // Set with the token, nobody is spared.
    api.ask(Method::PUT, "/api/v1/accounts/bob/password", None).await;
    assert_eq!(mine.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn sessions_are_bounded_and_the_oldest_goes() {
    let api = Api::new();
    let mut first = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    for _ in 0..admin::limits::SESSIONS {
        api.clock.advance(Duration::from_secs(1));
        Browser::login(&api, "bob", BOBS_PASSWORD).await;
    }
    assert_eq!(first.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn events_stop_when_the_session_is_over() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    let api = Api::new();
    let mut browser = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    let request = browser.request(Method::GET, "/api/v1/events");
    let mut body = api.router.clone().oneshot(request).await.unwrap().into_body();
    api.events.publish("a", Some(&"anna".parse().unwrap()), &json!({ "secret": 1 }));
    api.events.publish("b", Some(&"bob".parse().unwrap()), &json!({}));
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(std::str::from_utf8(&frame).unwrap().contains("\"kind\":\"b\""), "{frame:?}");
    browser.submit("/logout", &[]).await;
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn pages_are_for_this_place_alone() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    for page in PAGES.into_iter().chain(["/login", "/assets/style.css"]) {
        // A name of somebody else that was made to mean 127.0.0.1.
        let mut rebound = browser.request(Method::GET, page);
        rebound.headers_mut().insert("host", "evil.example:8080".parse().unwrap());
        assert_eq!(browser.send(rebound).await.status, StatusCode::FORBIDDEN, "{page}");
        let mut elsewhere = browser.request(Method::GET, page);
        elsewhere.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
        assert_eq!(browser.send(elsewhere).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    // A session belongs to a port: another gateway on the machine has another cookie.
    let mut other = browser.request(Method::GET, "/");
    other.headers_mut().insert("host", "127.0.0.1:9090".parse().unwrap());
    assert_eq!(browser.send(other).await.status, StatusCode::SEE_OTHER);
    // The token opens no pages.
    let mut program = request(Method::GET, "/", None);
    program.headers_mut().insert("host", HOST.parse().unwrap());
    assert_eq!(api.send(program).await.status, StatusCode::SEE_OTHER);
}
