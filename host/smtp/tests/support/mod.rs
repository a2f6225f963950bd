//! A mail system in memory, a clock moved by hand, and a client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mail::{AccountName, Clock, Monotonic, Refusal, Wall};
use smtp::{AuthenticationError, Backend, MailFrom, Recipient, Server, Settings, Transaction};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what must happen; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails the test where `future` does not end.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes far too long")
}

/// Time stands still but for [`ManualClock::advance`].
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Duration>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(watch::Sender::new(Duration::ZERO))
    }
}

impl ManualClock {
    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now += duration);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn wall(&self) -> Wall {
        Wall(0)
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(*self.0.borrow())
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.0.subscribe();
        let until = *now.borrow() + duration;
        now.wait_for(|now| *now >= until).await.expect("the clock lives as long as the server");
    }
}

#[derive(Debug, Default)]
pub struct Mailbox {
    /// Mails that were finished.
    pub mails: Mutex<Vec<Vec<u8>>>,
    /// Transactions dropped before their end.
    pub aborted: AtomicUsize,
    /// Bytes written so far, of all mails.
    pub written: AtomicUsize,
    /// Woken when `finish` begins; it goes on when `go_on` is.
    pub finishing: Notify,
    pub go_on: Notify,
    /// Woken when something is written or aborted.
    pub changed: Notify,
}

#[derive(Debug, Default, Clone)]
pub struct Memory(pub Arc<Mailbox>);

struct Incoming {
    mailbox: Arc<Mailbox>,
    text: Vec<u8>,
    slow: bool,
    finished: bool,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.finished {
            self.mailbox.aborted.fetch_add(1, Ordering::SeqCst);
            self.mailbox.changed.notify_one();
        }
    }
}

#[async_trait]
impl Backend for Memory {
    async fn authenticate(&self, login: &str, password: &str) -> Result<AccountName, AuthenticationError> {
        match password {
            "secret" => Ok(login.parse().expect("tests use valid names")),
            "never" => std::future::pending().await,
            _ => Err(AuthenticationError::Invalid("wrong password".into())),
        }
    }

    async fn begin(&self, account: &AccountName, mail: MailFrom) -> Result<Box<dyn Transaction>, Refusal> {
        let slow = mail.envelope_id.as_deref() == Some("slow");
        if mail.reverse_path.to_string() != format!("<{account}@tox>") {
            return Err(Refusal::permanent(7, 1, "not yours"));
        }
        Ok(Box::new(Incoming { mailbox: Arc::clone(&self.0), text: Vec::new(), slow, finished: false }))
    }
}

#[async_trait]
impl Transaction for Incoming {
    async fn recipient(&mut self, recipient: Recipient) -> Result<(), Refusal> {
        match recipient.address.local() {
            "unknown" => Err(Refusal::permanent(1, 1, "unknown")),
            "never" => std::future::pending().await,
            _ => Ok(()),
        }
    }

    async fn data(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        assert!(bytes.len() <= mail::limits::BODY_CHUNK_BYTES);
        self.mailbox.written.fetch_add(bytes.len(), Ordering::SeqCst);
        self.mailbox.changed.notify_one();
        self.text.extend_from_slice(&bytes);
        if self.text.starts_with(b"full") { Err(Refusal::transient(3, 1, "disk full")) } else { Ok(()) }
    }

    async fn finish(mut self: Box<Self>) -> Result<String, Refusal> {
        if self.slow {
            self.mailbox.finishing.notify_one();
            self.mailbox.go_on.notified().await;
        }
        self.finished = true;
        self.mailbox.mails.lock().expect("no test panics holding it").push(std::mem::take(&mut self.text));
        Ok("stored".into())
    }
}

pub struct Running {
    pub address: std::net::SocketAddr,
    pub mailbox: Arc<Mailbox>,
    pub clock: Arc<ManualClock>,
    pub cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let memory = Memory::default();
        let clock = Arc::new(ManualClock::default());
        let mut settings = Settings::new("host.test");
        change(&mut settings);
        let cancel = CancellationToken::new();
        let server =
            Server::new(listener, Arc::new(memory.clone()), settings, Arc::clone(&clock) as Arc<dyn Clock>);
        let task = tokio::spawn(server.run(cancel.clone()));
        Self { address, mailbox: memory.0, clock, cancel, task }
    }

    pub async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.expect("it listens"), unread: Vec::new() }
    }

    /// A client after greeting, EHLO and AUTH.
    pub async fn login(&self) -> Client {
        let mut client = self.connect().await;
        client.expect("220").await;
        client.ask("EHLO me", "250").await;
        client.ask("AUTH PLAIN AGFubgBzZWNyZXQ=", "235").await;
        client
    }

    pub async fn wait_until(&self, condition: impl Fn(&Mailbox) -> bool) {
        soon(async {
            while !condition(&self.mailbox) {
                self.mailbox.changed.notified().await;
            }
        })
        .await;
    }

    /// Waits for the server to end after `cancel`.
    pub async fn stopped(self) {
        soon(self.task).await.expect("the server does not panic");
    }
}

pub struct Client {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub async fn send(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.expect("the server takes it");
    }

    /// One reply, all its lines.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            while let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                let line = String::from_utf8(line).expect("replies are UTF-8");
                let is_last = line.as_bytes().get(3) != Some(&b'-');
                reply += &line;
                if is_last {
                    return reply;
                }
            }
            let read = soon(self.stream.read_buf(&mut self.unread)).await.expect("the connection is whole");
            assert_ne!(read, 0, "closed instead of a reply, after {reply:?}");
        }
    }

    pub async fn expect(&mut self, start: &str) {
        let reply = self.reply().await;
        assert!(reply.starts_with(start), "expected {start:?}, got {reply:?}");
    }

    pub async fn ask(&mut self, line: &str, start: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.expect(start).await;
    }

    /// The server closed, nothing more came.
    pub async fn expect_end(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.unread), "");
        let read = soon(self.stream.read_buf(&mut self.unread)).await.expect("closed, not reset");
        assert_eq!(read, 0, "unexpected: {:?}", String::from_utf8_lossy(&self.unread));
    }
}
