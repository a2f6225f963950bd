//! Who is heard.

use std::sync::Arc;

use admin::{Access, Token};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::client::{Api, TOKEN, request};
use crate::memory::{Passwords, clock};

/// Every path behind the token, and some that do not exist.
const PATHS: [&str; 8] = [
    "/metrics",
    "/api/v1/status",
    "/api/v1/accounts",
    "/api/v1/events",
    "/api/v1/components",
    "/api/v1",
    "/api/v1/nothing",
    "/nothing",
];

#[tokio::test]
async fn no_token_or_a_wrong_one_opens_nothing() {
    let api = Api::new();
    let almost = format!("Bearer {}", TOKEN.replace("1f", "10"));
    for path in PATHS {
        for value in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some(almost.as_str()),
            Some(TOKEN),
            Some(&format!("Basic {TOKEN}")),
            Some(&format!("Bearer {}", TOKEN.to_uppercase())),
            Some(&format!("Bearer {TOKEN}0")),
            Some(&format!("Bearer {}", &TOKEN[1..])),
        ] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let mut request = request(method, path, None);
                request.headers_mut().remove("authorization");
                if let Some(value) = value {
                    request.headers_mut().insert("authorization", value.parse().unwrap());
                }
                let answer = api.send(request).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {value:?}");
                assert_eq!(answer.headers["www-authenticate"], "Bearer");
                assert!(answer.problem().contains("ready.json"));
            }
        }
    }
    let mut twice = request(Method::GET, "/api/v1/status", None);
    twice.headers_mut().append("authorization", "Bearer x".parse().unwrap());
    assert_eq!(api.send(twice).await.status, StatusCode::BAD_REQUEST);
    let mut any_case = request(Method::GET, "/api/v1/status", None);
    any_case.headers_mut().insert("authorization", format!("bearer {TOKEN}").parse().unwrap());
    assert_eq!(api.send(any_case).await.status, StatusCode::OK);
}

#[tokio::test]
async fn health_needs_no_token() {
    let request = Request::builder().uri("/health").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(Api::new().send(request).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn dns_rebinding_other_hosts_than_loopback_and_configured_ones_are_refused() {
    let api = Api::new();
    for (host, allowed) in [
        ("127.0.0.1", true),
        ("127.0.0.1:8080", true),
        ("127.3.4.5:8080", true),
        ("[::1]:8080", true),
        ("localhost:1", true),
        ("LOCALHOST", true),
        ("gateway.example:8080", true),
        ("evil.example", false),
        ("evil.example:8080", false),
        ("localhost.evil.example", false),
        ("127.0.0.1.evil.example", false),
        ("192.168.1.1:8080", false),
        ("0.0.0.0", false),
        ("gateway.example.evil", false),
        ("user@127.0.0.1", true),
        ("127.0.0.1@evil.example", false),
    ] {
        for path in ["/health", "/api/v1/status"] {
            let mut request = request(Method::GET, path, None);
            request.headers_mut().insert("host", host.parse().unwrap());
            let answer = api.send(request).await;
            assert_eq!(answer.status != StatusCode::FORBIDDEN, allowed, "{host}");
            if !allowed {
                assert!(answer.problem().contains("127.0.0.1"));
            }
        }
    }
}

#[tokio::test]
async fn a_request_says_once_whom_it_means() {
    let api = Api::new();
    let mut without = request(Method::GET, "/health", None);
    without.headers_mut().remove("host");
    assert_eq!(api.send(without).await.status, StatusCode::BAD_REQUEST);
    let mut twice = request(Method::GET, "/health", None);
    twice.headers_mut().append("host", "evil.example".parse().unwrap());
    assert_eq!(api.send(twice).await.status, StatusCode::BAD_REQUEST);
    // A target in absolute form names the host too (RFC 9112 section 3.2.2).
    let absolute = request(Method::GET, "http://evil.example/health", None);
    assert_eq!(api.send(absolute).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn dns_rebinding_origins_of_other_places_are_refused() {
    let api = Api::new();
    for (origin, allowed) in [
        ("http://127.0.0.1:8080", true),
        ("http://127.0.0.1:3000", false),
        ("http://localhost:8080", false),
        ("https://evil.example", false),
        ("null", false),
        ("", false),
    ] {
        let mut request = request(Method::GET, "/api/v1/status", None);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let answer = api.send(request).await;
        assert_eq!(answer.status == StatusCode::OK, allowed, "{origin}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

fn access(token: Token) -> Access {
    Access::new(token, Arc::new(Passwords::default()), clock())
}

#[test]
fn a_token_is_read_from_its_file_and_never_printed() {
    let token: Token = format!(" {}\r\n", TOKEN.to_uppercase()).parse().unwrap();
    assert_eq!(token.reveal(), TOKEN);
    assert_eq!(format!("{token:?} {:?}", access(token.clone())).matches("0001").count(), 0);
    let mut bytes = [0; 32];
    for (number, byte) in (0..).zip(&mut bytes) {
        *byte = number;
    }
    assert_eq!(Token::from_random(&bytes).reveal(), TOKEN);
    for wrong in ["", "ab", &TOKEN[1..], &format!("{TOKEN}0"), &TOKEN.replace('0', "x")] {
        assert!(wrong.parse::<Token>().is_err(), "{wrong}");
    }
}

#[test]
fn a_configured_host_is_a_name() {
    let access = || access(TOKEN.parse().unwrap());
    for right in ["gateway.example", "192.168.1.2", "[fd00::1]", "fd00::1"] {
        assert!(access().allow_host(right).is_ok(), "{right}");
    }
    for wrong in ["", "http://gateway.example", "gateway.example:8080", "a b", "gateway/x"] {
        assert!(access().allow_host(wrong).is_err(), "{wrong}");
    }
}
