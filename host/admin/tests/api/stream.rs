//! Server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use http_body_util::BodyExt;
use mail::AccountName;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::client::{Api, request};

/// The fields of one event.
#[derive(Debug, PartialEq)]
struct Received {
    id: u64,
    kind: String,
    data: Value,
}

/// Reads events off a body.
struct Reader {
    body: Body,
    text: String,
}

impl Reader {
    async fn open(api: &Api, path: &str, last: Option<u64>) -> Self {
        let mut request = request(Method::GET, path, None);
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.to_string().parse().unwrap());
        }
        let response = api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    async fn next(&mut self) -> Received {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let prefix = format!("{name}: ");
                    block.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
                };
                let received = field("id").map(|id| {
                    let data: Value = serde_json::from_str(&field("data").unwrap()).unwrap();
                    // Only the note that events were missed has a type; an event says itself what it is.
                    let kind = field("event").unwrap_or_else(|| data["kind"].as_str().unwrap().to_owned());
                    Received { id: id.parse().unwrap(), kind, data }
                });
                self.text = rest.to_owned();
                match received {
                    Some(received) => return received,
                    // A comment that keeps the connection alive.
                    None => continue,
                }
            }
            let frame = tokio::time::timeout(Duration::from_secs(60), self.body.frame()).await.unwrap();
            self.text.push_str(std::str::from_utf8(frame.unwrap().unwrap().data_ref().unwrap()).unwrap());
        }
    }
}

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

#[tokio::test]
async fn events_arrive_as_they_happen() {
    let api = Api::new();
    let mut reader = Reader::open(&api, "/api/v1/events", None).await;
    api.events.publish("submitted", Some(&name("anna")), &json!({ "mail": "01" }));
    let received = reader.next().await;
    assert_eq!(received.kind, "submitted");
    assert_eq!(received.data["id"], received.id);
    assert_eq!(received.data["account"], "anna");
    assert_eq!(received.data["data"], json!({ "mail": "01" }));
    assert_eq!(received.data["time"], "2023-11-14T22:13:20Z");
    assert!(received.id < 1 << 53);
}

#[tokio::test]
async fn a_listener_goes_on_where_it_was() {
    let api = Api::new();
    let mut reader = Reader::open(&api, "/api/v1/events", None).await;
    for number in 0..3 {
        api.events.publish("n", None, &number);
    }
    let first = reader.next().await;
    let mut again = Reader::open(&api, "/api/v1/events", Some(first.id)).await;
    assert_eq!(again.next().await.data["data"], 1);
    assert_eq!(again.next().await.data["data"], 2);
    let mut from_another_run = Reader::open(&api, "/api/v1/events", Some(5)).await;
    assert_eq!(from_another_run.next().await.kind, "gap");
    assert_eq!(from_another_run.next().await, first);
}

#[tokio::test]
async fn an_account_hears_of_itself_and_of_the_gateway() {
    let api = Api::new();
    let mut reader = Reader::open(&api, "/api/v1/events?account=bob", None).await;
    api.events.publish("a", Some(&name("anna")), &0);
    api.events.publish("b", Some(&name("bob")), &0);
    api.events.publish("c", None, &0);
    assert_eq!(reader.next().await.kind, "b");
    assert_eq!(reader.next().await.kind, "c");
}

#[tokio::test]
async fn an_id_is_a_number() {
    let mut request = request(Method::GET, "/api/v1/events", None);
    request.headers_mut().insert("last-event-id", "x".parse().unwrap());
    let answer = Api::new().send(request).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_thousand_event_listeners_and_no_more() {
    let api = Api::new();
    let mut readers = Vec::new();
    for _ in 0..admin::limits::EVENT_LISTENERS {
        readers.push(Reader::open(&api, "/api/v1/events", None).await);
    }
    let answer = api.get("/api/v1/events").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    api.events.publish("all", None, &0);
    for reader in &mut readers {
        assert_eq!(reader.next().await.kind, "all");
    }
    // Who leaves makes room.
    readers.pop();
    Reader::open(&api, "/api/v1/events", None).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_shows_that_it_lives() {
    let api = Api::new();
    let mut reader = Reader::open(&api, "/api/v1/events", None).await;
    let frame = reader.body.frame().await.unwrap().unwrap();
    assert_eq!(frame.data_ref().unwrap().first(), Some(&b':'));
}
