//! Boards in memory, driven by the real state machine.

use clock::SimulatedClock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use drops::admission::{Admission, Difficulty};
use drops::board::{Board, MemoryShelf, Now, Quotas, SessionId, Shelf as _};
use drops::cell::BoardKey;
use drops::limits::BOARD_SESSIONS;
use drops::message::{Answer, InvitationCode, Receipt, Refusal, Request};
use drops::session::{BoardSession, Purpose, Unreachable};
use drops::token::Issuer;
use gateway::testing::SeededRandom;
use mail::decision::policy::DepositAnswer;
use mail::{Clock, PublicKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::sync::Notify;

use crate::ports::{Boards, KnownBoard, SessionIdentity};
use crate::shared::lock;

/// A board somewhere.
pub(crate) struct Host {
    pub key: BoardKey,
    pub is_up: AtomicBool,
    /// Of a thousand cells so many get a receipt and are not stored.
    pub loses: AtomicU64,
    /// Says each thing a minute after the other: never silent, and never done.
    pub drips: AtomicBool,
    pub deposits: AtomicU64,
    /// Of those, with a token.
    pub tokens: AtomicU64,
    /// Tokens that were shown a second time.
    pub spent_twice: AtomicU64,
    /// Deposits made within the process of whoever serves it.
    pub own_deposits: AtomicU64,
    pub sessions: AtomicU64,
    /// Others hold all open seats whenever somebody comes.
    pub is_crowded: AtomicBool,
    board: Mutex<(Board, ChaCha20Rng)>,
    shelf: MemoryShelf,
    changed: Notify,
    clock: Arc<SimulatedClock>,
    random: Arc<SeededRandom>,
}

impl Host {
    pub fn new(byte: u8, clock: &Arc<SimulatedClock>, random: &Arc<SeededRandom>) -> Arc<Self> {
        let (key, shelf) = (PublicKey([byte; 32]), MemoryShelf::default());
        let rng = ChaCha20Rng::seed_from_u64(u64::from(byte));
        let now = Now { wall: clock.wall(), monotonic: clock.monotonic() };
        let quotas = Quotas { difficulty: Difficulty([1; 4]), ..Quotas::default() };
        let board = Board::open(key, Issuer::new(&key.0), quotas, &shelf, now).unwrap();
        let host = Arc::new(Self {
            key,
            is_up: AtomicBool::new(true),
            loses: AtomicU64::new(0),
            drips: AtomicBool::new(false),
            deposits: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
            spent_twice: AtomicU64::new(0),
            own_deposits: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            is_crowded: AtomicBool::new(false),
            board: Mutex::new((board, rng)),
            shelf,
            changed: Notify::new(),
            clock: Arc::clone(clock),
            random: Arc::clone(random),
        });
        let upkeep = Arc::clone(&host);
        tokio::spawn(async move {
            loop {
                upkeep.settle();
                tokio::time::sleep(std::time::Duration::from_secs(600)).await;
            }
        });
        host
    }

    /// An invitation to its tokens.
    pub fn invite(&self, code: InvitationCode) {
        lock(&self.board).0.invite(&code).unwrap();
        self.settle();
    }

    fn now(&self) -> Now {
        Now { wall: self.clock.wall(), monotonic: self.clock.monotonic() }
    }

    /// The policy says yes, the disk works.
    fn settle(&self) {
        let now = self.now();
        let board = &mut lock(&self.board).0;
        board.tick(now);
        while let Some(question) = board.next_question() {
            board.decide(question.ticket, DepositAnswer::Allow);
        }
        while let Some(batch) = board.next_batch(&self.shelf, now).unwrap() {
            let result = self.shelf.commit(&batch);
            board.committed(result, now);
        }
        self.changed.notify_waiters();
    }

    /// Somebody comes.
    fn connect(&self, is_own: bool) -> SessionId {
        let (now, board) = (self.now(), &mut lock(&self.board).0);
        if is_own {
            return board.connect_owner(now);
        }
        if self.is_crowded.load(Ordering::Relaxed) {
            for _ in 0..BOARD_SESSIONS {
                board.connect(now);
            }
        }
        board.connect(now)
    }

    fn ask(&self, session: SessionId, message: &Bytes) {
        {
            let (board, rng) = &mut *lock(&self.board);
            board.receive(&self.shelf, session, message, self.now(), rng);
        }
        self.settle();
    }
}

/// The boards one gateway knows and reaches.
pub(crate) struct TestBoards {
    pub all: Vec<Arc<Host>>,
    pub known: Mutex<Vec<KnownBoard>>,
    throwaways: AtomicU64,
}

impl TestBoards {
    pub fn new(all: Vec<Arc<Host>>) -> Self {
        Self { all, known: Mutex::default(), throwaways: AtomicU64::new(0) }
    }
}

/// The same for one process: whoever is dead says nothing any more.
pub(crate) struct LiveBoards {
    pub boards: Arc<TestBoards>,
    pub dead: Arc<AtomicBool>,
}

#[async_trait]
impl Boards for LiveBoards {
    fn known(&self) -> Vec<KnownBoard> {
        lock(&self.boards.known).clone()
    }

    async fn open(
        &self,
        board: BoardKey,
        _purpose: Purpose,
        identity: SessionIdentity,
    ) -> Result<Box<dyn BoardSession>, Unreachable> {
        let hosts = &self.boards.all;
        let host = hosts.iter().find(|host| host.key == board && host.is_up.load(Ordering::Relaxed));
        let host = host.ok_or_else(|| Unreachable("the board is not there".to_owned()))?;
        host.clock.sleep(std::time::Duration::from_secs(5)).await;
        host.sessions.fetch_add(1, Ordering::Relaxed);
        let is_own = identity == SessionIdentity::Own;
        let is_served = lock(&self.boards.known).iter().any(|known| known.key == board && known.served_here);
        assert!(is_served || !is_own, "the own identity is shown to a board of somebody else");
        let id = host.connect(is_own);
        let throwaway = self.boards.throwaways.fetch_add(1, Ordering::Relaxed);
        let (host, dead) = (Arc::clone(host), Arc::clone(&self.dead));
        Ok(Box::new(TestSession { host, dead, id, is_own, throwaway, invented: VecDeque::new() }))
    }
}

struct TestSession {
    host: Arc<Host>,
    /// Whether the process is that holds it.
    dead: Arc<AtomicBool>,
    id: SessionId,
    is_own: bool,
    throwaway: u64,
    /// Lies that wait to be told.
    invented: VecDeque<Bytes>,
}

#[async_trait]
impl BoardSession for TestSession {
    fn throwaway(&self) -> u64 {
        self.throwaway
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Unreachable> {
        if self.dead.load(Ordering::Relaxed) {
            return Err(Unreachable("the process is dead".to_owned()));
        }
        let message = Bytes::copy_from_slice(message);
        let (id, request) = Request::decode(&message);
        if let Ok(Request::Deposit { ttl, cell, admission }) = request {
            self.host.deposits.fetch_add(1, Ordering::Relaxed);
            self.host.own_deposits.fetch_add(u64::from(self.is_own), Ordering::Relaxed);
            let is_token = matches!(admission, Admission::Token(_));
            self.host.tokens.fetch_add(u64::from(is_token), Ordering::Relaxed);
            if self.host.random.below(1000) < self.host.loses.load(Ordering::Relaxed) {
                let wall = self.host.clock.wall();
                let segment = lock(&self.host.board).0.status(wall).open_segment;
                let receipt = Receipt { name: cell.name(), segment, until: wall.plus(ttl.duration()) };
                self.invented.push_back(Bytes::from(Answer::Receipt(receipt).encode(id)));
                return Ok(());
            }
        }
        self.host.ask(self.id, &message);
        Ok(())
    }

    async fn receive(&mut self) -> Result<Bytes, Unreachable> {
        if self.host.drips.load(Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        }
        loop {
            let changed = self.host.changed.notified();
            if !self.host.is_up.load(Ordering::Relaxed) {
                return Err(Unreachable("the board is gone".to_owned()));
            }
            if let Some(lie) = self.invented.pop_front() {
                return Ok(lie);
            }
            let next = lock(&self.host.board).0.next_answer(&self.host.shelf, self.id, self.host.now());
            if let Some(message) = next {
                let is_spent =
                    matches!(Answer::decode(&message), Ok((_, Answer::Refused(Refusal::TokenSpent))));
                self.host.spent_twice.fetch_add(u64::from(is_spent), Ordering::Relaxed);
                return Ok(message);
            }
            changed.await;
        }
    }
}

impl Drop for TestSession {
    fn drop(&mut self) {
        lock(&self.host.board).0.disconnect(self.id);
    }
}
