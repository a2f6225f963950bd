//! The dashboard over a small gateway in memory: to look at pages without a network. Log in as `anna` with `correct horse`,
//! or as `bob` with `battery staple`, at the address it prints.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "shared with the tests")]

#[path = "../tests/api/memory.rs"]
mod memory;

use std::sync::Arc;

use admin::{Access, EventLog, Token};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let clock = memory::clock();
    let events = EventLog::new(clock.clone());
    let access = Access::new(Token::from_random(&[7; 32]), Arc::new(memory::Passwords::default()), clock);
    events.publish(
        "submitted",
        Some(&"anna".parse().unwrap()),
        &serde_json::json!({ "id": memory::mail_id(1) }),
    );
    events.publish("contacts-changed", Some(&"anna".parse().unwrap()), &serde_json::json!({}));
    let router = admin::router(Arc::new(memory::Memory::default()), events, access);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}/", listener.local_addr().unwrap());
    admin::serve(listener, None, router, CancellationToken::new()).await;
}
