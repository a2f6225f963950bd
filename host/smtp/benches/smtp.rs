//! How fast the server is alone: mails of 4 KB into a backend that keeps nothing.
//!
//!     cargo bench -p smtp --bench smtp
//!
//! Prints mails a second for the state machine in memory, then over loopback sockets with 1, 10 and 50 sessions whose
//! clients send a mail, wait for its 250, and send the next. No disk: what the store costs comes on top.
//! The clients run on a thread of their own, as other processes do. (As tasks of the server's runtime they would often
//! take turns with it on one thread, which spares the wake-ups and makes a single session look several times faster.)

use std::future::Future;
use std::hint::black_box;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use clock::SystemClock;
use listener::testing::apart;
use mail::sasl::Credentials;
use mail::{AccountName, Refusal};
use smtp::session::Event;
use smtp::{AuthenticationError, Backend, MailFrom, Recipient, Server, Session, Settings, Transaction};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const LOGIN: &[u8] = b"EHLO bench\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n";
const ENVELOPE: &[u8] = b"MAIL FROM:<ann@tox>\r\nRCPT TO:<bob@tox>\r\nDATA\r\n";
const MAILS: u32 = 20_000;

/// Counts what arrives whole: the figures are only printed if it is what was sent.
#[derive(Default)]
struct Nowhere {
    mails: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

struct Count {
    size: usize,
    mails: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

#[async_trait]
impl Backend for Nowhere {
    type Login = AccountName;

    async fn authenticate(
        &self,
        credentials: &Credentials,
        _source: IpAddr,
    ) -> Result<AccountName, AuthenticationError> {
        credentials.login.parse().map_err(|_| AuthenticationError::Invalid("no such account".into()))
    }

    fn is_current(&self, _login: &AccountName) -> bool {
        true
    }

    async fn begin(
        &self,
        _account: &AccountName,
        _mail: MailFrom,
        _is_over_tls: bool,
    ) -> Result<Box<dyn Transaction>, Refusal> {
        Ok(Box::new(Count { size: 0, mails: Arc::clone(&self.mails), bytes: Arc::clone(&self.bytes) }))
    }
}

#[async_trait]
impl Transaction for Count {
    async fn recipient(&mut self, _recipient: Recipient) -> Result<(), Refusal> {
        Ok(())
    }

    async fn data(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        self.size += black_box(bytes).len();
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<String, Refusal> {
        self.mails.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(self.size as u64, Ordering::Relaxed);
        Ok(format!("{} bytes", self.size))
    }
}

fn text() -> Vec<u8> {
    let mut text = b"From: ann@tox\r\nTo: bob@tox\r\nSubject: bench\r\n\r\n".to_vec();
    while text.len() < 4096 {
        text.extend_from_slice(
            b"A line of seventy-six characters as mail programs make them, more or less\r\n",
        );
    }
    text.extend_from_slice(b".\r\n");
    text
}

fn report(what: &str, mails: u32, since: Instant) {
    println!("{what:<44} {:>9.0} mails/s", f64::from(mails) / since.elapsed().as_secs_f64());
}

/// The protocol alone: no socket, no task.
fn state_machine() {
    let mut session = Session::new(Arc::new(Settings::new("bench")));
    let (mut input, mut output) = (BytesMut::from(LOGIN), BytesMut::new());
    let mail = [ENVELOPE, &text()].concat();
    let mut finished = 0;
    let since = Instant::now();
    for _ in 0..=MAILS {
        loop {
            match session.next(&mut input, &mut output) {
                Event::Read | Event::Close => break,
                Event::Authenticate(_) => session.authenticated(Ok(()), &mut output),
                Event::Finish => {
                    finished += 1;
                    session.finished(Ok("stored".into()), &mut output);
                }
                Event::Flush | Event::Abort => {}
                question => {
                    black_box(question);
                    session.answer(Ok(()), &mut output);
                }
            }
        }
        output.clear();
        input.extend_from_slice(&mail);
    }
    report("state machine, in memory", MAILS, since);
    assert_eq!(finished, MAILS, "every mail was finished");
}

async fn read_until(stream: &mut TcpStream, buffer: &mut Vec<u8>, start: &[u8]) -> io::Result<()> {
    loop {
        if let Some(at) = memchr::memmem::find(buffer, start)
            && let Some(end) = memchr::memmem::find(buffer.get(at..).unwrap_or_default(), b"\r\n")
        {
            buffer.drain(..at + end + 2);
            return Ok(());
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn client(address: std::net::SocketAddr, mails: u32) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut buffer, text) = (Vec::new(), text());
    stream.write_all(LOGIN).await?;
    read_until(&mut stream, &mut buffer, b"235 ").await?;
    for _ in 0..mails {
        stream.write_all(ENVELOPE).await?;
        read_until(&mut stream, &mut buffer, b"354 ").await?;
        stream.write_all(&text).await?;
        read_until(&mut stream, &mut buffer, b"250 2.0.0").await?;
    }
    Ok(())
}

async fn with_server<F: Future<Output = io::Result<()>>>(
    run: impl FnOnce(std::net::SocketAddr) -> F,
) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let cancel = CancellationToken::new();
    let clock = Arc::new(SystemClock::new());
    let backend = Arc::new(Nowhere::default());
    let server = Server::new(listener, Arc::clone(&backend), Settings::new("bench"), clock);
    let server = tokio::spawn(server.run(cancel.clone()));
    let result = run(address).await;
    cancel.cancel();
    server.await?;
    let (mails, bytes) = (backend.mails.load(Ordering::Relaxed), backend.bytes.load(Ordering::Relaxed));
    assert_eq!(mails, u64::from(MAILS), "every mail arrived");
    assert_eq!(bytes, mails * (text().len() as u64 - 3), "and whole");
    result
}

#[tokio::main]
async fn main() -> io::Result<()> {
    state_machine();
    for sessions in [1, 10, 50] {
        with_server(|address| {
            apart(async move {
                let since = Instant::now();
                let mut clients = JoinSet::new();
                for _ in 0..sessions {
                    clients.spawn(client(address, MAILS / sessions));
                }
                while let Some(ended) = clients.join_next().await {
                    ended??;
                }
                report(&format!("loopback sockets, {sessions} sessions"), MAILS, since);
                Ok(())
            })
        })
        .await?;
    }
    Ok(())
}
