//! A mail system in memory, and a server for it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use listener::testing::{self, Client, soon};
use mail::sasl::Credentials;
use mail::{AccountName, Refusal};
use smtp::{AuthenticationError, Backend, MailFrom, Recipient, Server, Settings, Transaction};
use tokio::sync::Notify;

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
    /// Whether no login holds any more.
    pub logins_end: AtomicBool,
    /// Whether the last mail came over TLS.
    pub over_tls: AtomicBool,
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
    type Login = AccountName;

    async fn authenticate(
        &self,
        credentials: &Credentials,
        _source: IpAddr,
    ) -> Result<AccountName, AuthenticationError> {
        if credentials.acts_as.as_ref().is_some_and(|acts_as| *acts_as != credentials.login) {
            return Err(AuthenticationError::OtherIdentity);
        }
        match credentials.password.as_str() {
            "secret" => Ok(credentials.login.parse().expect("tests use valid names")),
            "never" => std::future::pending().await,
            _ => Err(AuthenticationError::Invalid("wrong password".into())),
        }
    }

    fn is_current(&self, _login: &AccountName) -> bool {
        !self.0.logins_end.load(Ordering::SeqCst)
    }

    async fn begin(
        &self,
        account: &AccountName,
        mail: MailFrom,
        is_over_tls: bool,
    ) -> Result<Box<dyn Transaction>, Refusal> {
        self.0.over_tls.store(is_over_tls, Ordering::SeqCst);
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
    pub async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let memory = Memory::default();
        let backend = Arc::new(memory.clone());
        let mut settings = Settings::new("host.test");
        change(&mut settings);
        let server = testing::Running::start(|listener, clock, cancel| {
            Server::new(listener, backend, settings, clock).run(cancel)
        })
        .await;
        Self { server, mailbox: memory.0 }
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
        self.server.stopped().await;
    }
}
