use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// A client that fails the test where the server does not answer as expected.
#[derive(Debug)]
pub struct Client {
    /// The socket, for what the methods cannot do.
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects, and reads nothing yet.
    ///
    /// # Panics
    /// Where nobody listens.
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("it listens"), unread: Vec::new() }
    }

    /// Sends these bytes.
    ///
    /// # Panics
    /// Where the server does not take them.
    pub async fn send(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.expect("the server takes it");
    }

    /// Everything up to and with `end`.
    ///
    /// # Panics
    /// Where it does not come, or is not UTF-8.
    pub async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|found| found == end.as_bytes()) {
                let found: Vec<u8> = self.unread.drain(..at + end.len()).collect();
                return String::from_utf8(found).expect("tests use UTF-8");
            }
            let read = soon(self.stream.read_buf(&mut self.unread)).await.expect("the connection is whole");
            assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    /// One reply: a line, and the next ones as long as a hyphen behind the code says that more follows (RFC 5321
    /// section 4.2.1; no other protocol has it there).
    ///
    /// # Panics
    /// As [`until`](Self::until).
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.until("\r\n").await;
            reply += &line;
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// Reads a reply that has to begin with `start`.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn expect(&mut self, start: &str) {
        let reply = self.reply().await;
        assert!(reply.starts_with(start), "expected {start:?}, got {reply:?}");
    }

    /// Sends a line and reads the reply, which has to begin with `start`.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn ask(&mut self, line: &str, start: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.expect(start).await;
    }

    /// The server closed, nothing more came.
    ///
    /// # Panics
    /// Where something did, or the connection was reset.
    pub async fn expect_end(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.unread), "");
        let read = soon(self.stream.read_buf(&mut self.unread)).await.expect("closed, not reset");
        assert_eq!(read, 0, "unexpected: {:?}", String::from_utf8_lossy(&self.unread));
    }
}
