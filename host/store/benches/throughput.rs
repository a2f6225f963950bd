//! Measures the store alone: `cargo bench -p store --bench throughput -- [MAILS] [DIR]`.
//!
//! Prints mails of 4 KB put into the outbox with an fsync at 1, 10 and 50 callers, reads from a mailbox of MAILS (100 000) mails, opening it
//! after a clean end and after a kill, the memory it takes, and a body of 50 MB.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use clock::SystemClock;
use mail::record::{Account, ArrivalKey, BodyId, MailboxEntry, Marks, OutboxEntry, Partial, Route};
use mail::storage::{Bodies as _, Outbox as _, Reception as _, StorageError};
use mail::{AccountName, Address, BodyDigest, Clock, Envelope, MailId, PublicKey, ReversePath, Wall};
use store::{NewMail, OpenOptions, Store};
use tokio::task::JoinSet;

const BODY_BYTES: usize = 4096;
const PREFIX: &[u8] = b"Received: from [127.0.0.1] by toxmail; Sun, 22 Nov 2026 12:00:00 +0000\r\n";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mails: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let base = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    if std::env::var_os("STORE_ABORT").is_some() {
        return fill_and_abort(&base, mails);
    }
    let dir = tempfile::tempdir_in(base)?;
    disk(dir.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        enqueue(&dir.path().join("outbox")).await?;
        large(&dir.path().join("large")).await
    })?;
    mailbox(&dir.path().join("mailbox"), mails, &runtime)
}

fn time() -> Duration {
    static CLOCK: LazyLock<SystemClock> = LazyLock::new(SystemClock::new);
    CLOCK.monotonic().0
}

fn open(dir: &Path) -> Result<Store, Failure> {
    Ok(Store::open(dir, OpenOptions::new(Arc::new(SystemClock::new())))?)
}

fn account() -> AccountName {
    "alice".parse().unwrap_or_else(|_| unreachable!("a valid name"))
}

fn address() -> Address {
    Address::at_tox("alice").unwrap_or_else(|_| unreachable!("a valid address"))
}

fn envelope() -> Envelope {
    Envelope::new(ReversePath::Mailbox(address()), address())
}

async fn with_account(dir: &Path) -> Result<Store, Failure> {
    let store = open(dir)?;
    let record = Account { id: 0, name: account(), owner: true, addresses: Vec::new(), created: Wall(0) };
    store.create_account(record, None, "hash".to_owned()).await?;
    Ok(store)
}

fn entry(id: u64, body: BodyId, size: u64) -> OutboxEntry {
    let mut bytes = [0; 16];
    // Spread over the table as random ids are.
    bytes[..8].copy_from_slice(&id.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    OutboxEntry {
        id: MailId(bytes),
        account: account(),
        envelope: envelope(),
        route: Route::Local(account()),
        prefix: PREFIX.to_vec(),
        body,
        size: size + PREFIX.len() as u64,
        digest: BodyDigest([1; 32]),
        created: Wall(0),
        expires: Wall(1),
        attempts: 0,
        next_attempt: None,
        last_problem: None,
        marks: Marks::default(),
    }
}

/// What the disk does at the time: the rest is to be read beside it.
fn disk(dir: &Path) -> Result<(), Failure> {
    let mut file = std::fs::File::create(dir.join("disk"))?;
    let start = time();
    for _ in 0..1000 {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    println!("the disk: {:.0} appends of 4 KB with fdatasync/s", 1000.0 / (time() - start).as_secs_f64());
    Ok(())
}

async fn enqueue(dir: &Path) -> Result<(), Failure> {
    let store = with_account(dir).await?;
    let mut next_id = 0;
    for callers in [1_u64, 10, 50] {
        let each = 20_000 / (60 / callers.min(6)) / callers + 100;
        let start = time();
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (store, first) = (store.clone(), next_id);
            next_id += each;
            tasks.spawn(async move {
                for id in first..first + each {
                    let mut writer = store.new_body();
                    writer.write(Bytes::from(vec![b'x'; BODY_BYTES])).await?;
                    let body = writer.finish().await?;
                    store.enqueue(body, vec![entry(id, body.id, body.size)], Vec::new()).await?;
                }
                Ok::<(), StorageError>(())
            });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        let took = time() - start;
        println!(
            "enqueue, {callers:2} callers: {:6.0} mails/s ({:.2} ms each)",
            (each * callers) as f64 / took.as_secs_f64(),
            took.as_secs_f64() * 1000.0 / each as f64
        );
    }
    Ok(())
}

async fn large(dir: &Path) -> Result<(), Failure> {
    let store = with_account(dir).await?;
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let size = 50_000_000_u64;
    let start = time();
    let mut writer = store.new_body();
    let mut left = size;
    while left > 0 {
        let part = piece.slice(..piece.len().min(usize::try_from(left)?));
        left -= part.len() as u64;
        writer.write(part).await?;
    }
    let body = writer.finish().await?;
    store.enqueue(body, vec![entry(1, body.id, body.size)], Vec::new()).await?;
    println!("submission of 50 MB: {:.0} MB/s", 50.0 / (time() - start).as_secs_f64());

    let start = time();
    let mut offset = 0;
    while offset < size {
        offset += store.read_body(body.id, offset, 64 * 1024).await?.len() as u64;
    }
    println!("reading 50 MB: {:.0} MB/s", 50.0 / (time() - start).as_secs_f64());

    let key = ArrivalKey { sender: PublicKey([1; 32]), account: account(), mail: MailId([1; 16]) };
    let partial = Partial {
        body: BodyId(0),
        durable: 0,
        size,
        digest: BodyDigest([1; 32]),
        envelope: envelope(),
        touched: Wall(0),
    };
    let start = time();
    store.begin_partial(&key, partial).await?;
    let mut offset = 0;
    while offset < size {
        let part = piece.slice(..piece.len().min(usize::try_from(size - offset)?));
        store.append_partial(&key, offset, part.clone()).await?;
        offset += part.len() as u64;
    }
    while store.partial(&key).await?.is_some_and(|partial| partial.durable < size) {
        tokio::task::yield_now().await;
    }
    println!("reception of 50 MB: {:.0} MB/s", 50.0 / (time() - start).as_secs_f64());
    Ok(())
}

async fn deliver(store: &Store) -> Result<(), StorageError> {
    let mut writer = store.new_body();
    writer.write(Bytes::from(vec![b'x'; BODY_BYTES])).await?;
    let body = writer.finish().await?;
    let entry = MailboxEntry {
        number: 0,
        uidl: MailId([0; 16]),
        received: Wall(0),
        prefix: PREFIX.to_vec(),
        body: body.id,
        size: body.size + PREFIX.len() as u64,
        sender: None,
        envelope: envelope(),
    };
    store.deliver_own(NewMail { account: account(), entry, quarantine: None }, body).await
}

async fn fill(dir: &Path, mails: u64) -> Result<Store, Failure> {
    let store = with_account(dir).await?;
    let mut tasks = JoinSet::new();
    for caller in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in (caller..mails).step_by(50) {
                deliver(&store).await?;
            }
            Ok::<(), StorageError>(())
        });
    }
    while let Some(result) = tasks.join_next().await {
        result??;
    }
    Ok(store)
}

/// How long reads take while one caller delivers, and how fast that is in a large file.
async fn beside_a_writer(store: &Store, mails: usize) -> Result<(), Failure> {
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            let start = time();
            for _ in 0..2000 {
                deliver(&store).await?;
            }
            Ok::<_, StorageError>(2000.0 / (time() - start).as_secs_f64())
        })
    };
    let mut times = Vec::new();
    while !writing.is_finished() {
        let number = 1 + (times.len() as u64).wrapping_mul(7919) % mails as u64;
        let start = time();
        store.mailbox_read(&account(), number, 0, 64 * 1024).await?;
        times.push(time() - start);
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 1000).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    println!("one caller in a large file: {:.0} mails/s", writing.await??);
    println!("reads meanwhile: median {:.0} us, 99 % {:.0} us, 99.9 % {:.0} us", at(500), at(990), at(999));
    Ok(())
}

/// The child process: ends without closing anything.
fn fill_and_abort(dir: &Path, mails: u64) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let start = time();
    let _store = runtime.block_on(fill(dir, mails))?;
    println!(
        "delivering {mails} mails, 50 callers: {:.0} mails/s",
        mails as f64 / (time() - start).as_secs_f64()
    );
    println!("resident after that: {} MB", resident()?);
    std::process::abort();
}

fn mailbox(dir: &Path, mails: u64, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
    let child = std::process::Command::new(std::env::current_exe()?)
        .args([mails.to_string().as_str(), &dir.to_string_lossy()])
        .env("STORE_ABORT", "1")
        .status()?;
    println!("the child ended with {child}");
    let start = time();
    let store = open(dir)?;
    println!("opening after a kill, {mails} mails: {:.1} ms", (time() - start).as_secs_f64() * 1000.0);
    store.close();
    drop(store);
    let start = time();
    let store = open(dir)?;
    println!("opening after a clean end: {:.1} ms", (time() - start).as_secs_f64() * 1000.0);
    println!("resident: {} MB", resident()?);
    runtime.block_on(async {
        let start = time();
        let list = store.mailbox_list(&account()).await?;
        println!("listing {} mails: {:.1} ms", list.len(), (time() - start).as_secs_f64() * 1000.0);
        let start = time();
        let mut bytes = 0;
        for item in &list {
            bytes += store.mailbox_read(&account(), item.number, 0, 64 * 1024).await?.len();
        }
        let took = time() - start;
        println!(
            "mailbox_read: {:.0}/s, {:.1} us each, {bytes} bytes",
            list.len() as f64 / took.as_secs_f64(),
            took.as_secs_f64() * 1e6 / list.len() as f64
        );
        println!("resident after reading all: {} MB", resident()?);
        beside_a_writer(&store, list.len()).await?;
        let numbers = list.iter().map(|item| item.number).collect();
        let start = time();
        store.mailbox_delete(&account(), numbers).await?;
        println!("deleting all: {:.2} s", (time() - start).as_secs_f64());
        println!("resident after deleting all: {} MB", resident()?);
        Ok(())
    })
}

/// Resident memory of this process, MB.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}
