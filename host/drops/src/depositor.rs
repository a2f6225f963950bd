//! Depositing: one session of a depositor, under a throwaway of its own.
//!
//! `info`, then cell by cell: a token if there is one, else a stamp made in this session. Where all open sessions are taken, it enters with
//! the token of its last cell. The hash a stamp names comes from this very
//! session: one carried over from a reading session could be a mark that ties the two sessions together.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use mail::{Monotonic, Wall};

use crate::admission::Admission;
use crate::cell::{BoardKey, Cell};
use crate::limits::{ANSWER_TIME, RECEIPT_SKEW, SEGMENTS_APART, STAMP_BITS_MAX, STAMP_RETRIES, VERSION};
use crate::message::{Answer, BoardInfo, Receipt, Refusal, Request, RequestId};
use crate::reader::Violation;
use crate::stamp::{Challenge, Stamp};
use crate::token::Token;
use crate::ttl::Ttl;

/// A cell to be deposited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// The caller's number for it.
    pub tag: u32,
    /// The cell.
    pub cell: Cell,
    /// How long it is to be held.
    pub ttl: Ttl,
    /// A token to pay with; none: a stamp.
    pub token: Option<Token>,
}

/// Why a cell was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The board said no.
    Refused(Refusal),
    /// The session ended before.
    Ended,
}

/// What happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DepositEvent {
    /// Send this message.
    Send(Vec<u8>),
    /// Search a stamp of this worth and hand it to [`DepositSession::stamped`].
    Work {
        /// The stamp that is needed.
        challenge: Challenge,
        /// Zero bits needed.
        bits: u8,
    },
    /// The board has the cell durably.
    Receipt {
        /// The tag of the cell.
        tag: u32,
        /// The receipt, checked.
        receipt: Receipt,
    },
    /// The cell was not taken. Its token, if it was shown, counts as spent.
    NotTaken {
        /// The tag of the cell.
        tag: u32,
        /// The reason.
        why: NotTaken,
        /// Its token, if it was not shown.
        unspent: Option<Token>,
    },
    /// Everything was answered: end the session.
    Done,
    /// The board broke the rules: end the session.
    Broken(Violation),
}

#[derive(Debug)]
enum Phase {
    Info,
    /// A token was shown for a seat.
    Entering,
    /// A stamp is being searched for the first cell of the queue.
    Working,
    /// The first cell of the queue was sent.
    Sent,
    Over,
}

const INFO: RequestId = 1;

/// One session of a depositor.
#[derive(Debug)]
pub struct DepositSession {
    board: BoardKey,
    queue: VecDeque<Deposit>,
    phase: Phase,
    info: Option<Box<BoardInfo>>,
    request: RequestId,
    /// Stamps made for the first cell of the queue.
    stamps: u8,
    has_entered: bool,
    was_sent: bool,
    heard: Monotonic,
}

impl DepositSession {
    /// A session on `board`; begin it with [`DepositSession::start`] when the connection is there.
    #[must_use]
    pub fn new(board: BoardKey, deposits: Vec<Deposit>, now: Monotonic) -> Self {
        Self {
            board,
            queue: deposits.into(),
            phase: Phase::Info,
            info: None,
            request: INFO,
            stamps: 0,
            has_entered: false,
            was_sent: false,
            heard: now,
        }
    }

    /// The first message.
    pub fn start(&mut self, now: Monotonic) -> DepositEvent {
        self.heard = now;
        DepositEvent::Send(Request::Info.encode(INFO))
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Whether a cell left for the board, or was about to.
    #[must_use]
    pub const fn was_sent(&self) -> bool {
        self.was_sent
    }

    /// Call now and then: notices a board that went silent.
    pub fn tick(&mut self, now: Monotonic) -> Vec<DepositEvent> {
        let waits = matches!(self.phase, Phase::Info | Phase::Entering | Phase::Sent);
        if waits && now.since(self.heard) >= ANSWER_TIME { self.broken(Violation::Silent) } else { vec![] }
    }

    /// The connection broke: what was not receipted is not taken.
    pub fn ended(&mut self) -> Vec<DepositEvent> {
        self.phase = Phase::Over;
        let not_taken = |deposit: Deposit| DepositEvent::NotTaken {
            tag: deposit.tag,
            why: NotTaken::Ended,
            unspent: deposit.token,
        };
        self.queue.drain(..).map(not_taken).collect()
    }

    fn broken(&mut self, violation: Violation) -> Vec<DepositEvent> {
        let mut events = vec![DepositEvent::Broken(violation)];
        events.extend(self.ended());
        events
    }

    /// A whole message came from the board.
    pub fn receive(&mut self, message: &Bytes, now: Monotonic, wall: Wall) -> Vec<DepositEvent> {
        if self.is_over() {
            return vec![];
        }
        self.heard = now;
        let result = match Answer::decode(message) {
            Ok((id, answer)) if id == self.request => self.handle(answer, wall),
            Ok(_) => Err(Violation::OutOfPlace),
            Err(error) => Err(Violation::Message(error.to_string())),
        };
        result.unwrap_or_else(|violation| self.broken(violation))
    }

    fn handle(&mut self, answer: Answer, wall: Wall) -> Result<Vec<DepositEvent>, Violation> {
        match (&self.phase, answer) {
            (Phase::Info, Answer::Info(info)) => {
                if info.version != VERSION {
                    return Err(Violation::Info);
                }
                self.info = Some(info);
                self.next()
            }
            (Phase::Sent, Answer::Receipt(receipt)) => self.receipted(receipt, wall),
            (Phase::Sent, Answer::Refused(refusal)) => self.refused(refusal),
            (Phase::Info, Answer::Refused(Refusal::Sessions)) => Ok(self.enter()),
            (Phase::Entering, Answer::Entered) => {
                self.phase = Phase::Info;
                Ok(vec![self.ask(&Request::Info)])
            }
            (Phase::Entering, Answer::Refused(Refusal::Token | Refusal::TokenSpent)) => Ok(self.enter()),
            (Phase::Info | Phase::Entering, Answer::Refused(refusal)) => Ok(self.refuse_all(&refusal)),
            _ => Err(Violation::OutOfPlace),
        }
    }

    /// The stamp asked for by [`DepositEvent::Work`].
    pub fn stamped(&mut self, stamp: Stamp, now: Monotonic) -> Vec<DepositEvent> {
        if !matches!(self.phase, Phase::Working) {
            return vec![];
        }
        self.heard = now;
        self.send(Admission::Stamp(stamp))
    }

    /// All open sessions are taken: shows the token of the last cell that has one. Once in a session, or a board could take all.
    fn enter(&mut self) -> Vec<DepositEvent> {
        let mut with_token = self.queue.iter_mut().rev().filter(|_| !self.has_entered);
        let Some(token) = with_token.find_map(|deposit| deposit.token.take()) else {
            return self.refuse_all(&Refusal::Sessions);
        };
        self.has_entered = true;
        self.phase = Phase::Entering;
        vec![self.ask(&Request::Enter { token })]
    }

    fn ask(&mut self, request: &Request) -> DepositEvent {
        self.request += 1;
        DepositEvent::Send(request.encode(self.request))
    }

    /// Begins the next cell.
    fn next(&mut self) -> Result<Vec<DepositEvent>, Violation> {
        self.stamps = 0;
        let Some(deposit) = self.queue.front_mut() else {
            self.phase = Phase::Over;
            return Ok(vec![DepositEvent::Done]);
        };
        if let Some(token) = deposit.token.take() {
            return Ok(self.send(Admission::Token(token)));
        }
        let bits = self
            .info
            .as_ref()
            .zip(self.queue.front())
            .and_then(|(info, deposit)| info.stamp_bits.get(usize::from(deposit.ttl.class())).copied());
        self.work(bits.unwrap_or(u8::MAX))
    }

    fn work(&mut self, bits: u8) -> Result<Vec<DepositEvent>, Violation> {
        let Some((info, deposit)) = self.info.as_ref().zip(self.queue.front()) else { return Ok(vec![]) };
        self.stamps += 1;
        if bits > STAMP_BITS_MAX || self.stamps > STAMP_RETRIES {
            return Err(Violation::Work);
        }
        let challenge = Challenge {
            board: self.board,
            point: deposit.cell.point(),
            ttl: deposit.ttl,
            day: info.day,
            segment: info.last,
            hash: info.last_hash,
        };
        self.phase = Phase::Working;
        Ok(vec![DepositEvent::Work { challenge, bits }])
    }

    fn send(&mut self, admission: Admission) -> Vec<DepositEvent> {
        let Some(deposit) = self.queue.front() else { return vec![] };
        (self.phase, self.was_sent) = (Phase::Sent, true);
        let request = Request::Deposit { ttl: deposit.ttl, admission, cell: deposit.cell.clone() };
        vec![self.ask(&request)]
    }

    fn receipted(&mut self, receipt: Receipt, wall: Wall) -> Result<Vec<DepositEvent>, Violation> {
        let (Some(deposit), Some(info)) = (self.queue.front(), self.info.as_ref()) else {
            return Err(Violation::OutOfPlace);
        };
        let least = Wall(wall.plus(deposit.ttl.duration()).0.saturating_sub(millis(RECEIPT_SKEW)));
        // The same deposit made again after a broken connection may stand in a segment closed meanwhile.
        let is_good = receipt.name == deposit.cell.name()
            && receipt.until >= least
            && receipt.segment.abs_diff(info.last) <= SEGMENTS_APART;
        if !is_good {
            return Err(Violation::Receipt);
        }
        let tag = deposit.tag;
        self.queue.pop_front();
        let mut events = vec![DepositEvent::Receipt { tag, receipt }];
        events.extend(self.next()?);
        Ok(events)
    }

    fn refused(&mut self, refusal: Refusal) -> Result<Vec<DepositEvent>, Violation> {
        match refusal {
            Refusal::StampBits(bits) => self.work(bits),
            // The token was good for nothing: work instead.
            Refusal::Token | Refusal::TokenSpent => self.next(),
            Refusal::NameTaken | Refusal::Point | Refusal::Malformed(_) => {
                let Some(deposit) = self.queue.pop_front() else { return Ok(vec![]) };
                let why = NotTaken::Refused(refusal);
                let unspent = deposit.token;
                let mut events = vec![DepositEvent::NotTaken { tag: deposit.tag, why, unspent }];
                events.extend(self.next()?);
                Ok(events)
            }
            other => Ok(self.refuse_all(&other)),
        }
    }

    /// What refuses one cell refuses all: full, busy, closed.
    fn refuse_all(&mut self, refusal: &Refusal) -> Vec<DepositEvent> {
        self.phase = Phase::Over;
        let not_taken = |deposit: Deposit| DepositEvent::NotTaken {
            tag: deposit.tag,
            why: NotTaken::Refused(refusal.clone()),
            unspent: deposit.token,
        };
        let mut events: Vec<DepositEvent> = self.queue.drain(..).map(not_taken).collect();
        events.push(DepositEvent::Done);
        events
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
