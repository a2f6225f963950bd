//! Mail by drops between two people who are never there at the same time, over the real state machines of board,
//! reader and depositor: no network, a clock of our own, boards that die, lie and come back.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use drops::admission::Difficulty;
use drops::assembly::{Assembly, Sender};
use drops::audit::Audits;
use drops::board::{Board, MemoryShelf, Now, Quotas, SessionId};
use drops::cell::BoardKey;
use drops::depositor::{DepositEvent, DepositSession, NotTaken};
use drops::handover::{Choice, Handover};
use drops::limits::DAY_SECONDS;
use drops::mailbox::{KeyRing, Period};
use drops::message::{Answer, Receipt, Refusal, Request};
use drops::parcel::{Key, Kind, Parcel, Parts, Progress, Received};
use drops::point::{Point, Secret};
use drops::reader::{BoardMemory, ReadEvent, ReadSession, Violation, Window};
use drops::record::{MailboxRecord, SealTo};
use drops::scan::{ScanKey, Scanner};
use drops::token::Issuer;
use drops::ttl::Ttl;
use mail::decision::policy::DepositAnswer;
use mail::{MailId, Monotonic, Nospam, PublicKey, ToxId, Wall};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(DAY_SECONDS);

/// How a board lies to readers and depositors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    No,
    /// Every second cell is left out, and the count made to fit.
    Missing,
    /// Every cell has a byte changed.
    Wrong,
    /// A segment never ends.
    Endless,
    /// Every second session is shown other cells, with a hash that fits none.
    Differs,
    /// Nothing is answered.
    Silent,
    /// Receipts are given for nothing.
    Receipts,
    /// Every request is refused.
    Refuses,
}

struct Host {
    key: BoardKey,
    board: Board,
    shelf: MemoryShelf,
    lie: Lie,
}

struct World {
    hosts: Vec<Host>,
    now: Now,
    rng: ChaCha20Rng,
    /// Messages that went over all connections: what lies may cost.
    messages: u64,
}

struct Person {
    tox: Secret,
    ring: KeyRing,
    known: Option<MailboxRecord>,
    assembly: Assembly<()>,
    received: Vec<Received>,
    seen: HashSet<Key>,
    memory: HashMap<BoardKey, BoardMemory>,
    audits: Audits,
    sessions: u64,
}

impl Person {
    fn new(byte: u8) -> Self {
        Self {
            tox: Secret::from_bytes([byte; 32]),
            ring: KeyRing::default(),
            known: None,
            assembly: Assembly::default(),
            received: vec![],
            seen: HashSet::new(),
            memory: HashMap::new(),
            audits: Audits::default(),
            sessions: 0,
        }
    }

    fn key(&self) -> PublicKey {
        PublicKey(self.tox.point().0)
    }

    fn record(&mut self, world: &mut World) -> Vec<u8> {
        let now = world.now.wall;
        self.ring.renew(now, &mut world.rng);
        let record = MailboxRecord {
            made: now,
            owner: ToxId { key: self.key(), nospam: Nospam([1; 4]) },
            keys: self.ring.public(now),
            boards: world.hosts.iter().map(|host| host.key).collect(),
            tokens: vec![],
            owners: vec![],
        };
        record.encode().unwrap()
    }

    fn take(&mut self, received: Received, now: Wall) {
        if !self.seen.insert(received.key) {
            return;
        }
        let record = MailboxRecord::decode(&received.parcel.record).unwrap();
        if record.accept(&received.key.sender, self.known.as_ref(), now).is_ok() {
            self.known = Some(record);
        }
        self.received.push(received);
    }

    fn mails(&self) -> Vec<&[u8]> {
        self.received
            .iter()
            .filter(|received| received.parcel.kind == Kind::Mail)
            .map(|received| received.parcel.content.as_slice())
            .collect()
    }
}

impl World {
    fn new(lies: &[Lie]) -> Self {
        let start = Now { wall: Wall(20_000 * DAY_SECONDS * 1000), monotonic: Monotonic(DAY) };
        let mut world = Self { hosts: vec![], now: start, rng: ChaCha20Rng::seed_from_u64(7), messages: 0 };
        for (number, lie) in (0..).zip(lies) {
            let shelf = MemoryShelf::default();
            let key = PublicKey([100 + number; 32]);
            let quotas = Quotas { difficulty: Difficulty([1; 4]), ..Quotas::default() };
            let board = Board::open(key, Issuer::new(&key.0), quotas, &shelf, start).unwrap();
            world.hosts.push(Host { key, board, shelf, lie: *lie });
        }
        world
    }

    fn pass(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(HOUR);
            left -= step;
            self.now.wall = self.now.wall.plus(step);
            self.now.monotonic.0 += step;
            for host in 0..self.hosts.len() {
                self.hosts[host].board.tick(self.now);
                self.settle(host);
            }
        }
    }

    /// Policy and commits of a board.
    fn settle(&mut self, host: usize) {
        let Host { board, shelf, .. } = &mut self.hosts[host];
        while let Some(question) = board.next_question() {
            board.decide(question.ticket, DepositAnswer::Allow);
        }
        while let Some(batch) = board.next_batch(shelf, self.now).unwrap() {
            let result = drops::board::Shelf::commit(shelf, &batch);
            board.committed(result, self.now);
        }
    }

    fn ask(&mut self, host: usize, session: SessionId, message: Vec<u8>) {
        self.messages += 1;
        if self.hosts[host].lie == Lie::Silent {
            return;
        }
        let Host { board, shelf, .. } = &mut self.hosts[host];
        board.receive(shelf, session, &Bytes::from(message), self.now, &mut self.rng);
        self.settle(host);
    }

    /// The next message of a board, bent as it lies.
    fn answer(&mut self, host: usize, session: SessionId, number: u64) -> Option<Bytes> {
        loop {
            let Host { board, shelf, lie, .. } = &mut self.hosts[host];
            let message = board.next_answer(shelf, session, self.now)?;
            self.messages += 1;
            let (id, answer) = Answer::decode(&message).unwrap();
            let odd = self.rng.next_u32().is_multiple_of(2);
            let answer = match (*lie, answer) {
                (Lie::Missing, Answer::Begin { segment, edition, count }) => {
                    Answer::Begin { segment, edition, count: count.map(|count| count / 2) }
                }
                (Lie::Missing, Answer::Cell { .. }) if odd => continue,
                (Lie::Wrong, Answer::Cell { ttl, cell }) => {
                    let mut bytes = cell.bytes().to_vec();
                    bytes[9_000] ^= 1;
                    Answer::Cell { ttl, cell: Bytes::from(bytes).try_into().unwrap() }
                }
                (Lie::Endless, Answer::End { segment, .. }) => {
                    Answer::Begin { segment: segment + 1, edition: 0, count: Some(1_024) }
                }
                (Lie::Differs, Answer::End { segment, hash }) => {
                    let hash = if number.is_multiple_of(2) { hash } else { [number as u8; 32] };
                    Answer::End { segment, hash }
                }
                (Lie::Refuses, _) => Answer::Refused(Refusal::Busy(1)),
                (_, answer) => answer,
            };
            return Some(Bytes::from(answer.encode(id)));
        }
    }

    /// A whole reading session on a board; what came of it.
    fn read(&mut self, person: &mut Person, host: usize) -> Result<(), Violation> {
        let key = self.hosts[host].key;
        person.ring.renew(self.now.wall, &mut self.rng);
        let mut keys: Vec<ScanKey<Option<Period>>> =
            person.ring.iter().map(|(period, secret)| ScanKey::new(Some(period), secret.clone())).collect();
        keys.push(ScanKey::new(None, person.tox.clone()));
        let scanner = Scanner::new(key, keys);
        person.sessions += 1;
        let number = person.sessions;
        let session = self.hosts[host].board.connect(self.now);
        let mut reader = ReadSession::new(key, Window::All, self.now.monotonic);
        let mut events = vec![reader.start(self.now.monotonic)];
        let mut result = Ok(());
        while !events.is_empty() {
            for event in std::mem::take(&mut events) {
                match event {
                    ReadEvent::Send(message) => self.ask(host, session, message),
                    ReadEvent::Cell { segment, cell } => {
                        person.audits.saw(&key, segment, &cell.name());
                        for hit in scanner.scan(std::slice::from_ref(&cell)) {
                            let Ok(opened) = hit.opened else { continue };
                            let wall = self.now.wall;
                            let taking = person.assembly.take(&(), Sender::Contact, opened, wall);
                            if let Progress::Complete(received) = taking.progress {
                                person.assembly.remove(&(), &received.key);
                                person.take(*received, wall);
                            }
                        }
                    }
                    ReadEvent::Segment { segment, edition, hash } => {
                        let memory = person.memory.entry(key).or_default();
                        result = result.and(memory.saw(number, segment, edition, hash));
                    }
                    ReadEvent::Broken(violation) => result = result.and(Err(violation)),
                    ReadEvent::Refused(_) | ReadEvent::NoSeat => {
                        result = result.and(Err(Violation::OutOfPlace))
                    }
                    ReadEvent::Info(_) | ReadEvent::CaughtUp => {}
                }
            }
            if let Some(message) = self.answer(host, session, number) {
                events = reader.receive(&message, self.now.monotonic);
                // Nothing to do for this answer: go on with the next.
                if events.is_empty() && !reader.is_over() {
                    events = self.drain(host, session, number, &mut reader);
                }
            }
        }
        if !reader.is_over() && self.hosts[host].lie == Lie::Silent {
            let later = Monotonic(self.now.monotonic.0 + 2 * HOUR);
            assert_eq!(reader.tick(later), Some(ReadEvent::Broken(Violation::Silent)));
            result = Err(Violation::Silent);
        }
        self.hosts[host].board.disconnect(session);
        result
    }

    /// Takes answers until one leads to something.
    fn drain(
        &mut self,
        host: usize,
        session: SessionId,
        number: u64,
        reader: &mut ReadSession,
    ) -> Vec<ReadEvent> {
        while let Some(message) = self.answer(host, session, number) {
            let events = reader.receive(&message, self.now.monotonic);
            if !events.is_empty() || reader.is_over() {
                return events;
            }
        }
        vec![]
    }

    /// Everything `person` has to say to `to`, over all boards, until nothing is due for a day.
    fn send(&mut self, person: &mut Person, to: &Person, content: &[u8], kind: Kind) -> Handover {
        let record = person.record(self);
        let parcel = Parcel { kind, record, content: content.to_vec() };
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let parts = Parts::new(MailId(id), &parcel).unwrap();
        let seal_to = SealTo::choose(&to.key(), person.known.as_ref(), self.now.wall);
        let choices: Vec<Choice> = self
            .hosts
            .iter()
            .map(|host| Choice { board: host.key, within: Duration::from_secs(300) })
            .collect();
        let now = self.now.monotonic;
        let point = seal_to.point();
        let mut handover = Handover::plan(parts, point, Ttl::TwoWeeks, &choices, 2, now, &mut self.rng);
        for _ in 0..24 {
            while let Some(session) = handover.due_session(self.now.monotonic) {
                let deposits = handover.deposits(&session, &person.tox, &mut self.rng).unwrap();
                self.deposit(person, &mut handover, session.board, deposits);
            }
            self.pass(Duration::from_secs(1200));
        }
        handover
    }

    fn deposit(
        &mut self,
        person: &mut Person,
        handover: &mut Handover,
        board: BoardKey,
        deposits: Vec<drops::depositor::Deposit>,
    ) {
        let host = self.hosts.iter().position(|host| host.key == board).unwrap();
        let session = self.hosts[host].board.connect(self.now);
        let mut depositor = DepositSession::new(board, deposits, self.now.monotonic);
        let mut events = vec![depositor.start(self.now.monotonic)];
        while !events.is_empty() {
            for event in std::mem::take(&mut events) {
                match event {
                    DepositEvent::Send(message) => {
                        if self.hosts[host].lie == Lie::Receipts && message[0] == 2 {
                            // Never reaches the board, is receipted all the same.
                            let (id, request) = Request::decode(&Bytes::from(message));
                            let Ok(Request::Deposit { cell, .. }) = request else { panic!() };
                            let name = cell.name();
                            let until = self.now.wall.plus(Ttl::TwoWeeks.duration());
                            let segment = self.hosts[host].board.status(self.now.wall).open_segment;
                            let receipt = Receipt { name, segment, until };
                            let answer = Bytes::from(Answer::Receipt(receipt).encode(id));
                            events.extend(depositor.receive(&answer, self.now.monotonic, self.now.wall));
                        } else {
                            self.ask(host, session, message);
                        }
                    }
                    DepositEvent::Work { challenge, bits } => {
                        let stamp = challenge.search(bits, 0, 1 << 20).unwrap();
                        events.extend(depositor.stamped(stamp, self.now.monotonic));
                    }
                    DepositEvent::Receipt { tag, receipt } => {
                        handover.receipted(&board, tag, receipt);
                        person.audits.expect(board, receipt, Ttl::TwoWeeks, self.now.wall);
                    }
                    DepositEvent::NotTaken { tag, why, .. } => {
                        let reseal = why == NotTaken::Refused(Refusal::NameTaken);
                        handover.not_taken(&board, tag, reseal, self.now.monotonic, &mut self.rng);
                    }
                    DepositEvent::Broken(_) => handover.fail(&board),
                    DepositEvent::Done => {}
                }
            }
            if events.is_empty() && !depositor.is_over() {
                match self.answer(host, session, 0) {
                    Some(message) => {
                        events = depositor.receive(&message, self.now.monotonic, self.now.wall);
                    }
                    None if self.hosts[host].lie == Lie::Silent => {
                        events = depositor.tick(Monotonic(self.now.monotonic.0 + HOUR));
                    }
                    None => panic!("the board owes an answer"),
                }
            }
        }
        self.hosts[host].board.disconnect(session);
    }
}

/// Two people, strangers at first, over boards that behave so.
fn correspond(lies: &[Lie]) -> (World, Person, Person) {
    let mut world = World::new(lies);
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let letter: Vec<u8> = (0..40_000_u32).map(|number| (number % 253) as u8).collect();
    let first = world.send(&mut alice, &bob, &letter, Kind::Mail);
    world.pass(2 * DAY);
    for host in 0..world.hosts.len() {
        let _ = world.read(&mut bob, host);
    }
    assert_eq!(bob.mails(), [letter.as_slice()], "{lies:?}");
    assert!(bob.known.is_some(), "the mail carried Alice's record");
    let reply = world.send(&mut bob, &alice, b"a reply", Kind::Mail);
    world.send(&mut bob, &alice, b"delivered", Kind::Acknowledgement);
    world.pass(2 * DAY);
    for host in 0..world.hosts.len() {
        let _ = world.read(&mut alice, host);
    }
    assert_eq!(alice.mails(), [b"a reply".as_slice()]);
    assert_eq!(alice.received.len(), 2, "and the acknowledgement");
    if lies.iter().filter(|lie| matches!(lie, Lie::No | Lie::Differs | Lie::Receipts)).count() >= 2 {
        assert!(first.status().is_handed_over() && reply.status().is_handed_over(), "{lies:?}");
    }
    (world, alice, bob)
}

#[test]
fn strangers_write_and_answer_without_ever_meeting() {
    let (_, alice, _) = correspond(&[Lie::No, Lie::No, Lie::No]);
    assert!(alice.memory.values().all(|memory| !memory.is_trusted()), "one session proves nothing");
}

#[test]
fn one_honest_board_is_enough_whatever_the_others_do_and_lies_cost_little() {
    let honest = correspond(&[Lie::No, Lie::No, Lie::No]).0.messages;
    let lies =
        [Lie::Missing, Lie::Wrong, Lie::Endless, Lie::Differs, Lie::Silent, Lie::Receipts, Lie::Refuses];
    for lie in lies {
        let (world, ..) = correspond(&[lie, Lie::No, lie]);
        assert!(world.messages < 2 * honest, "{lie:?} cost {} messages, honesty {honest}", world.messages);
    }
}

type IsExpected = fn(&Violation) -> bool;

#[test]
fn lies_are_named() {
    let expected: [(Lie, IsExpected); 5] = [
        (Lie::Missing, |violation| matches!(violation, Violation::Cells(_) | Violation::WrongHash(_))),
        (Lie::Wrong, |violation| matches!(violation, Violation::WrongHash(_))),
        (Lie::Endless, |violation| matches!(violation, Violation::OutOfPlace)),
        (Lie::Differs, |violation| matches!(violation, Violation::WrongHash(_))),
        (Lie::Silent, |violation| matches!(violation, Violation::Silent)),
    ];
    for (lie, is_expected) in expected {
        let mut world = World::new(&[lie]);
        let (mut alice, mut bob) = (Person::new(1), Person::new(2));
        world.send(&mut alice, &bob, &[7; 60_000], Kind::Mail);
        world.pass(DAY);
        let results = [world.read(&mut bob, 0), world.read(&mut bob, 0)];
        let violation = results.into_iter().find_map(Result::err).unwrap();
        assert!(is_expected(&violation), "{lie:?}: {violation:?}");
    }
}

#[test]
fn a_board_that_forgets_what_it_receipted_is_found_by_reading_it() {
    let mut world = World::new(&[Lie::Receipts, Lie::No, Lie::No]);
    let (mut alice, bob) = (Person::new(1), Person::new(2));
    let mut handover = world.send(&mut alice, &bob, b"hello", Kind::Mail);
    assert_eq!(handover.status().complete, 3, "as far as receipts go");
    world.pass(DAY);
    let mut missing = vec![];
    for host in 0..3 {
        world.read(&mut alice, host).unwrap();
        let key = world.hosts[host].key;
        for segment in 0..200 {
            missing.extend(alice.audits.complete(&key, segment, 0));
        }
    }
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].board, world.hosts[0].key);
    handover.missing(&missing[0].board);
    assert_eq!(handover.status().complete, 2);
}

#[test]
fn honest_boards_become_trusted_after_two_sessions() {
    let mut world = World::new(&[Lie::No]);
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    world.send(&mut alice, &bob, b"hello", Kind::Mail);
    world.pass(DAY);
    for _ in 0..2 {
        world.read(&mut bob, 0).unwrap();
    }
    assert!(bob.memory[&world.hosts[0].key].is_trusted());
    assert_eq!(bob.mails().len(), 1, "read twice, delivered once");
}

#[test]
fn keys_change_over_months_of_mail_by_drops_alone() {
    let mut world = World::new(&[Lie::No, Lie::No]);
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let mut sealed_to: HashSet<Point> = HashSet::new();
    for round in 0..24_u8 {
        world.send(&mut alice, &bob, &[b'a', round], Kind::Mail);
        sealed_to.insert(SealTo::choose(&bob.key(), alice.known.as_ref(), world.now.wall).point());
        world.pass(3 * DAY);
        world.read(&mut bob, 0).unwrap();
        world.send(&mut bob, &alice, &[b'b', round], Kind::Mail);
        world.pass(3 * DAY);
        world.read(&mut alice, 1).unwrap();
        for person in [&mut alice, &mut bob] {
            for period in person.ring.due(world.now.wall) {
                person.ring.forget(period);
            }
            assert!(person.ring.iter().count() <= 6);
        }
    }
    assert_eq!(bob.mails().len(), 24);
    assert_eq!(alice.mails().len(), 24);
    let first_contact = Point(bob.key().0);
    assert!(sealed_to.remove(&first_contact), "the first mail is to the Tox key");
    assert!(sealed_to.len() >= 15, "a new key nearly every week: {}", sealed_to.len());
}
