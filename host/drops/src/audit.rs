//! Audits: whether boards still hold what they gave receipts for.
//!
//! Fed with what ordinary reading shows; the board cannot tell an audit from reading.

use std::collections::{HashMap, HashSet, VecDeque};

use mail::Wall;

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
    /// Segments in the order in which something was first expected in them; some may be over.
    order: VecDeque<(BoardKey, u32)>,
    count: usize,
    seen: HashMap<BoardKey, HashSet<Name>>,
}

impl Audits {
    /// Looks for the cell of this receipt from now on, as long as the board has to hold it. Past 4 096 cells those go that were
    /// expected first: they had the most time to be seen.
    pub fn expect(&mut self, board: BoardKey, receipt: Receipt, ttl: Ttl, now: Wall) {
        if receipt.until <= now {
            return;
        }
        while self.count >= AUDITS
            && let Some(oldest) = self.order.pop_front()
        {
            self.give_up(oldest);
        }
        self.count += 1;
        let place = (board, receipt.segment);
        let expected = self.expected.entry(place).or_default();
        if expected.is_empty() {
            self.order.push_back(place);
        }
        expected.push((receipt, ttl));
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
        let place = (*board, segment);
        let Some(expected) = self.expected.remove(&place) else { return vec![] };
        self.order.retain(|other| *other != place);
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
        if seen.is_empty() {
            self.seen.remove(board);
        }
        missing
    }

    /// Forgets cells that no board has to hold any more. Nothing else would be heard of boards that
    /// are not read again.
    pub fn expire(&mut self, now: Wall) {
        let places: Vec<(BoardKey, u32)> = self.order.iter().copied().collect();
        for place in places {
            let expected = self.expected.get(&place).into_iter().flatten();
            if expected.clone().all(|(receipt, _)| receipt.until <= now) {
                self.order.retain(|other| *other != place);
                self.give_up(place);
            }
        }
    }

    fn give_up(&mut self, place: (BoardKey, u32)) {
        let Some(expected) = self.expected.remove(&place) else { return };
        self.count = self.count.saturating_sub(expected.len());
        let Some(seen) = self.seen.get_mut(&place.0) else { return };
        for (receipt, _) in expected {
            seen.remove(&receipt.name);
        }
        if seen.is_empty() {
            self.seen.remove(&place.0);
        }
    }

    /// Boards with cells still to be looked for.
    pub fn boards(&self) -> HashSet<BoardKey> {
        self.expected.keys().map(|(board, _)| *board).collect()
    }
}

#[cfg(test)]
mod tests {
    use mail::PublicKey;

    use super::*;

    const BOARD: BoardKey = PublicKey([9; 32]);

    fn receipt(byte: u8, segment: u32) -> Receipt {
        Receipt { name: Name([byte; 32]), segment, until: Wall(1000) }
    }

    #[test]
    fn what_is_not_shown_is_missing_unless_its_time_is_over() {
        let mut audits = Audits::default();
        for byte in 1..=3 {
            audits.expect(BOARD, receipt(byte, 7), Ttl::Week, Wall(0));
        }
        audits.expect(BOARD, receipt(4, 7), Ttl::Day, Wall(0));
        audits.expect(BOARD, receipt(5, 8), Ttl::Week, Wall(0));
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
    fn boards_that_are_never_read_again_do_not_end_the_audits_of_others() {
        let mut audits = Audits::default();
        let other = PublicKey([8; 32]);
        for segment in 0..10_000 {
            audits.expect(other, receipt(1, segment), Ttl::Week, Wall(0));
        }
        assert_eq!((audits.expected.len(), audits.order.len(), audits.count), (AUDITS, AUDITS, AUDITS));
        audits.expect(BOARD, receipt(2, 1), Ttl::Week, Wall(0));
        assert_eq!(audits.complete(&BOARD, 1, 0).len(), 1, "it is watched all the same");
        assert!(audits.boards().contains(&other));
    }

    #[test]
    fn what_no_board_has_to_hold_any_more_is_not_looked_for() {
        let mut audits = Audits::default();
        audits.expect(BOARD, receipt(1, 1), Ttl::Day, Wall(0));
        audits.saw(&BOARD, 1, &Name([1; 32]));
        audits.expire(Wall(999));
        assert_eq!(audits.boards(), HashSet::from([BOARD]));
        audits.expire(Wall(1000));
        audits.expect(BOARD, receipt(2, 2), Ttl::Day, Wall(1000));
        assert!(audits.boards().is_empty() && audits.order.is_empty() && audits.seen.is_empty());
        assert_eq!(audits.count, 0);
    }
}
