//! What mail notices of scanning: SMTP beside a drop relay whose cells are looked through again and again.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use drops::admission::{Admission, Difficulty};
use drops::board::{Board, Now, Quotas, Shelf as _};
use drops::cell::Cell;
use drops::cells::CellStore;
use drops::limits::CELL_BYTES;
use drops::message::Request;
use drops::point::Secret;
use drops::stamp::Stamp;
use drops::token::Issuer;
use drops::ttl::Ttl;
use mail::decision::policy::DepositAnswer;
use mail::{Monotonic, PublicKey, Wall};
use rand_core::{OsRng, RngCore as _};
use tests::gateway::Gateway;
use tests::smtp;

/// About what a board takes in a day at most.
const CELLS: usize = 8_000;
const SAMPLES: usize = 300;
const LONGEST: Duration = Duration::from_secs(300);
const DAY_MS: u64 = 24 * 3_600_000;

pub fn scan() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("config.toml"), "[drops.times]\nread_every = 1\n").expect("a file");
    let options = ["--no-public-bootstrap", "--serve-drops"].map(str::to_owned).to_vec();
    let mut gateway = Gateway::start_from(directory, options);
    let own = gateway.json(&["relay", "list"])[0]["key"].as_str().expect("a key").to_owned();
    gateway.stop();
    fill(&gateway, own.parse().expect("a key"));
    gateway.restart();

    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let (sender, own) = (gateway.address(), super::own_address(&gateway));
    let (mut scanning, mut quiet) = (vec![], vec![]);
    let begin = Instant::now();
    while (scanning.len() < SAMPLES || quiet.len() < SAMPLES) && begin.elapsed() < LONGEST {
        let text = super::mail(scanning.len() + quiet.len(), 4096);
        let (before, start) = (busy(&gateway), Instant::now());
        session.send(&sender, &[&own], &text).expect("accepted");
        let took = start.elapsed();
        let worked = busy(&gateway) - before;
        if worked.is_zero() {
            quiet.push(took);
        } else if worked > took / 2 {
            scanning.push(took);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for (what, times) in
        [("while nothing is scanned", &mut quiet), ("while cells are scanned", &mut scanning)]
    {
        times.sort_unstable();
        let percentile = |percent: usize| {
            let time = times.get(times.len() * percent / 100).copied().unwrap_or_default();
            time.as_secs_f64() * 1000.0
        };
        super::row(&format!("4 KB, MAIL to 250, {what}, p50 of {}", times.len()), percentile(50), "ms");
        super::row("  the same, p99", percentile(99), "ms");
    }
}

/// Fills the relay of a gateway that is stopped with cells that are nobody's.
fn fill(gateway: &Gateway, board: PublicKey) {
    let store = CellStore::open(&gateway.path("drop-cells.redb"), &board, 16 << 20).expect("the cells");
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let wall = Wall(u64::try_from(since_1970.as_millis()).expect("a time of now"));
    let now = Now { wall, monotonic: Monotonic::default() };
    let quotas =
        Quotas { day_cells: 1_000_000, bytes: 1 << 40, difficulty: Difficulty([0; 4]), ..Quotas::default() };
    let mut board = Board::open(board, Issuer::new(&board.0), quotas, &store, now).expect("the board");
    let day = u32::try_from(wall.0 / DAY_MS).expect("a day");
    for _ in 0..CELLS / 100 {
        let segment = board.status(wall).open_segment.saturating_sub(1);
        let sessions: Vec<_> = (0..100)
            .map(|_| {
                // With difficulty 0 any stamp is worth enough.
                let admission = Admission::Stamp(Stamp { day, segment, nonce: 0 });
                let request = Request::Deposit { ttl: Ttl::Week, admission, cell: random_cell() };
                let session = board.connect(now);
                board.receive(&store, session, &Bytes::from(request.encode(1)), now, &mut OsRng);
                session
            })
            .collect();
        while let Some(question) = board.next_question() {
            board.decide(question.ticket, DepositAnswer::Allow);
        }
        while let Some(batch) = board.next_batch(&store, now).expect("the cells are sound") {
            let result = store.commit(&batch);
            board.committed(result, now);
        }
        sessions.into_iter().for_each(|session| board.disconnect(session));
    }
    super::row("cells on the relay", board.status(wall).cells as f64, "");
}

fn random_cell() -> Cell {
    let mut bytes = vec![0; CELL_BYTES];
    OsRng.fill_bytes(&mut bytes);
    bytes[..32].copy_from_slice(&Secret::random(&mut OsRng).point().0);
    Cell::try_from(Bytes::from(bytes)).expect("it has the size of a cell")
}

/// How long the threads for scanning have run.
fn busy(gateway: &Gateway) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", gateway.pid())).expect("its threads");
    let threads = tasks.flatten().map(|task| task.path());
    let scanners = threads.filter(|path| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with("drops-"))
    });
    let run = scanners.filter_map(|path| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    });
    run.sum()
}
