//! One client of a board: what it asked, what it is owed, what it did so far.

use std::collections::VecDeque;
use std::sync::Arc;

use mail::Monotonic;

use super::Now;
use crate::cell::Name;
use crate::limits::{INVITED_TIME, LOBBY_TIME, SESSION_IDLE, SESSION_LONGEST};
use crate::message::{Answer, Refusal, RequestId};

/// A client's session, from its friend request to its deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// The right by which a session is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In one of the sessions open to all.
    Open,
    /// All of those are taken: may only enter with a token, or get some for an invitation, and
    /// soon.
    Lobby,
    /// In one of the sessions kept for token holders, for an invitation: gets tokens, and goes.
    Invited {
        /// The invitation's name, whole.
        invitation: [u8; 32],
    },
    /// In one of the sessions kept for token holders.
    Member,
    /// It had a seat, and gave it to somebody else.
    Leaving {
        /// Since when it is leaving.
        since: Monotonic,
    },
    /// A session of the board's owner, within its process: it is not counted with the others.
    Owner,
}

/// A closed segment being sent.
#[derive(Debug)]
pub(super) struct Reading {
    pub id: RequestId,
    pub segment: u32,
    pub edition: u8,
    pub hash: [u8; 32],
    pub names: Arc<[Name]>,
    pub next: usize,
    pub begun: bool,
}

/// The open segment being sent, cell by cell as they come.
#[derive(Debug)]
pub(super) struct Following {
    pub id: RequestId,
    pub segment: u32,
    pub next: usize,
    pub begun: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    pub standing: Standing,
    /// Answers ready to go.
    pub out: VecDeque<(RequestId, Answer)>,
    /// Segments asked for, sent one after the other.
    pub reads: VecDeque<Reading>,
    pub following: Option<Following>,
    /// Requests that wait for the policy or the disk.
    pub waiting: usize,
    pub deposits: u32,
    pub segments: u32,
    pub work: u32,
    /// When something last went either way.
    pub touched: Monotonic,
    pub begun: Monotonic,
    /// Whether it was told that it may only enter.
    pub turned_away: bool,
    /// Whether it was told the board's description of itself after that.
    pub informed: bool,
    /// Ends when everything in `out` went.
    pub ending: bool,
}

impl Session {
    pub fn new(standing: Standing, now: Monotonic) -> Self {
        Self {
            standing,
            out: VecDeque::new(),
            reads: VecDeque::new(),
            following: None,
            waiting: 0,
            deposits: 0,
            segments: 0,
            work: 0,
            touched: now,
            begun: now,
            turned_away: false,
            informed: false,
            ending: false,
        }
    }

    /// Gives its seat away: its open requests are refused, but a deposit that is stored already
    /// still gets its receipt.
    pub fn leave(&mut self, now: Monotonic) {
        let asked = self.reads.drain(..).map(|reading| reading.id).collect::<Vec<_>>();
        let followed = self.following.take().map(|following| following.id);
        let refused = asked.into_iter().chain(followed);
        self.out.extend(refused.map(|id| (id, Answer::Refused(Refusal::Sessions))));
        self.standing = Standing::Leaving { since: now };
        self.ending = true;
    }

    /// Requests not answered in full.
    pub fn open_requests(&self) -> usize {
        self.out.len() + self.reads.len() + self.waiting
    }

    /// Whether it can be forgotten: idle, too old, or done.
    pub fn is_over(&self, now: Now) -> bool {
        let quiet = now.monotonic.since(self.touched);
        let is_idle = match self.standing {
            // Whatever it sends meanwhile.
            Standing::Lobby if self.waiting == 0 => now.monotonic.since(self.begun) >= LOBBY_TIME,
            Standing::Invited { .. } => now.monotonic.since(self.begun) >= INVITED_TIME,
            Standing::Leaving { since } => now.monotonic.since(since) >= LOBBY_TIME,
            _ => quiet >= SESSION_IDLE && (self.following.is_none() || self.open_requests() > 0),
        };
        let is_done = self.ending && self.out.is_empty() && self.waiting == 0;
        is_idle || is_done || now.monotonic.since(self.begun) >= SESSION_LONGEST
    }
}
