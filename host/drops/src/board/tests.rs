use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mail::decision::policy::DepositAnswer;
use mail::{MailId, PublicKey};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::shelf::{Held, Loaded};
use super::*;
use crate::admission::Admission;
use crate::cell::{Cell, Place, Sealer};
use crate::limits::{
    DAY_SECONDS, INVITED_TIME, LOBBY_SESSIONS, LOBBY_TIME, SEGMENT_CELLS, SESSION_IDLE, SESSION_LONGEST,
    SESSION_WORK,
};
use crate::message::Receipt;
use crate::point::Secret;
use crate::segment::{Entry, segment_hash};
use crate::stamp::{Challenge, Stamp};
use crate::token::{Token, TokenRequest};
use crate::ttl::Ttl;

mod newcomers;

const BOARD: BoardKey = PublicKey([9; 32]);
const CODE: InvitationCode = [7; 16];
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(DAY_SECONDS);

/// A shelf that fails when told to.
#[derive(Default)]
struct Fragile {
    inner: MemoryShelf,
    fails: AtomicBool,
    is_full: AtomicBool,
}

impl Shelf for Fragile {
    fn has_room(&self) -> bool {
        !self.is_full.load(Ordering::Relaxed)
    }

    fn load(&self) -> Result<Loaded, ShelfError> {
        self.inner.load()
    }
    fn held(&self, name: &Name) -> Result<Option<Held>, ShelfError> {
        self.inner.held(name)
    }
    fn entries(&self, segment: u32) -> Result<Vec<Entry>, ShelfError> {
        self.inner.entries(segment)
    }
    fn cell(&self, segment: u32, name: &Name) -> Result<Option<(Ttl, Cell)>, ShelfError> {
        self.inner.cell(segment, name)
    }
    fn is_spent(&self, mark: &SpentMark) -> Result<bool, ShelfError> {
        self.inner.is_spent(mark)
    }
    fn commit(&self, batch: &Batch) -> Result<(), ShelfError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(ShelfError("full disk".into()));
        }
        self.inner.commit(batch)
    }
}

struct World {
    board: Board,
    shelf: Fragile,
    now: Now,
    rng: ChaCha20Rng,
    tokens: Vec<Token>,
}

fn start() -> Now {
    Now { wall: Wall(20_000 * DAY_SECONDS * 1000), monotonic: Monotonic(DAY) }
}

fn quotas() -> Quotas {
    Quotas { difficulty: Difficulty([2, 3, 4, 5]), ..Quotas::default() }
}

impl World {
    fn new(quotas: Quotas) -> Self {
        let (shelf, rng, now) = (Fragile::default(), ChaCha20Rng::seed_from_u64(1), start());
        let board = Board::open(BOARD, Issuer::new(&BOARD.0), quotas, &shelf, now).unwrap();
        let mut world = Self { board, shelf, now, rng, tokens: vec![] };
        world.board.invite(&CODE).unwrap();
        world.work();
        world
    }

    /// Opens the board again from what is on the shelf, as after a crash.
    fn crash(&mut self) {
        self.board = Board::open(BOARD, Issuer::new(&BOARD.0), quotas(), &self.shelf, self.now).unwrap();
    }

    fn pass(&mut self, time: Duration) {
        self.now.wall = self.now.wall.plus(time);
        self.now.monotonic.0 += time;
    }

    /// Passes time in hours, letting the board do its upkeep.
    fn live(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(HOUR);
            self.pass(step);
            left -= step;
            self.board.tick(self.now);
            self.work();
        }
    }

    /// Allows every question and commits until nothing is left to do.
    fn work(&mut self) {
        while let Some(question) = self.board.next_question() {
            self.board.decide(question.ticket, DepositAnswer::Allow);
        }
        while let Some(batch) = self.board.next_batch(&self.shelf, self.now).unwrap() {
            let result = self.shelf.commit(&batch);
            let failed = result.is_err();
            self.board.committed(result, self.now);
            if failed {
                return;
            }
        }
    }

    fn connect(&mut self) -> SessionId {
        self.board.connect(self.now)
    }

    fn ask(&mut self, session: SessionId, request: &Request) {
        self.send(session, request.encode(1));
    }

    fn send(&mut self, session: SessionId, message: Vec<u8>) {
        self.board.receive(&self.shelf, session, &Bytes::from(message), self.now, &mut self.rng);
    }

    fn answers(&mut self, session: SessionId) -> Vec<Answer> {
        std::iter::from_fn(|| self.board.next_answer(&self.shelf, session, self.now))
            .map(|message| Answer::decode(&message).unwrap().1)
            .collect()
    }

    /// Asks and gives the only answer.
    fn one(&mut self, session: SessionId, request: &Request) -> Answer {
        self.ask(session, request);
        self.work();
        let mut answers = self.answers(session);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    /// The same in a session of its own.
    fn once(&mut self, request: &Request) -> Answer {
        let session = self.connect();
        let answer = self.one(session, request);
        self.board.disconnect(session);
        answer
    }

    fn info(&mut self) -> BoardInfo {
        let Answer::Info(info) = self.once(&Request::Info) else { panic!() };
        *info
    }

    fn cell(&mut self) -> Cell {
        let (sender, recipient) = (Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32]));
        let place = Place { mail: MailId([0; 16]), index: 0, count: 1, digest: [0; 32] };
        Sealer { sender: &sender, mailbox: &recipient.point(), board: &BOARD }
            .seal(&mut self.rng, &place, b"part")
            .unwrap()
    }

    fn stamp(&mut self, cell: &Cell, ttl: Ttl) -> Stamp {
        let info = self.info();
        Challenge {
            board: BOARD,
            point: cell.point(),
            ttl,
            day: info.day,
            segment: info.last,
            hash: info.last_hash,
        }
        .search(info.stamp_bits[usize::from(ttl.class())], 0, 1 << 20)
        .unwrap()
    }

    fn stamped(&mut self, ttl: Ttl) -> Request {
        let cell = self.cell();
        let stamp = self.stamp(&cell, ttl);
        Request::Deposit { ttl, admission: Admission::Stamp(stamp), cell }
    }

    fn token(&mut self) -> Token {
        if self.tokens.is_empty() {
            let period = Period::at(self.now.wall);
            let request = TokenRequest::new(&BOARD, period, 32, &mut self.rng).unwrap();
            let ask = Request::Issue { period, invitation: CODE, blinded: request.blinded().to_vec() };
            let Answer::Issued { evaluated, proof } = self.once(&ask) else { panic!() };
            let key = self.info().keys[0].1;
            self.tokens = request.finish(&evaluated, &proof, &key).unwrap();
        }
        self.tokens.remove(0)
    }

    fn by_token(&mut self, ttl: Ttl) -> Request {
        let (token, cell) = (self.token(), self.cell());
        Request::Deposit { ttl, admission: Admission::Token(token), cell }
    }

    fn receipt(&mut self, request: &Request) -> Receipt {
        match self.once(request) {
            Answer::Receipt(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    /// Reads a closed segment whole: edition, cells, and whether order and hash are right.
    fn read(&mut self, segment: u32) -> Result<(u8, Vec<Cell>), Refusal> {
        let session = self.connect();
        self.ask(session, &Request::Read { segment });
        let answers = self.answers(session);
        self.board.disconnect(session);
        read_answers(segment, &answers)
    }
}

fn read_answers(segment: u32, answers: &[Answer]) -> Result<(u8, Vec<Cell>), Refusal> {
    match answers {
        [Answer::Refused(refusal)] => Err(refusal.clone()),
        [
            Answer::Begin { segment: begun, edition, count },
            cells @ ..,
            Answer::End { segment: ended, hash },
        ] => {
            assert_eq!((*begun, *ended, *count), (segment, segment, u16::try_from(cells.len()).ok()));
            let cells: Vec<(Ttl, Cell)> = cells
                .iter()
                .map(|answer| match answer {
                    Answer::Cell { ttl, cell } => (*ttl, cell.clone()),
                    other => panic!("{other:?}"),
                })
                .collect();
            let entries: Vec<Entry> = cells
                .iter()
                .map(|(ttl, cell)| Entry { name: cell.name(), ttl: *ttl, digest: cell.digest() })
                .collect();
            assert!(entries.is_sorted_by_key(|entry| entry.name));
            assert_eq!(segment_hash(&BOARD, segment, *edition, &entries), *hash);
            Ok((*edition, cells.into_iter().map(|(_, cell)| cell).collect()))
        }
        other => panic!("{other:?}"),
    }
}

fn refusal(answer: Answer) -> Refusal {
    match answer {
        Answer::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deposit_is_receipted_only_when_durable_and_read_by_everybody_alike() {
    let mut world = World::new(quotas());
    let request = world.stamped(Ttl::Week);
    let session = world.connect();
    world.ask(session, &request);
    assert!(world.answers(session).is_empty(), "nothing before the policy");
    let question = world.board.next_question().unwrap();
    assert_eq!((question.facts.admission, question.facts.ttl_days), ("stamp", 7));
    world.board.decide(question.ticket, DepositAnswer::Allow);
    let batch = world.board.next_batch(&world.shelf, world.now).unwrap().unwrap();
    assert!(world.answers(session).is_empty(), "nothing before the commit");
    world.shelf.commit(&batch).unwrap();
    world.board.committed(Ok(()), world.now);
    let answers = world.answers(session);
    let [Answer::Receipt(receipt)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(receipt.until, world.now.wall.plus(Ttl::Week.duration()));
    for _ in 0..5 {
        let more = world.stamped(Ttl::Day);
        world.receipt(&more);
    }
    world.live(HOUR);
    let (edition, cells) = world.read(receipt.segment).unwrap();
    assert_eq!((edition, cells.len()), (0, 6));
    assert_eq!(world.read(receipt.segment).unwrap().1, cells);
    let Request::Deposit { cell, .. } = request else { panic!() };
    assert!(cells.contains(&cell));
}

#[test]
fn the_same_deposit_again_has_the_same_receipt_and_another_one_is_refused() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Week);
    let receipt = world.receipt(&request);
    world.pass(Duration::from_secs(90));
    assert_eq!(world.receipt(&request), receipt, "although its token is spent");
    let Request::Deposit { admission, cell, .. } = &request else { panic!() };
    let longer = Request::Deposit { ttl: Ttl::TwoWeeks, admission: admission.clone(), cell: cell.clone() };
    assert_eq!(refusal(world.once(&longer)), Refusal::NameTaken);
    let mut bytes = cell.bytes().to_vec();
    bytes[5_000] ^= 1;
    let changed = Cell::try_from(Bytes::from(bytes)).unwrap();
    let other = Request::Deposit { ttl: Ttl::Week, admission: admission.clone(), cell: changed };
    assert_eq!(refusal(world.once(&other)), Refusal::NameTaken);
    world.crash();
    assert_eq!(world.receipt(&request), receipt, "after a restart too");
}

#[test]
fn the_same_deposit_twice_at_once_has_one_receipt_for_both() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Day);
    let (first, second) = (world.connect(), world.connect());
    world.ask(first, &request);
    world.ask(second, &request);
    world.work();
    let receipts = [world.answers(first), world.answers(second)];
    assert!(matches!(receipts[0].as_slice(), [Answer::Receipt(_)]));
    assert_eq!(receipts[0], receipts[1]);
    assert_eq!(world.board.status(world.now.wall).cells, 1);
}

#[test]
fn tokens_are_spent_once() {
    let mut world = World::new(quotas());
    let (token, first, second, third) = (world.token(), world.cell(), world.cell(), world.cell());
    let deposit =
        |cell: Cell| Request::Deposit { ttl: Ttl::Day, admission: Admission::Token(token.clone()), cell };
    let session = world.connect();
    world.ask(session, &deposit(first));
    world.ask(session, &deposit(second));
    world.work();
    let answers = world.answers(session);
    assert!(answers.contains(&Answer::Refused(Refusal::TokenSpent)), "before the commit: {answers:?}");
    assert_eq!(refusal(world.once(&deposit(third.clone()))), Refusal::TokenSpent, "and after it");
    world.crash();
    assert_eq!(refusal(world.once(&deposit(third.clone()))), Refusal::TokenSpent, "and after a restart");
    let mut forged = token.clone();
    forged.random[0] ^= 1;
    let forged = Request::Deposit { ttl: Ttl::Day, admission: Admission::Token(forged), cell: third };
    assert_eq!(refusal(world.once(&forged)), Refusal::Token);
}

#[test]
fn tokens_are_good_in_their_period_and_the_next() {
    let mut world = World::new(quotas());
    let requests: Vec<Request> = (0..3).map(|_| world.by_token(Ttl::Day)).collect();
    world.receipt(&requests[0]);
    world.live(7 * DAY);
    world.receipt(&requests[1]);
    world.live(7 * DAY);
    assert_eq!(refusal(world.once(&requests[2])), Refusal::Token);
}

#[test]
fn a_deposit_the_policy_refuses_spends_nothing() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Day);
    let session = world.connect();
    world.ask(session, &request);
    let question = world.board.next_question().unwrap();
    world.board.decide(question.ticket, DepositAnswer::Refuse("closed for holidays".into()));
    assert_eq!(world.answers(session), [Answer::Refused(Refusal::Policy("closed for holidays".into()))]);
    world.receipt(&request);
}

#[test]
fn a_failing_disk_gives_no_receipt_and_loses_nothing() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Day);
    world.shelf.fails.store(true, Ordering::Relaxed);
    assert_eq!(refusal(world.once(&request)), Refusal::Trouble);
    world.shelf.fails.store(false, Ordering::Relaxed);
    world.receipt(&request);
    assert_eq!(world.board.status(world.now.wall).cells, 1);
}

#[test]
fn a_crash_before_the_commit_leaves_no_trace() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Day);
    let session = world.connect();
    world.ask(session, &request);
    let question = world.board.next_question().unwrap();
    world.board.decide(question.ticket, DepositAnswer::Allow);
    assert!(world.board.next_batch(&world.shelf, world.now).unwrap().is_some());
    world.crash();
    assert_eq!(world.board.status(world.now.wall).cells, 0);
    world.receipt(&request);
}

#[test]
fn stamps_are_checked_one_by_one() {
    let mut world = World::new(Quotas { difficulty: Difficulty([10, 11, 12, 13]), ..quotas() });
    world.live(60 * HOUR);
    let cell = world.cell();
    let good = world.stamp(&cell, Ttl::Day);
    let mut with = |stamp: Stamp| {
        let request =
            Request::Deposit { ttl: Ttl::Day, admission: Admission::Stamp(stamp), cell: cell.clone() };
        world.once(&request)
    };
    assert_eq!(refusal(with(Stamp { day: good.day - 2, ..good })), Refusal::StampDay);
    assert_eq!(refusal(with(Stamp { day: good.day + 2, ..good })), Refusal::StampDay);
    assert_eq!(refusal(with(Stamp { segment: good.segment + 1, ..good })), Refusal::StampSegment);
    assert_eq!(refusal(with(Stamp { segment: good.segment - 48, ..good })), Refusal::StampSegment);
    assert_eq!(refusal(with(Stamp { segment: 0, ..good })), Refusal::StampSegment);
    assert_eq!(refusal(with(Stamp { segment: good.segment - 1, ..good })), Refusal::StampBits(10));
    assert_eq!(refusal(with(Stamp { day: good.day - 1, ..good })), Refusal::StampBits(10));
    assert_eq!(refusal(with(Stamp { nonce: !good.nonce, ..good })), Refusal::StampBits(10));
    assert!(matches!(with(good), Answer::Receipt(_)));
}

#[test]
fn a_stamp_of_yesterday_is_good_and_of_the_day_before_is_not() {
    let mut world = World::new(quotas());
    world.live(HOUR);
    let (fresh, old) = (world.stamped(Ttl::Day), world.stamped(Ttl::Day));
    world.live(DAY);
    world.receipt(&fresh);
    world.live(DAY);
    assert_eq!(refusal(world.once(&old)), Refusal::StampDay);
}

#[test]
fn points_of_low_order_are_refused() {
    let mut world = World::new(quotas());
    let mut bytes = world.cell().bytes().to_vec();
    bytes[..32].fill(0);
    let cell = Cell::try_from(Bytes::from(bytes)).unwrap();
    let stamp = world.stamp(&cell, Ttl::Day);
    let request = Request::Deposit { ttl: Ttl::Day, admission: Admission::Stamp(stamp), cell };
    assert_eq!(refusal(world.once(&request)), Refusal::Point);
}

#[test]
fn broken_messages_end_the_session_with_a_reason() {
    let mut world = World::new(quotas());
    for message in [vec![], vec![99, 1, 0, 0, 0], vec![2; 100], vec![2; 100_000]] {
        let session = world.connect();
        world.send(session, message);
        assert!(matches!(world.answers(session).as_slice(), [Answer::Refused(Refusal::Malformed(_))]));
        assert_eq!(world.board.tick(world.now), [session]);
    }
    let session = world.connect();
    world.send(session, vec![1, 0, 0, 0, 0, 9]);
    assert_eq!(world.answers(session), [Answer::Refused(Refusal::Version(1))]);
}

#[test]
fn segments_open_in_the_future_or_gone_are_refused_by_name() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Day);
    world.receipt(&request);
    assert_eq!(world.read(1), Err(Refusal::SegmentFuture(0)));
    world.live(HOUR);
    assert_eq!(world.read(2), Err(Refusal::SegmentFuture(1)));
    assert_eq!(world.read(u32::MAX), Err(Refusal::SegmentFuture(1)));
    assert_eq!(world.read(0), Err(Refusal::SegmentGone(1)));
    world.live(22 * DAY);
    let oldest = world.info().oldest;
    assert_eq!(world.read(1), Err(Refusal::SegmentGone(oldest)));
}

#[test]
fn cells_expire_by_class_and_not_a_moment_early() {
    let mut world = World::new(quotas());
    let receipts: Vec<Receipt> = Ttl::ALL
        .into_iter()
        .map(|ttl| {
            let request = world.by_token(ttl);
            world.receipt(&request)
        })
        .collect();
    for hour in 0..23 * 24 {
        world.live(HOUR);
        match world.read(1) {
            Ok((_, cells)) => {
                for receipt in &receipts {
                    if receipt.until > world.now.wall {
                        assert!(cells.iter().any(|cell| cell.name() == receipt.name), "hour {hour}");
                    }
                }
            }
            Err(refusal) => {
                assert!(matches!(refusal, Refusal::SegmentGone(_)));
                assert!(receipts.iter().all(|receipt| receipt.until <= world.now.wall), "hour {hour}");
            }
        }
    }
    assert_eq!(world.board.status(world.now.wall).cells, 0, "all erased in the end");
    assert!(world.shelf.entries(1).unwrap().is_empty());
    assert!(world.shelf.load().unwrap().closed.len() <= crate::limits::SEGMENTS_HELD);
}

#[test]
fn a_clock_that_jumps_erases_nothing_at_once() {
    let mut world = World::new(quotas());
    let request = world.by_token(Ttl::Day);
    let receipt = world.receipt(&request);
    world.live(HOUR);
    let wall = world.now.wall;
    world.now.wall = wall.plus(400 * DAY);
    world.pass(Duration::from_secs(600));
    world.board.tick(world.now);
    world.work();
    world.now.wall = wall.plus(Duration::from_secs(600));
    world.board.tick(world.now);
    world.work();
    assert_eq!(world.receipt(&request), receipt);
    assert_eq!(world.read(1).unwrap().1.len(), 1);
    // Years back: deposits and reading go on.
    world.now.wall = Wall(1_000_000);
    world.live(3 * HOUR);
    let request = world.stamped(Ttl::Day);
    world.receipt(&request);
    assert_eq!(world.read(1).unwrap().1.len(), 1);
}

#[test]
fn a_clock_that_was_ahead_for_one_closing_neither_turns_readers_away_nor_holds_other_cells_longer() {
    let mut world = World::new(quotas());
    let right = world.now.wall;
    world.now.wall = right.plus(10 * DAY);
    let request = world.by_token(Ttl::ThreeWeeks);
    let kept = world.receipt(&request);
    world.live(HOUR);
    world.now.wall = right.plus(HOUR);
    let request = world.stamped(Ttl::Day);
    let receipt = world.receipt(&request);
    assert!(receipt.until <= world.now.wall.plus(DAY));
    let mut longest = 0;
    for hour in 0..31 * 24 {
        world.live(HOUR);
        let info = world.info();
        longest = longest.max(info.last + 1 - info.oldest);
        if hour == 30 {
            assert_eq!(
                world.board.status(world.now.wall).cells,
                1,
                "the cell of a day was erased in its time"
            );
        }
        if world.now.wall < kept.until {
            assert!(world.shelf.held(&kept.name).unwrap().is_some(), "hour {hour}");
        }
    }
    assert_eq!(longest as usize, crate::limits::SEGMENTS_HELD);
}

#[test]
fn at_the_reserve_of_the_disk_new_cells_are_refused_and_all_else_goes_on() {
    let mut world = World::new(quotas());
    let request = world.stamped(Ttl::Day);
    let receipt = world.receipt(&request);
    world.shelf.is_full.store(true, Ordering::Relaxed);
    let other = world.by_token(Ttl::Day);
    assert!(matches!(refusal(world.once(&other)), Refusal::Full(until) if until > world.now.wall));
    assert_eq!(world.receipt(&request), receipt, "what is held is held");
    world.live(2 * DAY);
    assert_eq!(world.board.status(world.now.wall).cells, 0, "erasing makes room");
    world.shelf.is_full.store(false, Ordering::Relaxed);
    let request = world.by_token(Ttl::Day);
    world.receipt(&request);
}

#[test]
fn erased_cells_of_a_later_edition_stay_consistent_when_the_clock_goes_back() {
    let mut world = World::new(quotas());
    for ttl in [Ttl::Day, Ttl::Week] {
        let request = world.by_token(ttl);
        world.receipt(&request);
    }
    world.live(2 * DAY);
    world.now.wall = start().wall.plus(2 * HOUR);
    let (edition, cells) = world.read(1).unwrap();
    assert_eq!((edition, cells.len()), (1, 1));
}

#[test]
fn followers_see_every_cell_as_it_comes_and_the_hash_when_the_segment_closes() {
    let mut world = World::new(quotas());
    let first = world.by_token(Ttl::Day);
    world.receipt(&first);
    let (early, late) = (world.connect(), world.connect());
    world.ask(early, &Request::Follow);
    let begin = world.answers(early);
    assert!(matches!(begin[..], [Answer::Begin { segment: 1, count: None, .. }, Answer::Cell { .. }]));
    let second = world.by_token(Ttl::Day);
    world.receipt(&second);
    assert!(matches!(world.answers(early)[..], [Answer::Cell { .. }]));
    world.ask(late, &Request::Follow);
    world.pass(HOUR);
    world.work();
    let (rest, all) = (world.answers(early), world.answers(late));
    let [Answer::End { segment: 1, hash }, Answer::Begin { segment: 2, .. }] = &rest[..] else {
        panic!("{rest:?}")
    };
    assert_eq!(*hash, world.info().last_hash);
    assert_eq!(all.len(), 1 + 2 + 2, "{all:?}");
    // A third one, who takes nothing for hours, is told to read instead.
    world.ask(late, &Request::Follow);
    assert!(matches!(world.answers(late)[..], [Answer::Refused(Refusal::Busy(_))]), "once a session");
    world.live(4 * HOUR);
    assert_eq!(world.answers(early), [Answer::Refused(Refusal::TooSlow)]);
}

#[test]
fn a_segment_closes_early_when_it_holds_enough() {
    let mut world = World::new(quotas());
    for _ in 0..=SEGMENT_CELLS {
        let request = world.stamped(Ttl::Day);
        world.receipt(&request);
    }
    assert_eq!(world.read(1).unwrap().1.len(), SEGMENT_CELLS);
    assert_eq!(world.board.status(world.now.wall).open_segment, 2);
}

#[test]
fn half_of_the_day_and_of_the_space_is_for_token_holders() {
    let mut world = World::new(Quotas { day_cells: 8, ..quotas() });
    for _ in 0..4 {
        let request = world.stamped(Ttl::Day);
        world.receipt(&request);
    }
    let request = world.stamped(Ttl::Day);
    let tomorrow = Wall(start().wall.0 + DAY_SECONDS * 1000);
    assert_eq!(refusal(world.once(&request)), Refusal::Full(tomorrow));
    for _ in 0..4 {
        let request = world.by_token(Ttl::Day);
        world.receipt(&request);
    }
    let request = world.by_token(Ttl::Day);
    assert_eq!(refusal(world.once(&request)), Refusal::Full(tomorrow));
    assert_eq!(world.info().full_until, tomorrow);
    world.live(DAY);
    world.receipt(&request);

    let mut small = World::new(Quotas { bytes: 4 * CELL_BYTES as u64, ..quotas() });
    for _ in 0..2 {
        let request = small.stamped(Ttl::Day);
        small.receipt(&request);
    }
    small.live(HOUR);
    let request = small.stamped(Ttl::Day);
    let Refusal::Full(until) = refusal(small.once(&request)) else { panic!() };
    for _ in 0..2 {
        let request = small.by_token(Ttl::Day);
        small.receipt(&request);
    }
    assert_eq!(small.info().fill, 100);
    let waited = until.since(small.now.wall);
    assert!(waited > Duration::ZERO && waited <= DAY + HOUR, "{waited:?}");
    small.live(DAY + 4 * HOUR);
    let request = small.stamped(Ttl::Day);
    small.receipt(&request);
}

#[test]
fn a_flood_of_sessions_leaves_a_third_for_token_holders() {
    let mut world = World::new(Quotas { sessions: 12, ..quotas() });
    let token = world.token();
    let flood: Vec<SessionId> = (0..200).map(|_| world.connect()).collect();
    assert!(world.board.tick(world.now).len() >= 200 - 8 - LOBBY_SESSIONS);
    assert!(matches!(world.one(flood[0], &Request::Info), Answer::Info(_)));
    let stranger = world.connect();
    assert_eq!(refusal(world.one(stranger, &Request::Info)), Refusal::Sessions);
    let member = world.connect();
    assert_eq!(world.one(member, &Request::Enter { token: token.clone() }), Answer::Entered);
    assert!(matches!(world.one(member, &Request::Info), Answer::Info(_)));
    let again = world.connect();
    assert_eq!(refusal(world.one(again, &Request::Enter { token })), Refusal::TokenSpent);
    for _ in 0..3 {
        let (token, member) = (world.token_kept(), world.connect());
        assert_eq!(world.one(member, &Request::Enter { token }), Answer::Entered);
    }
    let (token, member) = (world.token_kept(), world.connect());
    assert!(matches!(refusal(world.one(member, &Request::Enter { token })), Refusal::Busy(_)));
}

#[test]
fn whoever_is_refused_a_seat_may_still_enter_and_asks_for_nothing_else_twice() {
    let mut world = World::new(Quotas { sessions: 3, ..quotas() });
    let token = world.token();
    let _crowd = [world.connect(), world.connect()];
    let (member, stranger) = (world.connect(), world.connect());
    for client in [member, stranger] {
        assert_eq!(refusal(world.one(client, &Request::Info)), Refusal::Sessions);
    }
    assert!(world.board.tick(world.now).is_empty());
    world.pass(LOBBY_TIME / 2);
    assert_eq!(world.one(member, &Request::Enter { token }), Answer::Entered);
    assert!(matches!(world.one(member, &Request::Info), Answer::Info(_)));
    assert_eq!(refusal(world.one(stranger, &Request::Read { segment: 1 })), Refusal::Sessions);
    assert_eq!(world.board.tick(world.now), [stranger], "asked again");
    let patient = world.connect();
    let mut forged = world.token_kept();
    forged.random[0] ^= 1;
    world.pass(LOBBY_TIME / 2);
    assert_eq!(refusal(world.one(patient, &Request::Enter { token: forged })), Refusal::Token);
    world.pass(LOBBY_TIME / 2);
    assert_eq!(world.board.tick(world.now), [patient], "trying does not make the time longer");
}

#[test]
fn followers_give_their_seats_to_newcomers_the_longest_there_first() {
    let mut world = World::new(Quotas { sessions: 12, ..quotas() });
    let token = world.token();
    let followers: Vec<SessionId> = (0..8).map(|_| world.connect()).collect();
    for follower in &followers {
        world.ask(*follower, &Request::Follow);
        assert!(matches!(world.answers(*follower)[..], [Answer::Begin { .. }]));
    }
    let newcomers: Vec<SessionId> = (0..3).map(|_| world.connect()).collect();
    for newcomer in &newcomers {
        assert!(matches!(world.one(*newcomer, &Request::Info), Answer::Info(_)));
    }
    for follower in &followers[..3] {
        assert_eq!(world.answers(*follower), [Answer::Refused(Refusal::Sessions)]);
    }
    assert_eq!(world.board.tick(world.now), followers[..3]);
    assert!(followers[3..].iter().all(|follower| world.answers(*follower).is_empty()));
    // Token holders never wait for followers either, with or without a token of their own.
    for _ in 0..12 {
        let (token, member) = (world.token_kept(), world.connect());
        assert_eq!(world.one(member, &Request::Enter { token }), Answer::Entered);
        world.ask(member, &Request::Follow);
    }
    let member = world.connect();
    assert_eq!(world.one(member, &Request::Enter { token }), Answer::Entered);
    let (sessions, taken) = (world.board.status(world.now.wall).sessions, 12);
    assert!(sessions <= taken + 8 + LOBBY_SESSIONS, "{sessions}");
}

#[test]
fn a_crowd_that_keeps_talking_holds_its_seats_for_an_hour() {
    let mut world = World::new(Quotas { sessions: 3, ..quotas() });
    let crowd = [world.connect(), world.connect()];
    for _ in 0..59 {
        world.pass(Duration::from_secs(60));
        for session in crowd {
            assert!(matches!(world.one(session, &Request::Info), Answer::Info(_)));
        }
        assert!(world.board.tick(world.now).is_empty());
    }
    let early = world.connect();
    assert_eq!(refusal(world.one(early, &Request::Info)), Refusal::Sessions);
    world.pass(Duration::from_secs(60));
    let late = world.connect();
    assert!(matches!(world.one(late, &Request::Info), Answer::Info(_)));
    assert!(world.board.tick(world.now).contains(&crowd[0]));
}

#[test]
fn a_guest_that_gave_its_seat_and_takes_no_answer_is_gone_soon() {
    let mut world = World::new(Quotas { sessions: 3, ..quotas() });
    let stalled = world.connect();
    world.ask(stalled, &Request::Follow);
    let _others = [world.connect(), world.connect()];
    assert!(world.board.tick(world.now).is_empty());
    world.pass(LOBBY_TIME);
    assert_eq!(world.board.tick(world.now), [stalled]);
}

impl World {
    /// A token fetched before the flood.
    fn token_kept(&mut self) -> Token {
        self.tokens.remove(0)
    }
}

#[test]
fn idle_sessions_end_and_followers_stay() {
    let mut world = World::new(quotas());
    let (idle, follower) = (world.connect(), world.connect());
    world.ask(follower, &Request::Follow);
    world.answers(follower);
    world.pass(Duration::from_secs(119));
    assert!(world.board.tick(world.now).is_empty());
    world.pass(Duration::from_secs(1));
    assert_eq!(world.board.tick(world.now), [idle]);
    world.pass(SESSION_LONGEST);
    assert_eq!(world.board.tick(world.now), [follower]);
}

#[test]
fn a_reader_that_stops_taking_ends() {
    let mut world = World::new(quotas());
    world.live(HOUR);
    let stalled = world.connect();
    world.ask(stalled, &Request::Read { segment: 1 });
    world.pass(SESSION_IDLE);
    assert_eq!(world.board.tick(world.now), [stalled]);
}

#[test]
fn requests_and_work_of_a_session_are_bounded() {
    let mut world = World::new(quotas());
    world.live(HOUR);
    let session = world.connect();
    for _ in 0..20 {
        world.ask(session, &Request::Read { segment: 1 });
    }
    let answers = world.answers(session);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Answer::End { .. })).count(), 9);
    assert!(answers.contains(&Answer::Refused(Refusal::Busy(60))));
    assert_eq!(world.board.tick(world.now), [session]);

    let session = world.connect();
    let mut refused = 0;
    for _ in 0..=SESSION_WORK {
        world.ask(session, &Request::Info);
        refused += world
            .answers(session)
            .iter()
            .filter(|answer| matches!(answer, Answer::Refused(Refusal::Busy(_))))
            .count();
    }
    assert_eq!(refused, 1);
}

#[test]
fn invitations_give_a_bounded_number_of_tokens_and_can_be_taken_back() {
    let mut world = World::new(quotas());
    let period = Period::at(world.now.wall);
    let request = TokenRequest::new(&BOARD, period, 32, &mut world.rng).unwrap();
    let issue =
        |period, invitation| Request::Issue { period, invitation, blinded: request.blinded().to_vec() };
    assert_eq!(refusal(world.once(&issue(period, [1; 16]))), Refusal::Invitation);
    assert_eq!(refusal(world.once(&issue(period.next(), CODE))), Refusal::Token);
    for _ in 0..32 {
        assert!(matches!(world.once(&issue(period, CODE)), Answer::Issued { .. }));
    }
    assert_eq!(refusal(world.once(&issue(period, CODE))), Refusal::InvitationSpent);
    world.crash();
    assert_eq!(refusal(world.once(&issue(period, CODE))), Refusal::InvitationSpent, "after a restart");
    world.live(7 * DAY);
    assert!(matches!(world.once(&issue(period.next(), CODE)), Answer::Issued { .. }));
    world.board.uninvite(&InvitationName::of(&CODE));
    world.work();
    world.crash();
    assert_eq!(refusal(world.once(&issue(period.next(), CODE))), Refusal::Invitation);
    let damaged = Request::Issue { period, invitation: CODE, blinded: vec![[255; 32]] };
    world.board.invite(&CODE).unwrap();
    world.pass(Duration::ZERO);
    assert!(matches!(refusal(world.once(&damaged)), Refusal::Token | Refusal::Malformed(_)));
}

#[test]
fn info_is_the_same_for_everyone_and_keys_are_known_a_period_ahead() {
    let mut world = World::new(quotas());
    let (first, second) = (world.info(), world.info());
    assert_eq!(first, second);
    let next = first.keys[1];
    world.live(7 * DAY);
    assert_eq!(world.info().keys[0], next);
    world.crash();
    assert_eq!(world.info().keys[0], next);
}

#[test]
fn a_board_that_lost_its_store_keeps_its_issuing_keys_and_one_that_has_it_keeps_those_in_it() {
    let mut world = World::new(quotas());
    world.live(8 * DAY);
    let known = world.info().keys;
    world.shelf = Fragile::default();
    world.crash();
    assert_eq!(world.info().keys, known, "readers do not take it for a board that marks its members");
    // A store of a program that drew keys by lot.
    let drawn = Issuer::new(&[1; 32]).key(known[0].0).unwrap();
    let keys = vec![(known[0].0, *drawn.to_bytes())];
    world.shelf = Fragile::default();
    world.shelf.commit(&Batch { keys, ..Batch::default() }).unwrap();
    world.crash();
    assert_eq!(world.info().keys, [(known[0].0, drawn.public()), known[1]]);
}

#[test]
fn the_nospam_is_known_to_everybody() {
    assert_eq!(board_nospam(&BOARD), board_nospam(&BOARD));
    assert_ne!(board_nospam(&BOARD), board_nospam(&PublicKey([8; 32])));
}
