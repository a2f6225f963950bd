//! Requests straight into the router, and what comes back.

use admin::{Access, EventLog, Token};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use clock::ManualClock;
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;

use crate::memory::{Memory, Passwords, clock};

pub const TOKEN: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A router over an in-memory gateway.
pub struct Api {
    pub router: Router,
    pub memory: Arc<Memory>,
    pub events: EventLog,
    pub clock: Arc<ManualClock>,
    pub passwords: Arc<Passwords>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The detail of a problem, after checking that it is one.
    pub fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["title"], self.status.canonical_reason().unwrap());
        json["detail"].as_str().unwrap().to_owned()
    }
}

impl Api {
    pub fn new() -> Self {
        let memory = Arc::new(Memory::default());
        let (clock, passwords) = (clock(), memory.passwords.clone());
        let events = EventLog::new(clock.clone());
        let token: Token = TOKEN.parse().unwrap();
        let access = Access::new(token, passwords.clone(), clock.clone());
        let access = access.allow_host("Gateway.Example").unwrap();
        Self {
            router: admin::router(memory.clone(), events.clone(), access),
            memory,
            events,
            clock,
            passwords,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A request with token and host, and a JSON body if there is one.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }
}

pub fn request(method: Method, path: &str, body: Option<Value>) -> Request<Body> {
    let builder = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:8080")
        .header("authorization", format!("Bearer {TOKEN}"));
    match body {
        Some(body) => {
            builder.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
        }
        None => builder.body(Body::empty()).unwrap(),
    }
}
