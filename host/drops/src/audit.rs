//! Audits: whether boards still hold what they gave receipts for.
//!
//! Fed with what ordinary reading shows; the board cannot tell an audit from reading.

use std::collections::{HashMap, HashSet};

use crate::cell::{BoardKey, Name};
use crate::limits::AUDITS;
use crate::message::{Edition, Receipt};
use crate::ttl::Ttl;

/// A cell with a receipt that a board did not show in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The board.
    pub board: BoardKey,
    /// Its receipt.
    pub receipt: Receipt,
}

/// Own cells that are looked for.
#[derive(Debug, Default)]
pub struct Audits {
    expected: HashMap<(BoardKey, u32), Vec<(Receipt, Ttl)>>,
    count: usize,
    seen: HashMap<BoardKey, HashSet<Name>>,
}

impl Audits {
    /// Looks for the cell of this receipt from now on. Past 4 096 cells, more are not watched.
    pub fn expect(&mut self, board: BoardKey, receipt: Receipt, ttl: Ttl) {
        if self.count < AUDITS {
            self.count += 1;
            self.expected.entry((board, receipt.segment)).or_default().push((receipt, ttl));
        }
    }

    /// A reader of `board` was sent this cell.
    pub fn saw(&mut self, board: &BoardKey, segment: u32, name: &Name) {
        let Some(expected) = self.expected.get(&(*board, segment)) else { return };
        if expected.iter().any(|(receipt, _)| receipt.name == *name) {
            self.seen.entry(*board).or_default().insert(*name);
        }
    }

    /// A reader of `board` has the whole segment: what should have been in it and was not.
    pub fn complete(&mut self, board: &BoardKey, segment: u32, edition: Edition) -> Vec<Missing> {
        let Some(expected) = self.expected.remove(&(*board, segment)) else { return vec![] };
        self.count = self.count.saturating_sub(expected.len());
        let seen = self.seen.entry(*board).or_default();
        let mut missing = vec![];
        for (receipt, ttl) in expected {
            let was_seen = seen.remove(&receipt.name);
            // Over its time it may be gone.
            if !was_seen && ttl.class() >= edition {
                missing.push(Missing { board: *board, receipt });
            }
        }
        missing
    }

    /// Boards with cells still to be looked for.
    pub fn boards(&self) -> HashSet<BoardKey> {
        self.expected.keys().map(|(board, _)| *board).collect()
    }
}

#[cfg(test)]
mod tests {
    use mail::{PublicKey, Wall};

    use super::*;

    const BOARD: BoardKey = PublicKey([9; 32]);

    fn receipt(byte: u8, segment: u32) -> Receipt {
        Receipt { name: Name([byte; 32]), segment, until: Wall(0) }
    }

    #[test]
    fn what_is_not_shown_is_missing_unless_its_time_is_over() {
        let mut audits = Audits::default();
        for byte in 1..=3 {
            audits.expect(BOARD, receipt(byte, 7), Ttl::Week);
        }
        audits.expect(BOARD, receipt(4, 7), Ttl::Day);
        audits.expect(BOARD, receipt(5, 8), Ttl::Week);
        audits.saw(&BOARD, 7, &Name([1; 32]));
        audits.saw(&BOARD, 7, &Name([99; 32]));
        audits.saw(&BOARD, 8, &Name([2; 32]));
        let missing: Vec<u8> =
            audits.complete(&BOARD, 7, 1).iter().map(|missing| missing.receipt.name.0[0]).collect();
        assert_eq!(missing, [2, 3], "in another segment is not in its segment");
        assert!(audits.complete(&BOARD, 7, 1).is_empty(), "asked once");
        assert_eq!(audits.boards(), HashSet::from([BOARD]));
    }

    #[test]
    fn what_is_watched_is_bounded() {
        let mut audits = Audits::default();
        for segment in 0..10_000 {
            audits.expect(BOARD, receipt(1, segment), Ttl::Week);
        }
        assert_eq!(audits.expected.len(), AUDITS);
    }
}
