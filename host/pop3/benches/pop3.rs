//! How fast the server is alone: mails of 4 KB from a maildrop in memory.
//!
//!     cargo bench -p pop3 --bench pop3
//!
//! Prints fetches a second for the state machine in memory, then over a loopback socket: one RETR at a time, and
//! pipelined. No disk: what the store costs comes on top.
//! The clients run on a thread of their own, as other processes do. (As tasks of the server's runtime they would often
//! take turns with it on one thread, which spares the wake-ups and makes a single session look several times faster.)

use std::hint::black_box;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use clock::SystemClock;
use listener::testing::apart;
use mail::sasl::Credentials;
use pop3::session::Event;
use pop3::{Backend, Maildrop, MaildropError, MessageInfo, OpenError, Server, Session, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const LOGIN: &[u8] = b"USER ann\r\nPASS secret\r\n";
const FETCHES: u32 = 50_000;
const MESSAGES: usize = 1000;

/// The same mail at every index.
struct Memory(Bytes);

struct Copies {
    mail: Bytes,
    messages: Vec<MessageInfo>,
}

#[async_trait]
impl Backend for Memory {
    async fn open(
        &self,
        _credentials: &Credentials,
        _source: IpAddr,
    ) -> Result<Box<dyn Maildrop>, OpenError> {
        Ok(Box::new(Copies { mail: self.0.clone(), messages: messages(&self.0) }))
    }
}

#[async_trait]
impl Maildrop for Copies {
    fn messages(&self) -> &[MessageInfo] {
        &self.messages
    }

    fn is_current(&self) -> bool {
        true
    }

    async fn read(&mut self, _index: usize, offset: u64, max: usize) -> Result<Bytes, MaildropError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.mail.len());
        Ok(self.mail.slice(start..(start + max).min(self.mail.len())))
    }

    async fn commit(self: Box<Self>, _deleted: &[usize]) -> Result<(), MaildropError> {
        Ok(())
    }
}

fn mail() -> Bytes {
    let mut text = b"From: ann@tox\r\nTo: bob@tox\r\nSubject: bench\r\n\r\n".to_vec();
    while text.len() < 4096 {
        text.extend_from_slice(
            b"A line of seventy-six characters as mail programs make them, more or less\r\n",
        );
    }
    text.into()
}

fn messages(mail: &Bytes) -> Vec<MessageInfo> {
    (0..MESSAGES)
        .map(|index| MessageInfo { uidl: format!("{index:032x}"), size: mail.len() as u64 })
        .collect()
}

fn commands(count: u32) -> Vec<u8> {
    (0..count)
        .map(|number| format!("RETR {}\r\n", number as usize % MESSAGES + 1))
        .collect::<String>()
        .into_bytes()
}

fn report(what: &str, since: Instant) {
    println!("{what:<44} {:>9.0} fetches/s", f64::from(FETCHES) / since.elapsed().as_secs_f64());
}

/// The protocol alone: no socket, no task.
fn state_machine() {
    let mail = mail();
    let messages = messages(&mail);
    let mut session = Session::new(Arc::new(Settings::default()));
    let mut input = BytesMut::from([LOGIN, &commands(FETCHES)].concat().as_slice());
    let mut output = BytesMut::new();
    let mut octets = 0;
    let since = Instant::now();
    loop {
        match session.next(&mut input, &mut output, &messages) {
            Event::Read | Event::Close => {
                octets += output.len();
                break;
            }
            Event::Open(_) => session.opened(Ok(&messages), &mut output),
            Event::Fetch { .. } => session.fetched(Ok(mail.clone()), &mut output),
            _ => {
                octets += black_box(&output).len();
                output.clear();
            }
        }
    }
    report("state machine, in memory", since);
    assert!(octets >= FETCHES as usize * mail.len(), "every mail came out");
}

/// Reads `count` responses that end with a dot.
async fn read_responses(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    mut count: u32,
) -> io::Result<()> {
    let end = memchr::memmem::Finder::new(b"\r\n.\r\n");
    loop {
        let mut from = 0;
        while let Some(at) = end.find(buffer.get(from..).unwrap_or_default()) {
            from += at + 5;
            count -= 1;
        }
        if count == 0 {
            buffer.clear();
            return Ok(());
        }
        // An end may be cut in two.
        buffer.drain(..from.max(buffer.len().saturating_sub(4)));
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn connect(address: std::net::SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(LOGIN).await?;
    let mut buffer = Vec::new();
    while buffer.iter().filter(|byte| **byte == b'\n').count() < 3 {
        stream.read_buf(&mut buffer).await?;
    }
    Ok(stream)
}

async fn one_at_a_time(address: std::net::SocketAddr) -> io::Result<()> {
    let mut stream = connect(address).await?;
    let mut buffer = Vec::with_capacity(128 * 1024);
    let since = Instant::now();
    for _ in 0..FETCHES {
        stream.write_all(b"RETR 1\r\n").await?;
        read_responses(&mut stream, &mut buffer, 1).await?;
    }
    report("loopback socket, one at a time", since);
    stream.write_all(b"QUIT\r\n").await
}

async fn pipelined(address: std::net::SocketAddr) -> io::Result<()> {
    let stream = connect(address).await?;
    let (mut reader, mut writer) = stream.into_split();
    let mut buffer = Vec::with_capacity(128 * 1024);
    let since = Instant::now();
    let writing = tokio::spawn(async move {
        writer.write_all(&commands(FETCHES)).await?;
        io::Result::Ok(writer)
    });
    read_responses(&mut reader, &mut buffer, FETCHES).await?;
    report("loopback socket, pipelined", since);
    writing.await??.write_all(b"QUIT\r\n").await
}

#[tokio::main]
async fn main() -> io::Result<()> {
    state_machine();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let cancel = CancellationToken::new();
    let clock = Arc::new(SystemClock::new());
    let server = tokio::spawn(
        Server::new(listener, Arc::new(Memory(mail())), Settings::default(), clock).run(cancel.clone()),
    );
    apart(one_at_a_time(address)).await?;
    apart(pipelined(address)).await?;
    cancel.cancel();
    server.await?;
    Ok(())
}
