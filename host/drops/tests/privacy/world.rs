//! The world of the simulation: users with contacts and habits, five boards, and the production state machines between them.
//!
//! Shortcuts that change nothing a board can see: stamps cost next to no work; users try a cell only if it is for them; packets take no
//! time, only sessions do; mailbox keys do not rotate.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use drops::admission::Difficulty;
use drops::assembly::{Assembly, Sender};
use drops::board::{Board, MemoryShelf, Now, Quotas, SessionId, Shelf};
use drops::cell::{BoardKey, Cell, Name, Place, Sealer, open};
use drops::confirm::{Confirmations, Sighting};
use drops::depositor::{Deposit, DepositEvent, DepositSession};
use drops::handover::{Choice, Handover};
use drops::limits::READING;
use drops::limits::{CHUNK_BYTES, DAY_SECONDS};
use drops::message::Answer;
use drops::parcel::{Kind, Parcel, Parts, Progress};
use drops::point::Secret;
use drops::reader::{BoardMemory, ReadEvent, ReadSession, Window};
use drops::schedule::{Slots, reader_renewal, reading};
use drops::segment::{Entry, segment_hash};
use drops::token::Issuer;
use drops::ttl::Ttl;
use mail::decision::policy::DepositAnswer;
use mail::{MailId, Monotonic, PublicKey, Wall};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

pub const USERS: usize = 50;
pub const BOARDS: usize = 5;
/// Milliseconds.
pub type Time = u64;
pub const SECOND: Time = 1_000;
pub const MINUTE: Time = 60 * SECOND;
pub const HOUR: Time = 60 * MINUTE;
pub const DAY: Time = DAY_SECONDS * SECOND;
/// Time between readings where delays are switched off.
pub const EVERY: Time = 2 * HOUR;

/// How readers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// They stay and follow until their throwaway is renewed or their gateway stops.
    Follow,
    /// They come every few hours, read the window, and leave.
    Visits,
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    pub name: &'static str,
    pub reading: Reading,
    /// Off: sessions under the user's own identity.
    pub throwaways: bool,
    /// Off: readers fetch their own cells only.
    pub whole_board: bool,
    /// Off: deposits at once, reading when coming online and every two hours, acknowledgements right after reading.
    pub delays: bool,
    /// Off: acknowledgements after one sighting.
    pub confirm: bool,
    /// On: the scheme of 2014. A supernode is asked by name to pass on.
    pub supernode: bool,
    /// Deposits within this time.
    pub within: Time,
    /// On: one user's contact and the first board work together and mark sessions.
    pub tagging: bool,
    /// On: every gateway runs all day but for a restart.
    pub always_on: bool,
    /// On: copies go to boards also where the recipient is online and has the mail already.
    pub copies_of_all: bool,
}

impl Scheme {
    pub const DEFAULT: Self = Self {
        name: "as specified",
        reading: Reading::Visits,
        throwaways: true,
        whole_board: true,
        delays: true,
        confirm: true,
        supernode: false,
        within: 5 * MINUTE,
        tagging: false,
        always_on: false,
        copies_of_all: false,
    };
}

/// Randomness of the simulation.
pub struct Dice(pub ChaCha20Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + self.unit() * (most - least)
    }

    pub fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f64) as usize).min(end - 1)
    }

    /// An exponential waiting time with this mean.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut at = self.unit() * weights.iter().sum::<f64>();
        for (number, weight) in weights.iter().enumerate() {
            at -= weight;
            if at < 0.0 {
                return number;
            }
        }
        weights.len() - 1
    }
}

/// What a session was, as its board knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    Reading,
    Depositing,
}

/// A session in a board's log, with the truth beside it.
#[derive(Clone, Debug)]
pub struct SessionLog {
    pub board: usize,
    pub kind: SessionKind,
    pub begin: Time,
    pub end: Time,
    /// The identity shown: none is a throwaway.
    pub identity: Option<usize>,
    /// How far back it read; none: it deposited.
    pub window: Option<Window>,
    /// Cells fetched by name, when whole-board reading is off.
    pub fetched: Vec<Name>,
    /// The truth.
    pub user: usize,
}

/// A deposit in a board's log, with the truth beside it.
#[derive(Clone, Debug)]
pub struct DepositLog {
    pub board: usize,
    pub at: Time,
    pub name: Name,
    /// Its session's number in the log.
    pub session: usize,
    /// Whom the supernode was asked to pass it on to.
    pub asked_for: Option<usize>,
    /// The truth.
    pub from: usize,
    pub to: usize,
}

/// Everything the adversary may know, and the truth.
#[derive(Default)]
pub struct Log {
    pub sessions: Vec<SessionLog>,
    pub deposits: Vec<DepositLog>,
    /// Times online of each user, exact.
    pub presence: Vec<Vec<(Time, Time)>>,
    pub contacts: Vec<Vec<usize>>,
    pub boards_read: Vec<Vec<usize>>,
    /// Mails sent and received by each user, all ways.
    pub sent: Vec<f64>,
    pub received: Vec<f64>,
    /// Sessions marked, marks answered, and whether they were right.
    pub marked: usize,
    pub answered: usize,
    pub answered_right: usize,
    /// Users who left the first board because it lied to them.
    pub left: usize,
    pub mails: usize,
    pub acknowledged: usize,
    pub latency: Vec<Time>,
    pub end: Time,
}

struct User {
    tox: Secret,
    mailbox: Secret,
    contacts: Vec<usize>,
    weights: Vec<f64>,
    /// Mails a day.
    rate: f64,
    boards: Vec<usize>,
    online: bool,
    /// Counts the times it came online.
    stay: u64,
    slots: Slots,
    assembly: Assembly<()>,
    confirmations: Confirmations,
    memory: HashMap<usize, BoardMemory>,
    left: HashSet<usize>,
    /// When each board was read last, and before that.
    read: HashMap<usize, [Option<Time>; 2]>,
    following: HashMap<usize, Follow>,
    sessions: u64,
    /// Mails read and not acknowledged: mail, read at.
    owed: Vec<(usize, Time)>,
    seen: HashSet<usize>,
    /// Mails whose cells were seen once only.
    unconfirmed: HashSet<usize>,
    /// How often its cells were seen.
    fetched: HashMap<Name, u32>,
}

struct Follow {
    session: SessionId,
    reader: ReadSession,
    log: usize,
    throwaway: u64,
}

struct Mail {
    from: usize,
    to: usize,
    at: Time,
    /// The mail it acknowledges.
    acknowledges: Option<usize>,
    handover: Option<Handover>,
    is_done: bool,
    id: MailId,
    /// A mark, to be shown to one session.
    is_mark: bool,
    shown_to: Option<usize>,
}

struct Host {
    key: BoardKey,
    board: Board,
    shelf: MemoryShelf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    Online(usize),
    Offline(usize),
    Compose(usize),
    /// User, board, and the number of the stay it belongs to.
    Visit(usize, usize, u64),
    Renew(usize, usize, u64),
    Deposit(usize),
    Slot(usize),
    Repost(usize),
    Mark,
}

pub struct World {
    scheme: Scheme,
    dice: Dice,
    now: Time,
    end: Time,
    users: Vec<User>,
    hosts: Vec<Host>,
    mails: Vec<Mail>,
    by_id: HashMap<MailId, usize>,
    /// Whose each cell is.
    cells: HashMap<Name, usize>,
    queue: BinaryHeap<Reverse<(Time, u64, Event)>>,
    order: u64,
    /// Marks not yet shown: mail and cell.
    mark: Option<(usize, Cell)>,
    pub log: Log,
}

impl World {
    pub fn run(scheme: Scheme, days: u64, seed: u64) -> Log {
        let mut world = Self::new(scheme, days, seed);
        while let Some(Reverse((at, _, event))) = world.queue.pop() {
            if at >= world.end {
                break;
            }
            world.now = at;
            world.handle(event);
        }
        world.finish()
    }

    fn new(scheme: Scheme, days: u64, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let end = days * DAY;
        let now = clock(0);
        let hosts = (0..BOARDS)
            .map(|number| {
                let (key, shelf) = (PublicKey([200 + number as u8; 32]), MemoryShelf::default());
                let quotas = Quotas { difficulty: Difficulty([0; 4]), sessions: 2_000, ..Quotas::default() };
                let board = Board::open(key, Issuer::new(&key.0), quotas, &shelf, now).unwrap();
                Host { key, board, shelf }
            })
            .collect();
        let contacts = contact_graph(&mut dice);
        let mut users = vec![];
        for own in &contacts {
            let mut boards: Vec<usize> = (0..BOARDS).collect();
            for last in (1..BOARDS).rev() {
                let other = dice.below(last + 1);
                boards.swap(last, other);
            }
            boards.truncate(3);
            users.push(User {
                tox: Secret::random(&mut dice.0),
                mailbox: Secret::random(&mut dice.0),
                weights: own.iter().map(|_| dice.wait(1.0) + 0.1).collect(),
                contacts: own.clone(),
                rate: 0.4 + dice.wait(1.6).min(8.0),
                boards,
                online: false,
                stay: 0,
                slots: Slots::new(now.monotonic, &mut dice.0),
                assembly: Assembly::default(),
                confirmations: Confirmations::default(),
                memory: HashMap::new(),
                left: HashSet::new(),
                read: HashMap::new(),
                following: HashMap::new(),
                sessions: 0,
                owed: vec![],
                seen: HashSet::new(),
                unconfirmed: HashSet::new(),
                fetched: HashMap::new(),
            });
        }
        let presence: Vec<Vec<(Time, Time)>> = (0..USERS)
            .map(|_| if scheme.always_on { all_day(&mut dice, days) } else { habits(&mut dice, days) })
            .collect();
        let log = Log {
            contacts,
            boards_read: users.iter().map(|user| user.boards.clone()).collect(),
            presence: presence.clone(),
            sent: vec![0.0; USERS],
            received: vec![0.0; USERS],
            end,
            ..Log::default()
        };
        let mut world = Self {
            scheme,
            dice,
            now: 0,
            end,
            users,
            hosts,
            mails: vec![],
            by_id: HashMap::new(),
            cells: HashMap::new(),
            queue: BinaryHeap::new(),
            order: 0,
            mark: None,
            log,
        };
        for (user, times) in presence.iter().enumerate() {
            for (from, to) in times {
                world.at(*from, Event::Online(user));
                world.at(*to, Event::Offline(user));
            }
            world.next_compose(user);
            world.next_slot(user);
        }
        world.at(0, Event::Tick);
        if scheme.tagging {
            world.at(2 * DAY, Event::Mark);
        }
        world
    }

    fn at(&mut self, time: Time, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((time, self.order, event)));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick => self.tick(),
            Event::Online(user) => self.online(user),
            Event::Offline(user) => self.offline(user),
            Event::Compose(user) => self.compose(user),
            Event::Visit(user, board, stay) => self.visit(user, board, stay),
            Event::Renew(user, board, throwaway) => self.renew(user, board, throwaway),
            Event::Deposit(mail) => self.deposit(mail),
            Event::Slot(user) => self.slot(user),
            Event::Repost(mail) => self.repost(mail),
            Event::Mark => self.make_mark(),
        }
    }

    fn tick(&mut self) {
        for board in 0..BOARDS {
            let now = clock(self.now);
            self.hosts[board].board.tick(now);
            self.settle(board);
        }
        if self.scheme.reading == Reading::Follow {
            for user in 0..USERS {
                for board in self.users[user].following.keys().copied().collect::<Vec<usize>>() {
                    self.follow_on(user, board);
                }
            }
        }
        self.at(self.now + 2 * MINUTE, Event::Tick);
    }

    fn settle(&mut self, board: usize) {
        let Host { board, shelf, .. } = &mut self.hosts[board];
        while let Some(question) = board.next_question() {
            board.decide(question.ticket, DepositAnswer::Allow);
        }
        while let Some(batch) = board.next_batch(shelf, clock(self.now)).unwrap() {
            let result = shelf.commit(&batch);
            board.committed(result, clock(self.now));
        }
    }

    // Presence.

    fn online(&mut self, user: usize) {
        self.users[user].online = true;
        self.users[user].stay += 1;
        let stay = self.users[user].stay;
        for board in self.users[user].boards.clone() {
            let wait = if self.scheme.delays { self.next_reading() } else { 0 };
            self.at(self.now + wait, Event::Visit(user, board, stay));
        }
        // What waited in outboxes for this user goes directly now, and so do acknowledgements.
        for mail in 0..self.mails.len() {
            let waits = !self.mails[mail].is_done && !self.mails[mail].is_mark;
            if waits && self.mails[mail].to == user && self.users[self.mails[mail].from].online {
                self.arrive_directly(mail);
            }
            if waits && self.mails[mail].from == user {
                if self.users[self.mails[mail].to].online {
                    self.arrive_directly(mail);
                } else {
                    self.at(self.now, Event::Deposit(mail));
                }
            }
        }
    }

    fn offline(&mut self, user: usize) {
        self.users[user].online = false;
        for board in self.users[user].following.keys().copied().collect::<Vec<usize>>() {
            self.leave(user, board);
        }
    }

    // Mail.

    fn next_compose(&mut self, user: usize) {
        let wait = self.dice.wait(DAY as f64 / self.users[user].rate);
        self.at(self.now + wait as Time + 1, Event::Compose(user));
    }

    fn compose(&mut self, from: usize) {
        self.next_compose(from);
        if !self.users[from].online {
            return;
        }
        let choice = self.dice.weighted(&self.users[from].weights.clone());
        let to = self.users[from].contacts[choice];
        self.log.sent[from] += 1.0;
        self.log.received[to] += 1.0;
        self.log.mails += 1;
        let size = match self.dice.below(10) {
            0 => 3 * CHUNK_BYTES,
            1 | 2 => CHUNK_BYTES + 10,
            _ => 3_000,
        };
        self.submit(from, to, None, size);
    }

    fn submit(&mut self, from: usize, to: usize, acknowledges: Option<usize>, size: usize) {
        let mut id = [0; 16];
        self.dice.0.fill_bytes(&mut id);
        let id = MailId(id);
        let number = self.mails.len();
        self.by_id.insert(id, number);
        self.mails.push(Mail {
            from,
            to,
            at: self.now,
            acknowledges,
            handover: None,
            is_done: false,
            id,
            is_mark: false,
            shown_to: None,
        });
        if self.users[to].online {
            self.arrive_directly(number);
            if !self.scheme.copies_of_all {
                return;
            }
        }
        self.plan(number, size);
        if acknowledges.is_none() {
            self.at(self.now + 3 * DAY, Event::Repost(number));
        }
    }

    fn plan(&mut self, mail: usize, size: usize) {
        let (from, to) = (self.mails[mail].from, self.mails[mail].to);
        let kind = if self.mails[mail].acknowledges.is_some() { Kind::Acknowledgement } else { Kind::Mail };
        let parcel = Parcel { kind, record: vec![7; 400], content: vec![0; size] };
        let parts = Parts::new(self.mails[mail].id, &parcel).unwrap();
        let within = if self.scheme.delays { self.scheme.within } else { 0 };
        let choices: Vec<Choice> = self.users[to]
            .boards
            .iter()
            .filter(|board| !self.users[from].left.contains(board))
            .map(|board| Choice { board: self.hosts[*board].key, within: Duration::from_millis(within) })
            .collect();
        let now = clock(self.now).monotonic;
        let mailbox = self.users[to].mailbox.point();
        let handover = Handover::plan(parts, mailbox, Ttl::TwoWeeks, &choices, 2, now, &mut self.dice.0);
        self.mails[mail].handover = Some(handover);
        self.at(self.now, Event::Deposit(mail));
    }

    fn repost(&mut self, mail: usize) {
        if !self.mails[mail].is_done {
            self.plan(mail, 3_000);
        }
    }

    /// Both are online: the direct way, which no board sees.
    fn arrive_directly(&mut self, mail: usize) {
        let (from, to) = (self.mails[mail].from, self.mails[mail].to);
        self.receive(to, mail);
        if self.mails[mail].acknowledges.is_none() {
            self.users[to].owed.retain(|(owed, _)| *owed != mail);
            self.acknowledged(mail);
        }
        self.mails[mail].is_done = true;
        debug_assert!(from != to);
    }

    fn receive(&mut self, user: usize, mail: usize) {
        if !self.users[user].seen.insert(mail) {
            return;
        }
        match self.mails[mail].acknowledges {
            Some(other) => {
                self.mails[mail].is_done = true;
                self.acknowledged(other);
            }
            None => {
                self.log.latency.push(self.now - self.mails[mail].at);
                self.users[user].owed.push((mail, self.now));
            }
        }
    }

    fn acknowledged(&mut self, mail: usize) {
        if !self.mails[mail].is_done {
            self.mails[mail].is_done = true;
            self.log.acknowledged += 1;
            if let Some(session) = self.mails[mail].shown_to {
                self.log.answered += 1;
                self.log.answered_right +=
                    usize::from(self.log.sessions[session].user == self.mails[mail].to);
            }
        }
    }

    // Acknowledgements.

    fn next_slot(&mut self, user: usize) {
        let next = self.users[user].slots.next();
        let at = Time::try_from(next.0.as_millis()).unwrap() - clock_offset();
        self.at(at.max(self.now), Event::Slot(user));
    }

    fn slot(&mut self, user: usize) {
        if self.users[user].slots.due(clock(self.now).monotonic, &mut self.dice.0) && self.users[user].online
        {
            self.acknowledge(user);
        }
        self.next_slot(user);
    }

    fn acknowledge(&mut self, user: usize) {
        for (mail, read) in std::mem::take(&mut self.users[user].owed) {
            if self.mails[mail].is_done {
                continue;
            }
            let rested =
                Slots::may_carry(clock(read).monotonic, clock(self.now).monotonic) || !self.scheme.delays;
            let sure = !self.scheme.confirm || !self.users[user].unconfirmed.contains(&mail);
            if !rested || !sure {
                self.users[user].owed.push((mail, read));
                continue;
            }
            let sender = self.mails[mail].from;
            self.submit(user, sender, Some(mail), 200);
        }
    }

    // Depositing.

    fn deposit(&mut self, mail: usize) {
        let from = self.mails[mail].from;
        let is_over = self.mails[mail].is_done && !self.scheme.copies_of_all;
        if is_over || !self.users[from].online {
            return;
        }
        let Some(mut handover) = self.mails[mail].handover.take() else { return };
        let now = clock(self.now).monotonic;
        while let Some(session) = handover.due_session(now) {
            let deposits =
                handover.deposits(&session, &self.users[from].tox.clone(), &mut self.dice.0).unwrap();
            let board = self.hosts.iter().position(|host| host.key == session.board).unwrap();
            self.deposit_session(mail, board, deposits, &mut handover);
        }
        if let Some(next) = handover.next_session_at() {
            let at = Time::try_from(next.0.as_millis()).unwrap().saturating_sub(clock_offset());
            self.at(at.max(self.now + 1), Event::Deposit(mail));
        }
        self.mails[mail].handover = Some(handover);
    }

    fn deposit_session(
        &mut self,
        mail: usize,
        board: usize,
        deposits: Vec<Deposit>,
        handover: &mut Handover,
    ) {
        if deposits.is_empty() {
            return;
        }
        let (from, to) = (self.mails[mail].from, self.mails[mail].to);
        let log = self.log.sessions.len();
        let length = SECOND * 2 + (self.dice.unit() * 1_500.0) as Time * deposits.len() as Time;
        self.log.sessions.push(SessionLog {
            board,
            kind: SessionKind::Depositing,
            begin: self.now,
            end: self.now + length,
            identity: (!self.scheme.throwaways || self.scheme.supernode).then_some(from),
            window: None,
            fetched: vec![],
            user: from,
        });
        for deposit in &deposits {
            self.cells.insert(deposit.cell.name(), mail);
            self.log.deposits.push(DepositLog {
                board,
                at: self.now,
                name: deposit.cell.name(),
                session: log,
                asked_for: self.scheme.supernode.then_some(to),
                from,
                to,
            });
        }
        let key = self.hosts[board].key;
        let now = clock(self.now);
        let session = self.hosts[board].board.connect(now);
        let mut depositor = DepositSession::new(key, deposits, now.monotonic);
        let mut events = vec![depositor.start(now.monotonic)];
        while !depositor.is_over() || !events.is_empty() {
            for event in std::mem::take(&mut events) {
                match event {
                    DepositEvent::Send(message) => {
                        let Host { board, shelf, .. } = &mut self.hosts[board];
                        board.receive(shelf, session, &Bytes::from(message), now, &mut self.dice.0);
                    }
                    DepositEvent::Work { challenge, bits } => {
                        let stamp = challenge.search(bits, 0, 1 << 20).unwrap();
                        events.extend(depositor.stamped(stamp, now.monotonic));
                    }
                    DepositEvent::Receipt { tag, receipt } => handover.receipted(&key, tag, receipt),
                    DepositEvent::NotTaken { tag, .. } => {
                        handover.not_taken(&key, tag, false, now.monotonic, &mut self.dice.0);
                    }
                    DepositEvent::Done => {}
                    DepositEvent::Broken(violation) => panic!("an honest board: {violation}"),
                }
            }
            self.settle(board);
            let Host { board, shelf, .. } = &mut self.hosts[board];
            if let Some(message) = board.next_answer(shelf, session, now) {
                events.extend(depositor.receive(&message, now.monotonic, now.wall));
            }
        }
        self.hosts[board].board.disconnect(session);
    }

    // Reading.

    fn next_reading(&mut self) -> Time {
        millis(reading(READING, &mut self.dice.0))
    }

    fn visit(&mut self, user: usize, board: usize, stay: u64) {
        let is_there = self.users[user].online
            && self.users[user].stay == stay
            && !self.users[user].left.contains(&board);
        if !is_there || self.users[user].following.contains_key(&board) {
            return;
        }
        let follow = self.enter(user, board);
        self.users[user].following.insert(board, follow);
        self.follow_on(user, board);
        match self.scheme.reading {
            Reading::Visits => {
                self.leave(user, board);
                let wait = match self.scheme.delays {
                    true => self.next_reading(),
                    false => EVERY,
                };
                self.at(self.now + wait, Event::Visit(user, board, stay));
            }
            Reading::Follow => {
                let wait = millis(reader_renewal(&mut self.dice.0));
                let throwaway = self.users[user].sessions;
                self.at(self.now + wait, Event::Renew(user, board, throwaway));
            }
        }
        if !self.scheme.delays {
            self.acknowledge(user);
        }
    }

    fn renew(&mut self, user: usize, board: usize, throwaway: u64) {
        let current = self.users[user].following.get(&board).map(|follow| follow.throwaway);
        if current == Some(throwaway) {
            self.leave(user, board);
            let stay = self.users[user].stay;
            self.at(self.now + MINUTE, Event::Visit(user, board, stay));
        }
    }

    fn enter(&mut self, user: usize, board: usize) -> Follow {
        let now = clock(self.now);
        // Back to the last reading but one: every cell is shown to two throwaways.
        let before = self.users[user].read.get(&board).and_then(|read| read[1]);
        let away = before.map(|before| self.now - before);
        let window = Window::covering(away.map(Duration::from_millis));
        self.users[user].sessions += 1;
        let session = self.hosts[board].board.connect(now);
        let mut reader = ReadSession::new(self.hosts[board].key, window, now.monotonic);
        let ReadEvent::Send(message) = reader.start(now.monotonic) else { unreachable!() };
        let Host { board: machine, shelf, .. } = &mut self.hosts[board];
        machine.receive(shelf, session, &Bytes::from(message), now, &mut self.dice.0);
        let log = self.log.sessions.len();
        self.log.sessions.push(SessionLog {
            board,
            kind: SessionKind::Reading,
            begin: self.now,
            end: self.now,
            identity: (!self.scheme.throwaways || self.scheme.supernode).then_some(user),
            window: Some(window),
            fetched: vec![],
            user,
        });
        let marked = self.scheme.tagging && board == 0 && self.should_mark(user);
        if marked && let Some((mail, _)) = &self.mark {
            self.mails[*mail].shown_to = Some(log);
            self.log.marked += 1;
        }
        Follow { session, reader, log, throwaway: self.users[user].sessions }
    }

    /// Takes everything the board has for this reader now.
    fn follow_on(&mut self, user: usize, board: usize) {
        let Some(mut follow) = self.users[user].following.remove(&board) else { return };
        let now = clock(self.now);
        let mut forged = Forgery::new(self.mark_for(follow.log), self.hosts[board].key);
        let mut lied = false;
        loop {
            let Host { board: machine, shelf, .. } = &mut self.hosts[board];
            let Some(message) = machine.next_answer(shelf, follow.session, now) else { break };
            for message in forged.bend(message) {
                for event in follow.reader.receive(&message, now.monotonic) {
                    match event {
                        ReadEvent::Send(message) => {
                            let Host { board: machine, shelf, .. } = &mut self.hosts[board];
                            machine.receive(
                                shelf,
                                follow.session,
                                &Bytes::from(message),
                                now,
                                &mut self.dice.0,
                            );
                        }
                        ReadEvent::Cell { cell, .. } => self.found(user, board, &follow, &cell),
                        ReadEvent::Segment { segment, edition, hash } => {
                            let memory = self.users[user].memory.entry(board).or_default();
                            lied |= memory.saw(follow.throwaway, segment, edition, hash).is_err();
                        }
                        ReadEvent::Refused(refusal) => panic!("an honest board: {refusal}"),
                        ReadEvent::NoSeat => panic!("an honest board has seats"),
                        ReadEvent::Broken(violation) => panic!("an honest board: {violation}"),
                        ReadEvent::Info(_) | ReadEvent::CaughtUp => {}
                    }
                }
            }
        }
        if forged.was_used {
            self.mark = None;
        }
        let read = self.users[user].read.entry(board).or_default();
        if read[0] != Some(self.now) {
            *read = [Some(self.now), read[0]];
        }
        self.users[user].following.insert(board, follow);
        if lied {
            self.leave(user, board);
            self.users[user].left.insert(board);
            self.log.left += 1;
        }
    }

    fn leave(&mut self, user: usize, board: usize) {
        let Some(follow) = self.users[user].following.remove(&board) else { return };
        let length = match self.scheme.reading {
            Reading::Visits => 3 * SECOND + (self.dice.unit() * 20_000.0) as Time,
            Reading::Follow => 0,
        };
        self.log.sessions[follow.log].end = self.now + length;
        self.hosts[board].board.disconnect(follow.session);
    }

    fn found(&mut self, user: usize, board: usize, follow: &Follow, cell: &Cell) {
        let name = cell.name();
        let Some(mail) = self.cells.get(&name).copied() else { return };
        if self.mails[mail].to != user {
            return;
        }
        // By name a cell is fetched until it was shown to two throwaways.
        let sightings = self.users[user].fetched.entry(name).or_default();
        *sightings += 1;
        if !self.scheme.whole_board && *sightings <= 2 {
            self.log.sessions[follow.log].fetched.push(name);
        }
        let key = self.hosts[board].key;
        if self.users[user].confirmations.saw(key, name, follow.throwaway) == Sighting::Confirmed {
            self.users[user].unconfirmed.remove(&mail);
        } else if !self.users[user].seen.contains(&mail) {
            self.users[user].unconfirmed.insert(mail);
        }
        let secret = &self.users[user].mailbox;
        let opened = open(cell, &key, secret, &secret.point()).unwrap();
        let (assembly, wall) = (&mut self.users[user].assembly, clock(self.now).wall);
        let progress = assembly.take(&(), Sender::Contact, opened, wall).progress;
        if let Progress::Complete(received) = progress {
            assembly.remove(&(), &received.key);
            let mail = self.by_id[&received.key.mail];
            self.receive(user, mail);
        }
    }

    // The active adversary.

    /// The helper of the board writes to its contact, user 0, by the first board alone; the cell is never put up for all.
    fn make_mark(&mut self) {
        self.at(self.now + 2 * HOUR, Event::Mark);
        let victim = self.victim();
        let helper = self.users[victim].contacts[0];
        let mut id = [0; 16];
        self.dice.0.fill_bytes(&mut id);
        let id = MailId(id);
        let parcel = Parcel { kind: Kind::Mail, record: vec![], content: b"chosen".to_vec() };
        let bytes = parcel.encode().unwrap();
        let place = Place { mail: id, index: 0, count: 1, digest: drops::hash::hash(&[&bytes]) };
        let mailbox = self.users[victim].mailbox.point();
        let sealer = Sealer { sender: &self.users[helper].tox, mailbox: &mailbox, board: &self.hosts[0].key };
        let cell = sealer.seal(&mut self.dice.0, &place, &bytes).unwrap();
        let mail = self.mails.len();
        self.by_id.insert(id, mail);
        self.cells.insert(cell.name(), mail);
        self.mails.push(Mail {
            from: helper,
            to: victim,
            at: self.now,
            acknowledges: None,
            handover: None,
            is_done: false,
            id,
            is_mark: true,
            shown_to: None,
        });
        self.mark = Some((mail, cell));
    }

    /// A user who reads the first board.
    fn victim(&self) -> usize {
        (0..USERS).find(|user| self.users[*user].boards.contains(&0)).unwrap()
    }

    /// The board shows the mark to a session that may be the victim's, by presence: it is online, and how many others are.
    fn should_mark(&mut self, _reader: usize) -> bool {
        let is_free = self.mark.as_ref().is_some_and(|(mail, _)| self.mails[*mail].shown_to.is_none());
        let victim = self.victim();
        is_free && self.users[victim].online
    }

    fn mark_for(&self, log: usize) -> Option<Cell> {
        let (mail, cell) = self.mark.as_ref()?;
        (self.mails[*mail].shown_to == Some(log)).then(|| cell.clone())
    }

    fn finish(mut self) -> Log {
        for user in 0..USERS {
            for board in 0..BOARDS {
                self.leave(user, board);
            }
        }
        self.log
    }
}

/// Bends the first segment a session is sent, so that it holds one cell more, with a hash that fits.
struct Forgery {
    cell: Option<Cell>,
    board: BoardKey,
    entries: Vec<Entry>,
    target: Option<(u32, u8)>,
    was_used: bool,
}

impl Forgery {
    fn new(cell: Option<Cell>, board: BoardKey) -> Self {
        Self { cell, board, entries: vec![], target: None, was_used: false }
    }

    fn bend(&mut self, message: Bytes) -> Vec<Bytes> {
        let Some(mark) = self.cell.clone() else { return vec![message] };
        let (id, answer) = Answer::decode(&message).unwrap();
        let ours = Answer::Cell { ttl: Ttl::TwoWeeks, cell: mark.clone() };
        let entry = Entry { name: mark.name(), ttl: Ttl::TwoWeeks, digest: mark.digest() };
        let mut answers = vec![];
        match answer {
            Answer::Begin { segment, edition, count: Some(count) } if self.target.is_none() => {
                self.target = Some((segment, edition));
                answers.push(Answer::Begin { segment, edition, count: Some(count + 1) });
            }
            Answer::Cell { ttl, cell } if self.target.is_some() => {
                let is_placed = self.entries.iter().any(|known| known.name == entry.name);
                if !is_placed && entry.name < cell.name() {
                    self.entries.push(entry);
                    answers.push(ours);
                }
                self.entries.push(Entry { name: cell.name(), ttl, digest: cell.digest() });
                answers.push(Answer::Cell { ttl, cell });
            }
            Answer::End { segment, .. } if self.target.is_some() => {
                if !self.entries.iter().any(|known| known.name == entry.name) {
                    self.entries.push(entry);
                    answers.push(ours);
                }
                let edition = self.target.map_or(0, |(_, edition)| edition);
                let hash = segment_hash(&self.board, segment, edition, &self.entries);
                answers.push(Answer::End { segment, hash });
                (self.cell, self.was_used) = (None, true);
            }
            other => answers.push(other),
        }
        answers.iter().map(|answer| Bytes::from(answer.encode(id))).collect()
    }
}

fn clock_offset() -> Time {
    DAY
}

/// Both clocks at a time of the simulation.
fn clock(time: Time) -> Now {
    Now {
        wall: Wall(20_000 * DAY + time),
        monotonic: Monotonic(Duration::from_millis(clock_offset() + time)),
    }
}

fn millis(duration: Duration) -> Time {
    Time::try_from(duration.as_millis()).unwrap()
}

/// A sparse and uneven graph: few with many contacts, many with few; contact goes both ways.
fn contact_graph(dice: &mut Dice) -> Vec<Vec<usize>> {
    let popularity: Vec<f64> = (0..USERS).map(|_| dice.wait(1.0) + 0.15).collect();
    let mut contacts: Vec<Vec<usize>> = vec![vec![]; USERS];
    for user in 0..USERS {
        let wanted = 1 + (popularity[user] * 2.0) as usize;
        while contacts[user].len() < wanted.min(10) {
            let other = dice.weighted(&popularity);
            if other != user && !contacts[user].contains(&other) {
                contacts[user].push(other);
                contacts[other].push(user);
            }
        }
    }
    contacts
}

/// Times online: servers, people in the evening, people at work, each day a little different.
fn habits(dice: &mut Dice, days: u64) -> Vec<(Time, Time)> {
    let hour = HOUR as f64;
    let kind = dice.below(10);
    let usual = dice.between(-2.0, 2.0);
    let mut times: Vec<(Time, Time)> = vec![];
    for day in 0..days {
        let midnight = (day * DAY) as f64;
        let (from, length) = match kind {
            // Always on, but for a restart now and then.
            0 | 1 => (dice.between(0.0, 0.3), dice.between(23.4, 23.69)),
            2..=6 => (17.0 + usual + dice.between(-1.0, 1.5), dice.between(1.5, 5.0)),
            _ => (8.0 + usual + dice.between(-0.7, 0.7), dice.between(6.0, 10.0)),
        };
        if dice.unit() < 0.08 && kind > 1 {
            continue;
        }
        let from = midnight + from * hour;
        let to = (from + length * hour).min(((day + 1) * DAY) as f64 - 1_000.0);
        times.push((from as Time, to as Time));
    }
    times
}

/// Times online of a gateway that never stops but for five minutes a day, at any hour.
fn all_day(dice: &mut Dice, days: u64) -> Vec<(Time, Time)> {
    let restarts: Vec<Time> =
        (0..days).map(|day| day * DAY + dice.between(0.0, (DAY - HOUR) as f64) as Time).collect();
    let mut from = 0;
    let mut times = vec![];
    for restart in restarts {
        times.push((from, restart));
        from = restart + 5 * MINUTE;
    }
    times.push((from, days * DAY - SECOND));
    times
}
