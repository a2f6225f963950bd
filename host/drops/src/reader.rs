//! Reading a board: one session of a reader, and what a reader remembers of a board.
//!
//! Every session does the same, whoever reads: `info`, a window of closed segments, then `follow`. The window is one of four
//! sizes and counted back from the last closed segment, never from where this reader stopped: a session that began exactly
//! where another ended would tie the two together, and the length of the gap would tell whose gateway was off so long.
//! What was read before is read again; that also compares the board's word under two throwaways, cell by cell.
//!
//! The board may lie in every answer: each session is bounded in cells, time and memory, and ends at the first broken rule.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use mail::Monotonic;

use crate::cell::{BoardKey, Cell};
use crate::limits::{
    ANSWER_TIME, DAY_SECONDS, FOLLOW_DAY_SEGMENTS, FOLLOW_SILENCE, HASHES_REMEMBERED, READER_DAY_CELLS,
    SEGMENT_CELLS, SEGMENTS_HELD, VERSION,
};
use crate::message::{Answer, BoardInfo, Edition, Refusal, Request, RequestId};
use crate::segment::{Entry, segment_hash};
use crate::token::Token;

/// How far back a session reads. The smallest window is two days, so that a reader who comes once a
/// day takes the same as one who is always there: it covers the last reading but one of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// About two days: for readers who read every day.
    TwoDays,
    /// About five days.
    FiveDays,
    /// About nine days.
    NineDays,
    /// Everything the board holds: the first time, or after long.
    All,
}

impl Window {
    /// Closed segments read.
    #[must_use]
    pub const fn segments(self) -> u32 {
        match self {
            Self::TwoDays => 50,
            Self::FiveDays => 122,
            Self::NineDays => 218,
            Self::All => SEGMENTS_HELD as u32,
        }
    }

    /// Days of volume that it may hold.
    const fn days(self) -> u64 {
        match self {
            Self::TwoDays => 3,
            Self::FiveDays => 6,
            Self::NineDays => 10,
            Self::All => 30,
        }
    }

    /// The smallest window for somebody who has to go back this far; none: never read.
    #[must_use]
    pub fn covering(away: Option<Duration>) -> Self {
        let hours = away.map(|away| away.as_secs() / 3600);
        match hours {
            Some(0..48) => Self::TwoDays,
            Some(48..120) => Self::FiveDays,
            Some(120..216) => Self::NineDays,
            _ => Self::All,
        }
    }
}

/// How a board broke the rules. One is enough to stop using it for a while; `Differs`, `WrongHash`, `Keys` and `Tokens` mean that it lies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Bytes that are not a message.
    #[error("the board sent something unreadable: {0}")]
    Message(String),
    /// An answer to nothing, or out of order.
    #[error("the board sent an answer out of place")]
    OutOfPlace,
    /// No answer in time.
    #[error("the board did not answer in time")]
    Silent,
    /// Impossible numbers in info, or another version.
    #[error("the board's information about itself makes no sense")]
    Info,
    /// More cells than a segment or day can have.
    #[error("the board sent more cells than it may have")]
    TooMuch,
    /// Cells out of order, twice, or another number than announced.
    #[error("the cells of segment {0} are out of order or of another number than announced")]
    Cells(u32),
    /// The hash is not that of the cells.
    #[error("the hash of segment {0} is not that of its cells")]
    WrongHash(u32),
    /// Two throwaways were shown different things.
    #[error("the board shows different readers different things (segment {0})")]
    Differs(u32),
    /// A receipt for something else or for too short.
    #[error("the board's receipt is not for what was deposited")]
    Receipt,
    /// Another issuing key than was shown before: it marks its members.
    #[error("the board shows different issuing keys to different sessions")]
    Keys,
    /// Tokens that do not fit its published key.
    #[error("the board's tokens do not fit its published key")]
    Tokens,
    /// It asks for more work than the public table ever does.
    #[error("the board asks for more work than the public table")]
    Work,
}

/// What happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEvent {
    /// Send this message.
    Send(Vec<u8>),
    /// What the board says of itself.
    Info(Box<BoardInfo>),
    /// A cell to be scanned. It is good or not by its own cryptography, whatever else the board does.
    Cell {
        /// Its segment.
        segment: u32,
        /// The cell.
        cell: Cell,
    },
    /// A segment was read whole and its hash is right.
    Segment {
        /// Its number.
        segment: u32,
        /// Its edition.
        edition: Edition,
        /// Its hash.
        hash: [u8; 32],
    },
    /// All closed segments of the window were read.
    CaughtUp,
    /// All open sessions are taken: answer with [`ReadSession::enter`].
    NoSeat,
    /// The board refused; the session is over.
    Refused(Refusal),
    /// The board broke the rules; the session is over.
    Broken(Violation),
}

/// A segment that is coming in.
#[derive(Debug)]
struct Incoming {
    segment: u32,
    edition: Edition,
    count: Option<u16>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Info,
    /// No seat, and no token shown yet.
    Outside,
    /// A token was shown for a seat.
    Entering,
    /// There is no token to show. The session ends with the board's description of itself.
    Listening,
    Window,
    Following,
    Over,
}

const INFO: RequestId = 1;
const FOLLOW: RequestId = 2;
const FIRST_READ: RequestId = 3;
const ENTER: RequestId = 0;

/// One session of a reader, under one throwaway.
#[derive(Debug)]
pub struct ReadSession {
    board: BoardKey,
    window: Window,
    phase: Phase,
    has_entered: bool,
    /// Segments still to be asked for, newest last.
    wanted: Vec<u32>,
    /// The read request under way.
    read: RequestId,
    reading: Option<u32>,
    /// Next segment that follows on what was read.
    next: u32,
    incoming: BTreeMap<RequestId, Incoming>,
    cells: u64,
    followed: u64,
    begun: Monotonic,
    heard: Monotonic,
}

impl ReadSession {
    /// A session on `board`; begin it with [`ReadSession::start`] when the connection is there.
    #[must_use]
    pub fn new(board: BoardKey, window: Window, now: Monotonic) -> Self {
        Self {
            board,
            window,
            phase: Phase::Info,
            has_entered: false,
            wanted: vec![],
            read: FIRST_READ,
            reading: None,
            next: 0,
            incoming: BTreeMap::new(),
            cells: 0,
            followed: 0,
            begun: now,
            heard: now,
        }
    }

    /// The first message.
    pub fn start(&mut self, now: Monotonic) -> ReadEvent {
        (self.begun, self.heard) = (now, now);
        ReadEvent::Send(Request::Info.encode(INFO))
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Call now and then: notices a board that went silent.
    pub fn tick(&mut self, now: Monotonic) -> Option<ReadEvent> {
        let patience = match self.phase {
            Phase::Over | Phase::Outside => return None,
            Phase::Following => FOLLOW_SILENCE,
            Phase::Info | Phase::Entering | Phase::Listening | Phase::Window => ANSWER_TIME,
        };
        (now.since(self.heard) >= patience).then(|| self.broken(Violation::Silent))
    }

    /// A whole message came from the board.
    pub fn receive(&mut self, message: &Bytes, now: Monotonic) -> Vec<ReadEvent> {
        if self.is_over() {
            return vec![];
        }
        let result = match Answer::decode(message) {
            Ok((id, answer)) => self.handle(id, answer, now),
            Err(error) => Err(Violation::Message(error.to_string())),
        };
        result.unwrap_or_else(|violation| vec![self.broken(violation)])
    }

    /// Gives a token for a seat, which is spent on disk already. With None the session ends with
    /// the board's description of itself, because its issuing keys have to be seen before there can
    /// be tokens. Call it only after [`ReadEvent::NoSeat`], which comes at most once.
    pub fn enter(&mut self, token: Option<Token>, now: Monotonic) -> ReadEvent {
        self.heard = now;
        let Some(token) = token else {
            self.phase = Phase::Listening;
            return ReadEvent::Send(Request::Info.encode(INFO));
        };
        (self.phase, self.has_entered) = (Phase::Entering, true);
        ReadEvent::Send(Request::Enter { token }.encode(ENTER))
    }

    fn broken(&mut self, violation: Violation) -> ReadEvent {
        self.phase = Phase::Over;
        self.incoming.clear();
        ReadEvent::Broken(violation)
    }

    fn handle(&mut self, id: RequestId, answer: Answer, now: Monotonic) -> Result<Vec<ReadEvent>, Violation> {
        // Following, only whole segments show that the board still serves.
        if self.phase != Phase::Following || matches!(answer, Answer::End { .. }) {
            self.heard = now;
        }
        match answer {
            Answer::Info(info) if id == INFO && self.phase == Phase::Info => self.informed(info),
            Answer::Info(info) if id == INFO && self.phase == Phase::Listening => {
                if !is_sane(&info) {
                    return Err(Violation::Info);
                }
                self.phase = Phase::Over;
                Ok(vec![ReadEvent::Info(info), ReadEvent::Refused(Refusal::Sessions)])
            }
            Answer::Refused(Refusal::Sessions)
                if id == INFO && self.phase == Phase::Info && !self.has_entered =>
            {
                self.phase = Phase::Outside;
                Ok(vec![ReadEvent::NoSeat])
            }
            Answer::Entered if id == ENTER && self.phase == Phase::Entering => {
                self.phase = Phase::Info;
                Ok(vec![ReadEvent::Send(Request::Info.encode(INFO))])
            }
            Answer::Begin { segment, edition, count } => self.begin(id, segment, edition, count, now),
            Answer::Cell { ttl, cell } => {
                let entry = Entry { name: cell.name(), ttl, digest: cell.digest() };
                self.cell(id, entry, cell, now)
            }
            Answer::End { segment, hash } => self.end(id, segment, hash),
            Answer::Refused(Refusal::SegmentGone(_)) if self.is_read(id) => {
                self.incoming.remove(&id);
                self.reading = None;
                Ok(self.ask_next())
            }
            Answer::Refused(refusal) => {
                self.phase = Phase::Over;
                self.incoming.clear();
                Ok(vec![ReadEvent::Refused(refusal)])
            }
            _ => Err(Violation::OutOfPlace),
        }
    }

    fn informed(&mut self, info: Box<BoardInfo>) -> Result<Vec<ReadEvent>, Violation> {
        if !is_sane(&info) {
            return Err(Violation::Info);
        }
        let first = info.oldest.max((info.last + 1).saturating_sub(self.window.segments()));
        self.wanted = (first..=info.last).collect();
        self.next = info.last + 1;
        self.phase = Phase::Window;
        let mut events = vec![ReadEvent::Info(info)];
        events.extend(self.ask_next());
        Ok(events)
    }

    /// The next segment of the window, newest first; after the last one, following begins.
    fn ask_next(&mut self) -> Vec<ReadEvent> {
        if let Some(segment) = self.wanted.pop() {
            self.read += 1;
            self.reading = Some(segment);
            return vec![ReadEvent::Send(Request::Read { segment }.encode(self.read))];
        }
        if self.phase == Phase::Window {
            self.phase = Phase::Following;
            return vec![ReadEvent::CaughtUp, ReadEvent::Send(Request::Follow.encode(FOLLOW))];
        }
        vec![]
    }

    fn is_read(&self, id: RequestId) -> bool {
        id == self.read && self.reading.is_some()
    }

    fn begin(
        &mut self,
        id: RequestId,
        segment: u32,
        edition: Edition,
        count: Option<u16>,
        now: Monotonic,
    ) -> Result<Vec<ReadEvent>, Violation> {
        if self.incoming.contains_key(&id) {
            return Err(Violation::OutOfPlace);
        }
        let is_read = self.is_read(id) && self.reading == Some(segment) && count.is_some();
        let is_followed =
            id == FOLLOW && self.phase == Phase::Following && count.is_none() && segment >= self.next;
        if !is_read && !is_followed {
            return Err(Violation::OutOfPlace);
        }
        if count.is_some_and(|count| usize::from(count) > SEGMENT_CELLS) {
            return Err(Violation::TooMuch);
        }
        self.incoming.insert(id, Incoming { segment, edition, count, entries: vec![] });
        let mut events = vec![];
        if is_followed {
            self.followed += 1;
            if self.followed > FOLLOW_DAY_SEGMENTS * (1 + self.days(now)) {
                return Err(Violation::TooMuch);
            }
            // Segments that closed between info and follow.
            if segment - self.next > Window::TwoDays.segments() {
                return Err(Violation::OutOfPlace);
            }
            self.wanted.extend(self.next..segment);
            self.next = segment + 1;
            if self.reading.is_none() {
                events = self.ask_next();
            }
        }
        Ok(events)
    }

    fn cell(
        &mut self,
        id: RequestId,
        entry: Entry,
        cell: Cell,
        now: Monotonic,
    ) -> Result<Vec<ReadEvent>, Violation> {
        let incoming = self.incoming.get_mut(&id).ok_or(Violation::OutOfPlace)?;
        let segment = incoming.segment;
        let most = incoming.count.map_or(SEGMENT_CELLS, usize::from);
        if incoming.entries.len() >= most {
            return Err(Violation::Cells(segment));
        }
        let is_in_order =
            incoming.count.is_none() || incoming.entries.last().is_none_or(|last| last.name < entry.name);
        if !is_in_order || entry.ttl.class() < incoming.edition {
            return Err(Violation::Cells(segment));
        }
        incoming.entries.push(entry);
        self.cells += 1;
        if self.cells > READER_DAY_CELLS * (self.window.days() + self.days(now)) {
            return Err(Violation::TooMuch);
        }
        Ok(vec![ReadEvent::Cell { segment, cell }])
    }

    /// Whole days since the session began.
    fn days(&self, now: Monotonic) -> u64 {
        now.since(self.begun).as_secs() / DAY_SECONDS
    }

    fn end(&mut self, id: RequestId, segment: u32, hash: [u8; 32]) -> Result<Vec<ReadEvent>, Violation> {
        let mut incoming = self.incoming.remove(&id).ok_or(Violation::OutOfPlace)?;
        let is_complete = incoming.count.is_none_or(|count| usize::from(count) == incoming.entries.len());
        if segment != incoming.segment || !is_complete {
            return Err(Violation::Cells(incoming.segment));
        }
        incoming.entries.sort_unstable();
        let is_single = incoming.entries.windows(2).all(|pair| pair[0].name != pair[1].name);
        if !is_single {
            return Err(Violation::Cells(segment));
        }
        if segment_hash(&self.board, segment, incoming.edition, &incoming.entries) != hash {
            return Err(Violation::WrongHash(segment));
        }
        let mut events = vec![ReadEvent::Segment { segment, edition: incoming.edition, hash }];
        if id != FOLLOW {
            self.reading = None;
            events.extend(self.ask_next());
        }
        Ok(events)
    }
}

/// Whether a board can be what it says it is. How many segments it has does not matter: no more
/// than the window are asked for.
fn is_sane(info: &BoardInfo) -> bool {
    info.version == VERSION && info.oldest >= 1 && info.last < u32::MAX - 1 && info.oldest <= info.last + 1
}

/// What a reader remembers of a board across sessions: which hash it saw under which throwaway.
#[derive(Clone, Debug, Default)]
pub struct BoardMemory {
    seen: BTreeMap<(u32, Edition), (u64, [u8; 32])>,
    order: VecDeque<(u32, Edition)>,
    confirmed: u64,
    differing: u64,
}

impl BoardMemory {
    /// `throwaway` (another number for each) was shown this hash.
    ///
    /// # Errors
    /// [`Violation::Differs`]: another throwaway was shown another one.
    pub fn saw(
        &mut self,
        throwaway: u64,
        segment: u32,
        edition: Edition,
        hash: [u8; 32],
    ) -> Result<(), Violation> {
        match self.seen.get(&(segment, edition)) {
            Some((_, known)) if *known != hash => {
                self.differing += 1;
                Err(Violation::Differs(segment))
            }
            Some((first, _)) => {
                self.confirmed += u64::from(*first != throwaway);
                Ok(())
            }
            None => {
                self.seen.insert((segment, edition), (throwaway, hash));
                self.order.push_back((segment, edition));
                while self.order.len() > HASHES_REMEMBERED {
                    if let Some(oldest) = self.order.pop_front() {
                        self.seen.remove(&oldest);
                    }
                }
                Ok(())
            }
        }
    }

    /// Segments seen alike under two throwaways, and not a single one seen differently: the board can be trusted to
    /// show everybody the same.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.differing == 0 && self.confirmed > 0
    }
}

#[cfg(test)]
mod tests;
