//! The board: the server side of drop relays, without any I/O.
//!
//! Clients connect ([`Board::connect`]) and send requests ([`Board::receive`]); the caller fetches answers one by one as
//! the connection takes them ([`Board::next_answer`]), so a slow reader costs no memory. A deposit goes through four stations:
//! its admission is checked, the `policy` component is asked ([`Board::next_question`], [`Board::decide`]), it waits for
//! a commit it shares with others ([`Board::next_batch`], [`Shelf::commit`], [`Board::committed`]), and only then its receipt is
//! sent. [`Board::tick`] says which sessions are over.
//!
//! Nobody but the caller touches the disk in a way that waits: `receive` and `next_answer` read through [`Shelf`], commits may
//! run in another thread.

mod deposit;
mod reading;
mod seats;
mod session;
pub mod shelf;
mod upkeep;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use bytes::Bytes;
use mail::{Monotonic, Wall};
use rand_core::{CryptoRng, RngCore};

pub use session::SessionId;
use session::{Session, Standing};
pub use shelf::{InvalidInvitationName, InvitationName, MemoryShelf, Shelf, ShelfError};

use crate::admission::Difficulty;
use crate::cell::{BoardKey, Name};
use crate::hash::hash;
use crate::limits::{
    BOARD_BYTES_DEFAULT, BOARD_DAY_CELLS, BOARD_SESSIONS, CELL_BYTES, INVITATIONS, LOBBY_SESSIONS,
    SESSION_REQUESTS, SESSION_WORK, VERSION,
};
use crate::mailbox::Period;
use crate::message::{Answer, BoardInfo, InvitationCode, MessageError, Refusal, Request, RequestId};
use crate::segment::ClosedSegment;
use crate::stamp;
use crate::token::{Issuer, IssuingKey, SpentMark, TokenError};
use deposit::{Job, Waiting};
pub use deposit::{Question, Ticket};
use reading::Arrivals;
use shelf::{Batch, Invitation, Totals};

/// The nospam of every board's Tox ID: the first 4 bytes of a hash of its key, so that everybody uses the same address.
#[must_use]
pub fn board_nospam(board: &BoardKey) -> mail::Nospam {
    let hash = hash(&[b"toxmail board", &board.0]);
    mail::Nospam([hash[0], hash[1], hash[2], hash[3]])
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time of day; may jump.
    pub wall: Wall,
    /// Time that never goes back.
    pub monotonic: Monotonic,
}

/// The limits of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Bytes of cells held; half of it for token holders.
    pub bytes: u64,
    /// Cells a day; half of them for token holders.
    pub day_cells: u32,
    /// Sessions at once; a third of them for token holders.
    pub sessions: usize,
    /// What stamps are worth.
    pub difficulty: Difficulty,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            bytes: BOARD_BYTES_DEFAULT,
            day_cells: BOARD_DAY_CELLS,
            sessions: BOARD_SESSIONS,
            difficulty: Difficulty::default(),
        }
    }
}

impl Quotas {
    /// Cells there is room for.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.bytes / CELL_BYTES as u64
    }
}

/// Why a board cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// Storage failed.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// A stored issuing key is damaged.
    #[error("the board's issuing keys are damaged: {0}")]
    Key(#[from] TokenError),
    /// As many invitations as a board keeps.
    #[error("the board has 1024 invitations; take one back first")]
    Invitations,
}

/// What a board's owner sees of it: counts and bytes, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardStatus {
    /// Number of cells held.
    pub cells: u64,
    /// Cells there is room for.
    pub capacity: u64,
    /// Cells taken today.
    pub today: u32,
    /// Number of open sessions.
    pub sessions: usize,
    /// Number of invitations given.
    pub invitations: usize,
    /// The open segment.
    pub open_segment: u32,
}

/// An invitation, as the board's owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationStatus {
    /// Its name.
    pub name: InvitationName,
    /// Tokens it gave in this period.
    pub issued: u32,
}

/// A drop relay's state machine.
#[derive(Debug)]
pub struct Board {
    key: BoardKey,
    issuer: Issuer,
    quotas: Quotas,
    totals: Totals,
    closed: BTreeMap<u32, ClosedSegment>,
    invitations: HashMap<[u8; 32], Invitation>,
    /// Invitations changed since the last commit.
    invitation_changes: Vec<([u8; 32], Option<Invitation>)>,
    issuing: BTreeMap<Period, IssuingKey>,
    sessions: BTreeMap<SessionId, Session>,
    last_session: u64,
    /// Deposits that are not durable yet, by name.
    waiting: HashMap<Name, Waiting>,
    questions: VecDeque<Question>,
    asked: HashMap<Ticket, Name>,
    last_ticket: u64,
    /// Marks of tokens shown but not durably spent.
    marks: HashSet<SpentMark>,
    /// Jobs for the next commit, in order.
    staged: VecDeque<Job>,
    in_flight: Option<upkeep::InFlight>,
    arrivals: VecDeque<Arrivals>,
    /// When the open segment was opened.
    opened: Monotonic,
    /// When the last deposit in the open segment was taken.
    latest: Wall,
    pace: upkeep::Pace,
    sweep: upkeep::Sweep,
}

impl Board {
    /// Opens the board `key` with what `shelf` holds, and makes what is missing there: segment 1,
    /// and the issuing keys of `issuer`. Keys that `shelf` has stay as they are, because members
    /// know them.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn open(
        key: BoardKey,
        issuer: Issuer,
        quotas: Quotas,
        shelf: &impl Shelf,
        now: Now,
    ) -> Result<Self, BoardError> {
        let loaded = shelf.load()?;
        let fresh = Totals { open: 1, opened: now.wall, day: stamp::day(now.wall), ..Totals::default() };
        let totals = loaded.totals.unwrap_or(fresh);
        let issuing = loaded
            .keys
            .iter()
            .map(|(period, bytes)| Ok((*period, IssuingKey::from_bytes(*period, bytes)?)))
            .collect::<Result<BTreeMap<_, _>, TokenError>>()?;
        let open_for = now.wall.since(totals.opened);
        let mut board = Self {
            key,
            issuer,
            quotas,
            totals,
            closed: loaded.closed.into_iter().map(|closed| (closed.number, closed)).collect(),
            invitations: loaded.invitations.into_iter().collect(),
            invitation_changes: vec![],
            issuing,
            sessions: BTreeMap::new(),
            last_session: 0,
            waiting: HashMap::new(),
            questions: VecDeque::new(),
            asked: HashMap::new(),
            last_ticket: 0,
            marks: HashSet::new(),
            staged: VecDeque::new(),
            in_flight: None,
            arrivals: VecDeque::new(),
            opened: Monotonic(now.monotonic.0.saturating_sub(open_for)),
            latest: Wall(0),
            pace: upkeep::Pace::new(now),
            sweep: upkeep::Sweep::default(),
        };
        let names: Vec<Name> = shelf.entries(board.totals.open)?.iter().map(|entry| entry.name).collect();
        for name in &names {
            let taken = shelf.held(name)?.map(|held| deposit::taken_at(&held));
            board.latest = board.latest.max(taken.unwrap_or_default());
        }
        board.arrivals.push_back(Arrivals { segment: board.totals.open, names, hash: None });
        let mut batch = Batch { totals: board.totals, ..Batch::default() };
        board.renew_keys(now.wall, &mut batch)?;
        shelf.commit(&batch)?;
        Ok(board)
    }

    /// A client is gone. Its deposits that wait are stored all the same; it can ask for the receipt again.
    pub fn disconnect(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// The sessions that are over: idle, too old, done after a refusal, or waiting too long to enter. Delete their Tox
    /// friend and forget the session.
    pub fn tick(&mut self, now: Now) -> Vec<SessionId> {
        self.pace.tick(now);
        let lobby: Vec<SessionId> = self
            .of(Standing::Lobby)
            .filter(|id| self.sessions.get(id).is_some_and(|session| session.waiting == 0))
            .collect();
        let crowd = lobby.len().saturating_sub(LOBBY_SESSIONS);
        let mut over: Vec<SessionId> = lobby.into_iter().take(crowd).collect();
        over.extend(self.sessions.iter().filter(|(_, session)| session.is_over(now)).map(|(id, _)| *id));
        over.sort_unstable();
        over.dedup();
        for id in &over {
            self.disconnect(*id);
        }
        over
    }

    /// A whole message came from a client.
    pub fn receive<R: RngCore + CryptoRng>(
        &mut self,
        shelf: &impl Shelf,
        session: SessionId,
        message: &Bytes,
        now: Now,
        rng: &mut R,
    ) {
        let (id, request) = Request::decode(message);
        if !self.may_ask(session, id, now) {
            return;
        }
        let result = match request {
            Err(error) => {
                self.end(session);
                Err(malformed(&error))
            }
            Ok(request) => self.handle(shelf, session, id, request, now, rng),
        };
        match result {
            Ok(Some(answer)) => self.answer(session, id, answer),
            Ok(None) => {}
            Err(refusal) => self.answer(session, id, Answer::Refused(refusal)),
        }
    }

    /// Counts the request, and refuses it if there are too many.
    fn may_ask(&mut self, session: SessionId, id: RequestId, now: Now) -> bool {
        let Some(client) = self.sessions.get_mut(&session) else { return false };
        client.touched = now.monotonic;
        client.work += 1;
        if client.ending {
            return false;
        }
        if client.work > SESSION_WORK || client.open_requests() > SESSION_REQUESTS {
            client.ending = true;
            client.out.push_back((id, Answer::Refused(Refusal::Busy(60))));
            return false;
        }
        true
    }

    fn handle<R: RngCore + CryptoRng>(
        &mut self,
        shelf: &impl Shelf,
        session: SessionId,
        id: RequestId,
        request: Request,
        now: Now,
        rng: &mut R,
    ) -> Result<Option<Answer>, Refusal> {
        self.may_ask_without_a_seat(session, &request)?;
        match request {
            Request::Info => self.info(now.wall).map(|info| Some(Answer::Info(Box::new(info)))),
            Request::Deposit { ttl, admission, cell } => {
                self.deposit(shelf, (session, id), deposit::Offer { ttl, admission, cell }, now)
            }
            Request::Read { segment } => self.read(shelf, session, id, segment, now.wall).map(|()| None),
            Request::Follow => self.follow(session, id).map(|()| None),
            Request::Issue { period, invitation, blinded } => {
                let issued = self.issue((session, id), period, &invitation, &blinded, now, rng);
                if issued.is_err() && self.is_outside(session) {
                    self.end(session);
                }
                issued.map(|()| None)
            }
            Request::Enter { token } => self.enter(shelf, (session, id), &token, now).map(|()| None),
        }
    }

    /// What `info` says now.
    fn info(&self, now: Wall) -> Result<BoardInfo, Refusal> {
        let period = Period::at(now);
        let key = |period: Period| {
            let key = self.issuing.get(&period).ok_or(Refusal::Trouble)?;
            Ok((period, key.public()))
        };
        let last = self.closed.values().next_back();
        let capacity = self.quotas.capacity().max(1);
        let (stamps, tokens) = self.today(now);
        Ok(BoardInfo {
            version: VERSION,
            day: stamp::day(now),
            today: stamps + tokens,
            day_cells: self.quotas.day_cells,
            fill: u8::try_from(self.totals.cells.min(capacity) * 100 / capacity).unwrap_or(100),
            full_until: self.room(deposit::Share::Tokens, now).err().unwrap_or(Wall(0)),
            stamp_bits: crate::ttl::Ttl::ALL
                .map(|ttl| self.quotas.difficulty.bits(stamps, self.quotas.day_cells / 2, ttl)),
            oldest: self.oldest(now),
            last: last.map_or(0, |closed| closed.number),
            last_hash: last.map_or([0; 32], |closed| closed.editions[0].hash),
            keys: [key(period)?, key(period.next())?],
        })
    }

    /// Cells taken today, by share, those not durable yet included.
    fn today(&self, now: Wall) -> (u32, u32) {
        let (mut stamps, mut tokens) = (0, 0);
        if self.totals.day == stamp::day(now) {
            (stamps, tokens) = (self.totals.today_stamps, self.totals.today_tokens);
        }
        for waiting in self.waiting.values() {
            match waiting.share {
                deposit::Share::Stamps => stamps += 1,
                deposit::Share::Tokens => tokens += 1,
            }
        }
        (stamps, tokens)
    }

    /// Evaluates a member's token request, within its invitation's number for the period.
    fn issue<R: RngCore + CryptoRng>(
        &mut self,
        client: (SessionId, RequestId),
        period: Period,
        code: &InvitationCode,
        blinded: &[[u8; 32]],
        now: Now,
        rng: &mut R,
    ) -> Result<(), Refusal> {
        let is_owner = self.sessions.get(&client.0).is_some_and(|known| known.standing == Standing::Owner);
        let name = hash(&[code]);
        let invitation = self.invitations.get(&name).copied().filter(|_| !is_owner);
        if invitation.is_none() && !is_owner {
            return Err(Refusal::Invitation);
        }
        if period != Period::at(now.wall) {
            return Err(Refusal::Token);
        }
        let issued = invitation.map_or(0, |invitation| invitation.issued_in(period));
        let count = u32::try_from(blinded.len()).unwrap_or(u32::MAX);
        if issued.saturating_add(count) > crate::limits::INVITATION_TOKENS {
            return Err(Refusal::InvitationSpent);
        }
        if invitation.is_some() {
            self.seat_for_invitation(client.0, name, now)?;
        }
        let key = self.issuing.get(&period).ok_or(Refusal::Trouble)?;
        let (evaluated, proof) =
            key.issue(rng, blinded).map_err(|error| Refusal::Malformed(error.to_string()))?;
        if !is_owner {
            let changed = Invitation { period, issued: issued + count };
            self.invitations.insert(name, changed);
            self.invitation_changes.push((name, Some(changed)));
        }
        self.wait(client.0);
        self.staged.push_back(Job::Issue { client, answer: Box::new(Answer::Issued { evaluated, proof }) });
        Ok(())
    }

    /// Adds an invitation to tokens. It holds once the next commit is durable.
    ///
    /// # Errors
    /// [`BoardError::Invitations`].
    pub fn invite(&mut self, code: &InvitationCode) -> Result<(), BoardError> {
        if self.invitations.len() >= INVITATIONS {
            return Err(BoardError::Invitations);
        }
        let name = hash(&[code]);
        let invitation = *self.invitations.entry(name).or_default();
        self.invitation_changes.push((name, Some(invitation)));
        Ok(())
    }

    /// Takes the invitation of this name back; false if there is none. It holds once the next commit is durable. Tokens it gave
    /// stay good until their period is over.
    pub fn uninvite(&mut self, name: &InvitationName) -> bool {
        let all = self.invitations.keys().copied();
        let of_name: Vec<[u8; 32]> = all.filter(|hash| InvitationName::of_hash(hash) == *name).collect();
        for hash in &of_name {
            self.invitations.remove(hash);
            self.invitation_changes.push((*hash, None));
        }
        !of_name.is_empty()
    }

    /// All invitations, in the order of their names.
    #[must_use]
    pub fn invitations(&self, now: Wall) -> Vec<InvitationStatus> {
        let period = Period::at(now);
        let status = |(hash, invitation): (&[u8; 32], &Invitation)| InvitationStatus {
            name: InvitationName::of_hash(hash),
            issued: invitation.issued_in(period),
        };
        let mut all: Vec<InvitationStatus> = self.invitations.iter().map(status).collect();
        all.sort_unstable_by_key(|invitation| invitation.name);
        all
    }

    /// What the owner sees.
    #[must_use]
    pub fn status(&self, now: Wall) -> BoardStatus {
        let (stamps, tokens) = self.today(now);
        BoardStatus {
            cells: self.totals.cells,
            capacity: self.quotas.capacity(),
            today: stamps + tokens,
            sessions: self.sessions.len(),
            invitations: self.invitations.len(),
            open_segment: self.totals.open,
        }
    }

    fn answer(&mut self, session: SessionId, id: RequestId, answer: Answer) {
        if let Some(client) = self.sessions.get_mut(&session) {
            client.out.push_back((id, answer));
        }
    }

    /// The answer to a request that waited.
    fn answer_late(&mut self, (session, id): (SessionId, RequestId), answer: Answer) {
        if let Some(client) = self.sessions.get_mut(&session) {
            client.waiting = client.waiting.saturating_sub(1);
            client.out.push_back((id, answer));
        }
    }

    fn wait(&mut self, session: SessionId) {
        if let Some(client) = self.sessions.get_mut(&session) {
            client.waiting += 1;
        }
    }

    /// The session ends when what it is owed was sent.
    fn end(&mut self, session: SessionId) {
        if let Some(client) = self.sessions.get_mut(&session) {
            client.ending = true;
        }
    }
}

fn malformed(error: &MessageError) -> Refusal {
    match error {
        MessageError::Version(_) => Refusal::Version(VERSION),
        other => Refusal::Malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
