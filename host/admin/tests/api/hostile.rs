//! Whatever is sent, the answer is never a fault of the gateway.

use axum::body::Body;
use axum::http::{Method, Request};
use proptest::prelude::*;

use crate::client::{Api, TOKEN};

fn methods() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::HEAD,
    ])
}

/// Paths made of what the API knows, and of anything.
fn paths() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "contacts",
            "contact-requests",
            "outbox",
            "quarantine",
            "accounts",
            "components",
            "slots",
            "pins",
            "events",
            "status",
            "identity",
            "retry",
            "cancel",
            "accept",
            "release",
            "password",
            "use",
            "rollback",
            "seen",
            "policy",
            "a",
            "bob",
            "..",
            "",
            "%2e%2e",
            "%2F",
            "01010101010101010101010101010101",
            "0202020202020202020202020202020202020202020202020202020202020202",
            "d%40example.org",
        ])
        .prop_map(str::to_owned),
        "[!-~&&[^/?#]]{0,20}",
        "(%[0-9A-F]{2}){1,8}",
    ];
    let query = prop_oneof![
        Just(String::new()),
        "[?](account|limit|after|name)=[a-z0-9%&=.-]{0,20}",
        "[?][!-~&&[^#]]{0,30}",
    ];
    (prop::collection::vec(word, 1..5), query)
        .prop_map(|(words, query)| format!("/api/v1/{}{query}", words.join("/")))
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..200),
        "\\{(\"(alias|address|message|name|password|component)\": ?(\"[a-z0-9@.]{0,80}\"|null|-?[0-9]{1,30}|\\[\\]),?){0,4}\\}"
            .prop_map(String::into_bytes),
        (0_usize..2000).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nothing_is_a_fault_of_the_gateway(
        method in methods(),
        path in paths(),
        body in bodies(),
        content_type in prop::sample::select(vec!["application/json", "application/wasm", "text/plain", "", "\u{7f}"]),
        last_event_id in prop_oneof![Just(None), "[!-~]{0,25}".prop_map(Some)],
    ) {
        let mut builder = Request::builder()
            .method(method)
            .uri(&path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {TOKEN}"));
        if let Ok(value) = axum::http::HeaderValue::from_str(content_type) {
            builder = builder.header("content-type", value);
        }
        if let Some(id) = last_event_id {
            builder = builder.header("last-event-id", id);
        }
        let Ok(request) = builder.body(Body::from(body)) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            // Only the head: the body of an event stream never ends.
            tower::ServiceExt::oneshot(Api::new().router, request).await.unwrap().status()
        });
        prop_assert!(!status.is_server_error(), "{status} for {path}");
    }
}
