//! Durable deposits a second, bytes on disk per cell, start after a clean stop and after a kill, erasing.
//!
//! The layers are `drops::board` and `drops::cells` (every commit with fsync), no Tox, one thread.
//!
//! `cargo run --release -p drops --example store [CELLS [DIR]]`: 20 000 cells by default; 1 000 000 is the long mode (needs 17 GB).

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used)] // Measuring needs the real clock.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drops::admission::{Admission, Difficulty};
use drops::board::shelf::{Batch, Held, NewCell, Totals};
use drops::board::{Board, Now, Quotas, SessionId, Shelf};
use drops::cell::{BoardKey, Cell, Name};
use drops::cells::CellStore;
use drops::limits::CELL_BYTES;
use drops::message::Request;
use drops::point::Secret;
use drops::stamp::Stamp;
use drops::ttl::Ttl;
use mail::{Monotonic, PublicKey, Wall};
use rand_core::{OsRng, RngCore};

const BOARD: BoardKey = PublicKey([9; 32]);
const CACHE: usize = 64 * 1024 * 1024;
const TO_BE_KILLED: &str = "DROPS_STORE_TO_BE_KILLED";
const BATCH: u64 = 128;
const SEGMENT: u64 = 1_024;

fn main() {
    if let Some(path) = std::env::var_os(TO_BE_KILLED) {
        fill_until_killed(Path::new(&path));
    }
    let mut arguments = std::env::args().skip(1);
    let cells: u64 = arguments.next().map_or(20_000, |text| text.parse().expect("a number of cells"));
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("drops-store-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for at_once in [1, 10, 100] {
        deposits(&dir.join(format!("deposits-{at_once}.redb")), at_once);
    }
    let path = dir.join("cells.redb");
    fill(&path, cells);
    kill_and_open(&path);
    erase(&path, cells);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn now() -> Now {
    Now { wall: Wall(20_000 * 24 * 3_600_000), monotonic: Monotonic(Duration::ZERO) }
}

fn random_cell() -> Cell {
    let mut bytes = vec![0; CELL_BYTES];
    OsRng.fill_bytes(&mut bytes);
    bytes[..32].copy_from_slice(&Secret::random(&mut OsRng).point().0);
    Cell::try_from(Bytes::from(bytes)).unwrap()
}

/// The whole way of deposits: message, checks, policy, shared commit, receipt. Then one reader takes it all.
fn deposits(path: &Path, at_once: usize) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let quotas = Quotas { day_cells: 1_000_000, difficulty: Difficulty([0; 4]), ..Quotas::default() };
    let mut board = Board::open(BOARD, quotas, &store, now(), &mut OsRng).unwrap();
    let count = if at_once == 1 { 500 } else { 3_000 };
    let messages: Vec<Bytes> = (0..count)
        .map(|_| {
            // With difficulty 0 any stamp is worth enough.
            let admission = Admission::Stamp(Stamp { day: 20_000, segment: 0, nonce: 0 });
            Bytes::from(Request::Deposit { ttl: Ttl::Day, admission, cell: random_cell() }.encode(1))
        })
        .collect();
    let (mut receipts, start) = (0, Instant::now());
    for group in messages.chunks(at_once) {
        let sessions: Vec<SessionId> = group
            .iter()
            .map(|message| {
                let session = board.connect(now());
                board.receive(&store, session, message, now(), &mut OsRng);
                session
            })
            .collect();
        while let Some(question) = board.next_question() {
            board.decide(question.ticket, Ok(()));
        }
        while let Some(batch) = board.next_batch(&store, now(), &mut OsRng).unwrap() {
            let result = store.commit(&batch);
            board.committed(result, now());
        }
        for session in sessions {
            receipts += usize::from(board.next_answer(&store, session, now()).is_some());
            board.disconnect(session);
        }
    }
    let rate = receipts as f64 / start.elapsed().as_secs_f64();
    let reader = board.connect(now());
    let start = Instant::now();
    board.receive(&store, reader, &Bytes::from(Request::Follow.encode(1)), now(), &mut OsRng);
    let sent = std::iter::from_fn(|| board.next_answer(&store, reader, now())).count();
    let reading = sent as f64 / start.elapsed().as_secs_f64();
    println!("deposits, {at_once:3} at once: {rate:6.0}/s durable; reading {reading:6.0} cells/s");
}

fn batch(first: u64, cells: Vec<Cell>) -> Batch {
    let held = |cell: &Cell, number: u64| Held {
        segment: (number / SEGMENT) as u32,
        digest: cell.digest(),
        ttl: Ttl::Week,
        until: Wall(0),
    };
    let count = cells.len() as u64;
    let news = cells.into_iter().zip(first..).map(|(cell, number)| NewCell {
        name: cell.name(),
        held: held(&cell, number),
        cell,
    });
    Batch {
        cells: news.collect(),
        totals: Totals { cells: first + count, ..Totals::default() },
        ..Batch::default()
    }
}

/// Cells with random names; their points need not lie on the curve here.
fn quick_cell() -> Cell {
    let mut bytes = vec![7; CELL_BYTES];
    OsRng.fill_bytes(&mut bytes[..64]);
    Cell::try_from(Bytes::from(bytes)).unwrap()
}

fn fill(path: &Path, cells: u64) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let start = Instant::now();
    for first in (0..cells).step_by(BATCH as usize) {
        let count = BATCH.min(cells - first);
        store.commit(&batch(first, (0..count).map(|_| quick_cell()).collect())).unwrap();
    }
    let rate = cells as f64 / start.elapsed().as_secs_f64();
    println!("filled with {cells} cells, {BATCH} in a commit: {rate:.0}/s; memory {} MB", memory());
    drop(store);
    let file = std::fs::metadata(path).unwrap();
    let per_cell = |bytes: u64| bytes as f64 / cells as f64 / CELL_BYTES as f64;
    println!(
        "on disk {:.3} of the cells' size (length of the file: {:.3})",
        per_cell(file.blocks() * 512),
        per_cell(file.len())
    );
    time("start after a clean stop", || open_and_ask(path));
}

fn open_and_ask(path: &Path) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    store.load().unwrap();
    assert!(store.held(&Name([1; 32])).unwrap().is_none());
}

fn time(what: &str, f: impl FnOnce()) {
    let start = Instant::now();
    f();
    println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
}

/// The child: commits until it is killed.
fn fill_until_killed(path: &Path) -> ! {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let mut first = store.load().unwrap().totals.map_or(0, |totals| totals.cells);
    loop {
        store.commit(&batch(first, (0..BATCH).map(|_| quick_cell()).collect())).unwrap();
        first += BATCH;
    }
}

fn kill_and_open(path: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap()).env(TO_BE_KILLED, path).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    time("start after kill -9 in the middle of commits", || open_and_ask(path));
}

fn erase(path: &Path, cells: u64) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let start = Instant::now();
    let mut erased = 0;
    for segment in 0..(cells / SEGMENT) as u32 {
        let names: Vec<Name> = store.entries(segment).unwrap().iter().map(|entry| entry.name).collect();
        for part in names.chunks(256) {
            let part: Vec<(u32, Name)> = part.iter().map(|name| (segment, *name)).collect();
            erased += part.len();
            store.commit(&Batch { erased: part, ..Batch::default() }).unwrap();
        }
    }
    let rate = erased as f64 / start.elapsed().as_secs_f64();
    println!("erased {erased} cells, 256 in a commit: {rate:.0}/s; memory {} MB", memory());
}

/// Resident memory of this process, MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
}
