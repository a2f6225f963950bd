//! A mail system in memory, and a server for it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use listener::testing::{self, Client, soon};
use mail::sasl::Credentials;
use pop3::{Backend, Maildrop, MaildropError, MessageInfo, OpenError, Server, Settings};
use tokio::sync::Notify;

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
    /// Whether no login holds any more.
    pub logins_end: AtomicBool,
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
    async fn open(&self, credentials: &Credentials, _source: IpAddr) -> Result<Box<dyn Maildrop>, OpenError> {
        if credentials.acts_as.as_ref().is_some_and(|acts_as| *acts_as != credentials.login) {
            return Err(OpenError::OtherIdentity);
        }
        match credentials.password.as_str() {
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

    fn is_current(&self) -> bool {
        !self.mailbox.logins_end.load(Ordering::SeqCst)
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

/// The server and its mail system.
pub struct Running {
    server: testing::Running,
    pub mailbox: Arc<Mailbox>,
}

impl Deref for Running {
    type Target = testing::Running;

    fn deref(&self) -> &testing::Running {
        &self.server
    }
}

impl Running {
    pub async fn start(mails: &[&[u8]], change: impl FnOnce(&mut Settings)) -> Self {
        let memory = Memory::default();
        let owned = mails.iter().map(|mail| mail.to_vec());
        memory.0.mails.lock().expect("nobody else has it").extend(owned);
        let backend = Arc::new(memory.clone());
        let mut settings = Settings::default();
        change(&mut settings);
        let server = testing::Running::start(|listener, clock, cancel| {
            Server::new(listener, backend, settings, clock).run(cancel)
        })
        .await;
        Self { server, mailbox: memory.0 }
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
        self.server.stopped().await;
    }
}
