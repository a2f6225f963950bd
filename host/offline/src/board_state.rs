//! What is known of one board.

use drops::cell::{BoardKey, Name};
use drops::confirm::{Confirmations, Sighting};
use drops::limits::CLOCK_SKEW;
use drops::reader::BoardMemory;
use drops::record::OwnerMark;
use drops::token::Sightings;
use mail::{Monotonic, Wall};
use serde::{Deserialize, Serialize};

use crate::limits::{LIAR, PROBLEM_CHARS};
use crate::supply::TokenSupply;

/// How a board behaved, durable: the only place where that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    /// Deposits with a receipt.
    pub receipts: u64,
    /// Deposits without a receipt, and sessions that failed by its fault. The relay-selector gets
    /// this number.
    pub failures: u64,
    pub last_failure: Option<Wall>,
    /// The last problem, one line.
    pub problem: Option<String>,
    /// How full it said it is, percent.
    pub fill: u8,
    /// When it was last read to the end.
    pub last_read: Option<Wall>,
    /// When it was read to the end before that.
    pub read_before: Option<Wall>,
    /// When it was caught lying.
    pub lied: Option<Wall>,
    /// Sessions that failed, perhaps by nobody's fault. People see this number.
    pub troubles: u64,
    pub last_trouble: Option<Wall>,
}

/// A board.
#[derive(Default)]
pub(crate) struct BoardState {
    pub history: History,
    pub memory: BoardMemory,
    pub confirmations: Confirmations,
    /// Issuing keys it was seen with.
    pub sightings: Sightings,
    /// When it is read next; None: not planned.
    pub next_visit: Option<Monotonic>,
    pub is_visiting: bool,
    /// Visits in a row that did not end as they should.
    pub unfinished: u32,
    /// When it is read to see whether own cells are still there.
    pub audit_at: Option<Monotonic>,
}

/// What API and dashboard say about a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardReport {
    /// The key of the board.
    pub key: BoardKey,
    /// Whether accounts here read it.
    pub is_read: bool,
    /// Deposits with a receipt.
    pub receipts: u64,
    /// Deposits and sessions that failed.
    pub failures: u64,
    /// The last failure.
    pub last_failure: Option<Wall>,
    /// What went wrong last.
    pub problem: Option<String>,
    /// How full it said it is, percent.
    pub fill: u8,
    /// When it was last read to the end.
    pub last_read: Option<Wall>,
    /// Whether two throwaways were shown the same, and never anything else.
    pub is_trusted: bool,
    /// Whether it was caught lying lately.
    pub lied: bool,
    /// The mark of its owner, if an address or a contact's record has it.
    pub owner: Option<OwnerMark>,
    /// Tokens for deposits on it.
    pub tokens: TokenSupply,
}

impl History {
    pub fn is_liar(&self, now: Wall) -> bool {
        // What was noted while the clock was ahead would else hold for as long as it was.
        self.lied.is_some_and(|when| when <= now.plus(CLOCK_SKEW) && now.since(when) < LIAR)
    }

    pub fn failed(&mut self, now: Wall, problem: &str) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(now);
        self.note(problem);
    }

    pub fn troubled(&mut self, now: Wall, problem: &str) {
        self.troubles = self.troubles.saturating_add(1);
        self.last_trouble = Some(now);
        self.note(problem);
    }

    fn note(&mut self, problem: &str) {
        self.problem = Some(problem.chars().take(PROBLEM_CHARS).collect());
    }
}

impl BoardState {
    /// Whether this cell was shown before, and to whom.
    pub fn saw(&mut self, board: BoardKey, name: Name, throwaway: u64) -> Sighting {
        self.confirmations.saw(board, name, throwaway)
    }

    pub fn report(&self, key: BoardKey, is_read: bool, now: Wall) -> BoardReport {
        let history = self.history.clone();
        BoardReport {
            key,
            is_read,
            receipts: history.receipts,
            failures: history.failures.saturating_add(history.troubles),
            last_failure: history.last_failure.max(history.last_trouble),
            problem: history.problem,
            fill: history.fill,
            last_read: history.last_read,
            is_trusted: self.memory.is_trusted(),
            lied: self.history.is_liar(now),
            owner: None,
            tokens: TokenSupply::default(),
        }
    }
}
