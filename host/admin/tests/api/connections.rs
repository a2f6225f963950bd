//! Real connections: bounds of time and number, and stopping.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Api, TOKEN};

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    api: Api,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, api) = (CancellationToken::new(), Api::new());
        let task = tokio::spawn(admin::serve(listener, None, api.router.clone(), stop.clone()));
        Self { address, stop, task, api }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `text` and reads until the server closes.
    async fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = String::new();
    while !answer.contains(end) {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "closed after: {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    answer
}

fn head(method: &str, path: &str, fields: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{fields}\r\n")
}

#[tokio::test]
async fn requests_are_answered_one_after_another() {
    let server = Server::start().await;
    let two = head("GET", "/api/v1/status", "") + &head("GET", "/health", "Connection: close\r\n");
    let answer = server.exchange(&two).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("HTTP/1.1 204 No Content\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn slow_bodies_and_heads_are_not_waited_for() {
    let server = Server::start().await;
    // Nothing; half a head; half a body; a body with no end; half a component.
    let json = "Content-Type: application/json\r\n";
    let wasm = "Content-Type: application/wasm\r\n";
    for (text, status) in [
        (String::new(), ""),
        ("GET /health HTTP/1.1\r\nHost: loc".to_owned(), ""),
        (head("POST", "/api/v1/contacts", &format!("{json}Content-Length: 100\r\n")) + "{", "408"),
        (
            head("POST", "/api/v1/contacts", &format!("{json}Transfer-Encoding: chunked\r\n")) + "1\r\n{\r\n",
            "408",
        ),
        (head("POST", "/api/v1/components?name=a", &format!("{wasm}Content-Length: 100\r\n")) + "x", "408"),
    ] {
        let answer = server.exchange(&text).await;
        let got = answer.split(' ').nth(1).unwrap_or_default();
        assert!(got == status || (status.is_empty() && got == "408"), "{text}: {answer}");
    }
}

#[tokio::test]
async fn an_upload_of_1_gb_that_is_announced_is_refused_unread() {
    let server = Server::start().await;
    for (path, content_type) in
        [("/api/v1/components?name=a", "application/wasm"), ("/api/v1/contacts", "application/json")]
    {
        let fields = format!("Content-Type: {content_type}\r\nContent-Length: 1000000000\r\n");
        let answer = server.exchange(&head("POST", path, &fields)).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
    }
    let endless = "x: y\r\n".repeat(20_000);
    let answer = server.exchange(&head("GET", "/health", &endless)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn an_upload_without_end_is_cut_off() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let fields = "Content-Type: application/wasm\r\nTransfer-Encoding: chunked\r\n";
    stream.write_all(head("POST", "/api/v1/components?name=a", fields).as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
    let mut sent = 0_usize;
    while stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += 1 << 20;
        assert!(sent < 2 * admin::limits::COMPONENT_BYTES, "the server takes everything");
    }
    assert!(server.api.memory.uploads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn two_uploads_at_once_and_no_more() {
    let server = Server::start().await;
    let fields = "Content-Type: application/wasm\r\nContent-Length: 100\r\nExpect: 100-continue\r\n";
    let upload = head("POST", "/api/v1/components?name=a", fields);
    let mut streams = Vec::new();
    for _ in 0..admin::limits::UPLOADS {
        let mut stream = server.connect().await;
        stream.write_all(upload.as_bytes()).await.unwrap();
        // The server reads the body now: the place is taken.
        read_until(&mut stream, "100 Continue").await;
        streams.push(stream);
    }
    let answer = server.exchange(&upload).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    for mut stream in streams {
        stream.write_all(&[b'x'; 100]).await.unwrap();
        read_until(&mut stream, "201 Created").await;
    }
    assert_eq!(*server.api.memory.uploads.lock().unwrap(), [100, 100]);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait() {
    let server = Server::start().await;
    let mut streams = Vec::new();
    for _ in 0..admin::limits::CONNECTIONS {
        let mut stream = server.connect().await;
        stream.write_all(head("GET", "/api/v1/events", "").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    // Every one of them is served: a stream, or a refusal on a connection that stays.
    for stream in &mut streams {
        read_until(stream, "\r\n\r\n").await;
    }
    let mut waiting = server.connect().await;
    waiting.write_all(head("GET", "/health", "Connection: close\r\n").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), waiting.readable()).await;
    assert!(early.is_err(), "answered beyond the bound");
    streams.truncate(10);
    assert!(read_all(&mut waiting).await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn a_stop_ends_event_streams_at_once() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(head("GET", "/api/v1/events", "").as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    let mut idle = server.connect().await;
    idle.write_all(head("GET", "/health", "").as_bytes()).await.unwrap();
    read_until(&mut idle, "\r\n\r\n").await;
    let start = tokio::time::Instant::now();
    server.stop.cancel();
    server.task.await.unwrap();
    assert!(start.elapsed() < admin::limits::STOP_TIME, "{:?}", start.elapsed());
    read_all(&mut stream).await;
    read_all(&mut idle).await;
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_who_never_ends() {
    let server = Server::start().await;
    let mut slow = server.connect().await;
    let fields = "Content-Type: application/wasm\r\nContent-Length: 100\r\nExpect: 100-continue\r\n";
    slow.write_all(head("POST", "/api/v1/components?name=a", fields).as_bytes()).await.unwrap();
    read_until(&mut slow, "100 Continue").await;
    server.stop.cancel();
    server.task.await.unwrap();
    assert!(read_all(&mut slow).await.is_empty());
}
