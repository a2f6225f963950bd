//! A mail system in memory, a clock moved by hand, and a client.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mail::{Clock, Monotonic, Wall};
use pop3::{Backend, Maildrop, MaildropError, MessageInfo, OpenError, Server, Settings};
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
    pub mails: Mutex<Vec<Vec<u8>>>,
    /// The exclusive lock of the maildrop.
    locked: AtomicBool,
    /// Woken when the lock is given back.
    pub unlocked: Notify,
    /// Woken when a commit begins; it goes on when `go_on` is.
    pub committing: Notify,
    pub go_on: Notify,
    /// Whether commits wait for `go_on`.
    pub slow: AtomicBool,
}

impl Mailbox {
    pub fn is_locked(&self) -> bool {
        self.locked.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Default, Clone)]
pub struct Memory(pub Arc<Mailbox>);

struct Locked {
    mailbox: Arc<Mailbox>,
    messages: Vec<MessageInfo>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.mailbox.locked.store(false, Ordering::SeqCst);
        self.mailbox.unlocked.notify_one();
    }
}

#[async_trait]
impl Backend for Memory {
    async fn open(&self, _login: &str, password: &str) -> Result<Box<dyn Maildrop>, OpenError> {
        match password {
            "secret" => {}
            "never" => std::future::pending().await,
            _ => return Err(OpenError::InvalidCredentials("wrong password".into())),
        }
        if self.0.locked.swap(true, Ordering::SeqCst) {
            return Err(OpenError::InUse);
        }
        let mails = self.0.mails.lock().expect("no test panics holding it");
        let info = |(index, mail): (usize, &Vec<u8>)| MessageInfo {
            uidl: format!("id{index}"),
            size: mail.len() as u64,
        };
        let messages = mails.iter().enumerate().map(info).collect();
        Ok(Box::new(Locked { mailbox: Arc::clone(&self.0), messages }))
    }
}

#[async_trait]
impl Maildrop for Locked {
    fn messages(&self) -> &[MessageInfo] {
        &self.messages
    }

    async fn read(&mut self, index: usize, offset: u64, max: usize) -> Result<Bytes, MaildropError> {
        let mails = self.mailbox.mails.lock().expect("no test panics holding it");
        let start = usize::try_from(offset).expect("it fits memory");
        Ok(Bytes::copy_from_slice(&mails[index][start..start + max]))
    }

    async fn commit(self: Box<Self>, deleted: &[usize]) -> Result<(), MaildropError> {
        if self.mailbox.slow.load(Ordering::SeqCst) {
            self.mailbox.committing.notify_one();
            self.mailbox.go_on.notified().await;
        }
        let mut mails = self.mailbox.mails.lock().expect("no test panics holding it");
        for index in deleted.iter().rev() {
            mails.remove(*index);
        }
        Ok(())
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
    pub async fn start(mails: &[&[u8]], change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let memory = Memory::default();
        let owned = mails.iter().map(|mail| mail.to_vec());
        memory.0.mails.lock().expect("nobody else has it").extend(owned);
        let clock = Arc::new(ManualClock::default());
        let mut settings = Settings::default();
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

    /// A client after greeting and login.
    pub async fn login(&self) -> Client {
        let mut client = self.connect().await;
        client.expect("+OK").await;
        client.ask("USER ann", "+OK").await;
        client.ask("PASS secret", "+OK").await;
        client
    }

    pub async fn wait_until_unlocked(&self) {
        soon(async {
            while self.mailbox.is_locked() {
                self.mailbox.unlocked.notified().await;
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

    /// Everything up to and with `end`.
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

    /// One line.
    pub async fn reply(&mut self) -> String {
        self.until("\r\n").await
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
