//! The description of the API: complete, and the same as the one in the repository.

use axum::http::{Method, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use crate::client::{Api, request};

/// The description as it was agreed on. A change of it is a change of the API: fields and routes may be added, nothing may be
/// renamed or removed. To renew it: `TOXMAIL_RENEW=1 cargo test --release -p admin openapi`, then look at the difference.
const AGREED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[tokio::test]
async fn the_description_is_the_one_that_was_agreed_on() {
    let answer = Api::new().get("/api/v1/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    let served = String::from_utf8(answer.body).unwrap() + "\n";
    if std::env::var_os("TOXMAIL_RENEW").is_some() {
        std::fs::write(AGREED, &served).unwrap();
    }
    let agreed = std::fs::read_to_string(AGREED).unwrap();
    assert!(served == agreed, "the API is not the one of {AGREED}; see there how to renew it");
}

#[tokio::test]
async fn every_described_route_is_there_and_every_reference_leads_somewhere() {
    let api = Api::new();
    let document = api.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path} {method}");
            assert!(operation["responses"]["default"].is_object(), "{path} {method}");
            assert!(
                operation["summary"].is_string() || operation["description"].is_string(),
                "{path} {method}"
            );
            let method: Method = method.to_uppercase().parse().unwrap();
            let filled = path.replace("{slot}", "policy").replace(['{', '}'], "");
            // The answer's body is not read: events have no end.
            let asked = api.router.clone().oneshot(request(method, &filled, None)).await.unwrap();
            assert_ne!(asked.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
    check_references(&document, &document);
}

fn check_references(document: &Value, value: &Value) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|value| check_references(document, value)),
        Value::Array(items) => items.iter().for_each(|value| check_references(document, value)),
        _ => {}
    }
}
