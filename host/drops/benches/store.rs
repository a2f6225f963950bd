//! The board with its store, every commit with fsync, no Tox, one thread: durable deposits a second, readers served a second, bytes on
//! disk per cell; then a host with many cells: start after a clean stop and after a kill, memory, erasing what is over.
//!
//! The layers are `drops::board` and `drops::cells`; what is measured is named in each line.
//!
//! `cargo bench -p drops --bench store -- [CELLS [DIR]]`: 20 000 cells by default; 1 000 000 is the long mode (needs 17 GB).

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used)] // Measuring needs the real clock.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drops::admission::{Admission, Difficulty};
use drops::board::shelf::{Batch, Held, NewCell, Totals};
use drops::board::{Board, Now, Quotas, SessionId, Shelf};
use drops::cell::{BoardKey, Cell};
use drops::cells::CellStore;
use drops::limits::{BOARD_DAY_CELLS, CELL_BYTES, SEGMENT_CELLS};
use drops::message::{Answer, Request};
use drops::point::Secret;
use drops::segment::ClosedSegment;
use drops::stamp::Stamp;
use drops::token::Issuer;
use drops::ttl::Ttl;
use mail::decision::policy::DepositAnswer;
use mail::{Monotonic, PublicKey, Wall};
use rand_core::{OsRng, RngCore};

const BOARD: BoardKey = PublicKey([9; 32]);
/// As a gateway opens it.
const CACHE: usize = 16 * 1024 * 1024;
const TO_BE_KILLED: &str = "DROPS_STORE_TO_BE_KILLED";
const BATCH: u64 = 128;
const SEGMENT: u64 = SEGMENT_CELLS as u64;
const START: Wall = Wall(20_000 * 24 * 3_600_000);

fn main() {
    if let Some(path) = std::env::var_os(TO_BE_KILLED) {
        fill_until_killed(Path::new(&path));
    }
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let cells: u64 = arguments.next().map_or(20_000, |text| text.parse().expect("a number of cells"));
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("drops-store-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for at_once in [1, 10, 100] {
        deposits(&dir.join(format!("deposits-{at_once}.redb")), at_once);
    }
    readers(&dir.join("readers.redb"));
    let path = dir.join("cells.redb");
    fill(&path, cells);
    kill_and_open(&path);
    erase(&path);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn now() -> Now {
    after(Duration::ZERO)
}

fn after(time: Duration) -> Now {
    Now { wall: START.plus(time), monotonic: Monotonic(time) }
}

/// As many sessions and as much room as it takes.
fn quotas() -> Quotas {
    Quotas { day_cells: 1_000_000, bytes: 1 << 40, difficulty: Difficulty([0; 4]), ..Quotas::default() }
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
    let mut board = Board::open(BOARD, Issuer::new(&BOARD.0), quotas(), &store, now()).unwrap();
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
            board.decide(question.ticket, DepositAnswer::Allow);
        }
        while let Some(batch) = board.next_batch(&store, now()).unwrap() {
            let result = store.commit(&batch);
            board.committed(result, now());
        }
        for session in sessions {
            receipts += usize::from(board.next_answer(&store, session, now()).is_some());
            board.disconnect(session);
        }
    }
    let rate = receipts as f64 / start.elapsed().as_secs_f64();
    println!("board and store, deposits {at_once:3} at once: {rate:6.0}/s durable");
}

/// A full day of a board, read by one reader after the other as a gateway does: info, then its closed segments.
fn readers(path: &Path) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let day = u64::from(BOARD_DAY_CELLS);
    for first in (0..day).step_by(BATCH as usize) {
        store.commit(&batch(&store, first, (0..BATCH).map(|_| quick_cell()).collect())).unwrap();
    }
    let mut board = Board::open(BOARD, Issuer::new(&BOARD.0), quotas(), &store, now()).unwrap();
    let (rounds, start) = (20, Instant::now());
    let mut sent = 0;
    for _ in 0..rounds {
        let reader = board.connect(now());
        let ask = |board: &mut Board, number: u32, request: Request| {
            board.receive(&store, reader, &Bytes::from(request.encode(number)), now(), &mut OsRng);
            std::iter::from_fn(|| board.next_answer(&store, reader, now())).collect::<Vec<Bytes>>()
        };
        let info = ask(&mut board, 1, Request::Info);
        let (_, Answer::Info(info)) = Answer::decode(&info[0]).unwrap() else { panic!("no info") };
        for segment in info.oldest..=info.last {
            sent += ask(&mut board, 2, Request::Read { segment }).len() - 2;
        }
        board.disconnect(reader);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "board and store, readers of a full day ({day} cells): {:.1}/s, {:.0} cells/s",
        f64::from(rounds) / seconds,
        sent as f64 / seconds
    );
}

/// The next cells of a board that takes them as fast as they come; a segment that is full closes.
fn batch(store: &CellStore, first: u64, cells: Vec<Cell>) -> Batch {
    let segment = |number: u64| (number / SEGMENT) as u32 + 1;
    let held = |cell: &Cell, number: u64| Held {
        segment: segment(number),
        digest: cell.digest(),
        ttl: Ttl::Week,
        until: START.plus(Ttl::Week.duration()),
    };
    let count = cells.len() as u64;
    let news = cells.into_iter().zip(first..).map(|(cell, number)| NewCell {
        name: cell.name(),
        held: held(&cell, number),
        cell,
    });
    let open = segment(first);
    // Everything of the open segment is there: it is closed with the first cells of the next one.
    let is_over = first > 0 && first.is_multiple_of(SEGMENT);
    let closed =
        is_over.then(|| ClosedSegment::new(&BOARD, open - 1, START, &store.entries(open - 1).unwrap()));
    let totals = Totals {
        cells: first + count,
        open,
        opened: START,
        open_cells: u32::try_from((first + count - 1) % SEGMENT + 1).unwrap(),
        ..Totals::default()
    };
    Batch { cells: news.collect(), closed, totals, ..Batch::default() }
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
        store.commit(&batch(&store, first, (0..count).map(|_| quick_cell()).collect())).unwrap();
    }
    let rate = cells as f64 / start.elapsed().as_secs_f64();
    println!("store, filled with {cells} cells, {BATCH} in a commit: {rate:.0}/s");
    drop(store);
    let file = std::fs::metadata(path).unwrap();
    let per_cell = |bytes: u64| bytes as f64 / cells as f64 / CELL_BYTES as f64;
    println!(
        "store, bytes on disk: {:.3} of the cells' size (length of the file: {:.3})",
        per_cell(file.blocks() * 512),
        per_cell(file.len())
    );
    let memory = opened("after a clean stop", path);
    println!("board and store, memory with {cells} cells: {memory} MB");
}

/// Opens the store and the board in it, and has it answer a client; gives the memory of the process then.
fn opened(what: &str, path: &Path) -> u64 {
    let start = Instant::now();
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let mut board = Board::open(BOARD, Issuer::new(&BOARD.0), quotas(), &store, now()).unwrap();
    let client = board.connect(now());
    board.receive(&store, client, &Bytes::from(Request::Info.encode(1)), now(), &mut OsRng);
    board.next_answer(&store, client, now()).unwrap();
    let time = start.elapsed().as_secs_f64() * 1000.0;
    println!("board and store, start {what} to the first answer: {time:.1} ms");
    memory()
}

/// The child: commits until it is killed.
fn fill_until_killed(path: &Path) -> ! {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let mut first = store.load().unwrap().totals.map_or(0, |totals| totals.cells);
    loop {
        store.commit(&batch(&store, first, (0..BATCH).map(|_| quick_cell()).collect())).unwrap();
        first += BATCH;
    }
}

fn kill_and_open(path: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap()).env(TO_BE_KILLED, path).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    opened("after kill -9 in the middle of commits", path);
}

/// Eight days later: the board erases everything, in its own time, as it does beside its work.
fn erase(path: &Path) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let mut board = Board::open(BOARD, Issuer::new(&BOARD.0), quotas(), &store, now()).unwrap();
    let (before, later) = (board.status(START).cells, Duration::from_secs(8 * 24 * 3600));
    // Its clock has to run evenly for an hour first.
    let mut passed = later;
    for _ in 0..130 {
        passed += Duration::from_secs(30);
        board.tick(after(passed));
    }
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    while let Some(batch) = {
        let begun = Instant::now();
        let batch = board.next_batch(&store, after(passed)).unwrap();
        if let Some(batch) = &batch {
            let result = store.commit(batch);
            board.committed(result, after(passed));
        }
        longest = longest.max(begun.elapsed());
        batch
    } {
        drop(batch);
    }
    let erased = before - board.status(START).cells;
    let rate = erased as f64 / start.elapsed().as_secs_f64();
    println!(
        "board and store, erased {erased} cells whose time was over: {rate:.0}/s, a deposit in between waits {:.0} ms at most; memory {} MB",
        longest.as_secs_f64() * 1000.0,
        memory()
    );
}

/// Resident memory of this process, MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
}
