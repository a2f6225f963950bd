//! Where the copies of a mail wait: what the outbox page, the audits and the next decision need to know.

use std::collections::BTreeSet;
use std::time::Duration;

use drops::cell::{BoardKey, Name};
use drops::message::Receipt;
use drops::ttl::Ttl;
use mail::{AccountName, Wall};
use serde::{Deserialize, Serialize};

use crate::limits::{ACKNOWLEDGEMENT_DELAY, REPOSTS};

/// A deposit receipt as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyReceipt {
    /// Name of the cell on the board.
    pub name: [u8; 32],
    /// The segment it is in.
    pub segment: u32,
    /// Held at least until then.
    pub until: Wall,
}

/// The copies on one board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardCopies {
    /// The key of the board.
    pub board: BoardKey,
    /// Cells the mail takes there.
    pub cells: u32,
    /// Days they are held.
    pub ttl_days: u32,
    /// When the deposits were planned.
    pub planned: Wall,
    /// Receipts so far; a board with one for each cell has the whole mail.
    pub receipts: Vec<CopyReceipt>,
    /// What went wrong last, one line.
    pub problem: Option<String>,
    /// An audit found cells missing: what it receipted is worth nothing.
    pub missing: bool,
}

impl BoardCopies {
    /// Whether the board has the whole mail, as far as is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.missing && self.receipts.len() >= self.cells as usize
    }

    /// Until when the board has the whole mail.
    #[must_use]
    pub fn until(&self) -> Option<Wall> {
        self.is_complete().then(|| self.receipts.iter().map(|receipt| receipt.until).min()).flatten()
    }
}

/// The story of one mail's copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The account of the mail.
    pub account: AccountName,
    /// When it was submitted.
    pub submitted: Wall,
    /// Boards in the order in which they were chosen; those of earlier rounds stay.
    pub boards: Vec<BoardCopies>,
    /// Boards that have to have the whole mail for it to count as handed over.
    pub enough: u32,
    /// When it was handed over last.
    pub handed_over: Option<Wall>,
    /// How often it was put on boards again because no acknowledgement came.
    pub reposts: u32,
    /// Why no board is used now, one line.
    pub note: Option<String>,
    /// Boards to which cells were sent, or were about to be when the program ended: the mail may have arrived by them.
    pub sent_to: Vec<BoardKey>,
}

impl Story {
    pub(crate) fn new(account: AccountName, submitted: Wall) -> Self {
        let (boards, sent_to) = (vec![], vec![]);
        Self { account, submitted, boards, enough: 0, handed_over: None, reposts: 0, note: None, sent_to }
    }

    /// Boards that have the whole mail now.
    #[must_use]
    pub fn complete(&self, now: Wall) -> usize {
        let holding = self.boards.iter().filter(|copies| copies.until().is_some_and(|until| until > now));
        holding.map(|copies| copies.board).collect::<BTreeSet<_>>().len()
    }

    /// Until when copies wait; None if no board has the whole mail.
    #[must_use]
    pub fn until(&self) -> Option<Wall> {
        self.boards.iter().filter_map(BoardCopies::until).max()
    }

    /// Until when an acknowledgement may come.
    #[must_use]
    pub fn answer_until(&self) -> Option<Wall> {
        let latest = self.submitted.plus(mail::limits::EXPIRY_LONGEST);
        self.until().map(|until| until.plus(ACKNOWLEDGEMENT_DELAY).min(latest))
    }

    /// Whether the recipient may have found it on a board at some time.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        !self.sent_to.is_empty() || self.boards.iter().any(|copies| !copies.receipts.is_empty())
    }

    /// Cells are about to be sent to a board. True if that is new: to be stored first.
    pub(crate) fn sends_to(&mut self, board: BoardKey) -> bool {
        let is_new = !self.sent_to.contains(&board);
        if is_new {
            self.sent_to.push(board);
        }
        is_new
    }

    /// Whether it is put on boards again because nothing was heard of it for a third of the time it
    /// is held.
    pub(crate) fn is_silent(&self, now: Wall) -> bool {
        let Some(since) = self.handed_over else { return false };
        let days = self.boards.last().map_or(1, |copies| copies.ttl_days);
        let patience = Duration::from_secs(u64::from(days) * 24 * 3600 / 3);
        self.reposts < REPOSTS && now.since(since) >= patience
    }

    pub(crate) fn plan(&mut self, board: BoardKey, cells: u32, ttl: Ttl, now: Wall) {
        // What an earlier round left nowhere is of no use to anybody.
        self.boards.retain(|copies| copies.board != board || !copies.receipts.is_empty());
        self.boards.push(BoardCopies {
            board,
            cells,
            ttl_days: ttl.days(),
            planned: now,
            receipts: vec![],
            problem: None,
            missing: false,
        });
    }

    /// The latest round on a board.
    pub(crate) fn board(&mut self, board: &BoardKey) -> Option<&mut BoardCopies> {
        self.boards.iter_mut().rev().find(|copies| copies.board == *board)
    }

    pub(crate) fn receipted(&mut self, board: &BoardKey, receipt: Receipt, now: Wall) {
        if let Some(copies) = self.board(board) {
            copies.receipts.push(CopyReceipt {
                name: receipt.name.0,
                segment: receipt.segment,
                until: receipt.until,
            });
            copies.problem = None;
        }
        if self.handed_over.is_none() && self.enough > 0 && self.complete(now) >= self.enough as usize {
            self.handed_over = Some(now);
            self.note = None;
        }
    }

    /// Whether this board lost copies of the mail.
    pub(crate) fn has_lost(&self, board: &BoardKey) -> bool {
        self.boards.iter().any(|copies| copies.board == *board && copies.missing)
    }

    /// Takes note that a board does not show a cell it gave a receipt for. True if the mail no
    /// longer counts as handed over.
    pub(crate) fn missing(&mut self, board: &BoardKey, name: &Name, now: Wall) -> bool {
        let found = self.boards.iter_mut().find(|copies| {
            copies.board == *board && copies.receipts.iter().any(|receipt| receipt.name == name.0)
        });
        let Some(copies) = found else { return false };
        copies.missing = true;
        copies.problem = Some("it does not show what it gave a receipt for".to_owned());
        let is_short = self.complete(now) < self.enough as usize;
        if is_short {
            self.handed_over = None;
        }
        is_short
    }
}

#[cfg(test)]
mod tests {
    use mail::PublicKey;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const NOW: Wall = Wall(1_795_349_568_000);

    fn receipt(byte: u8, until: Wall) -> Receipt {
        Receipt { name: Name([byte; 32]), segment: 3, until }
    }

    fn on_two_boards() -> Story {
        let mut story = Story::new("anna".parse().unwrap(), NOW);
        story.enough = 2;
        for board in [1, 2] {
            story.plan(PublicKey([board; 32]), 1, Ttl::TwoWeeks, NOW);
            assert_eq!(story.handed_over, None);
            story.receipted(&PublicKey([board; 32]), receipt(board, NOW.plus(14 * DAY)), NOW);
        }
        story
    }

    #[test]
    fn enough_boards_with_everything_make_it_handed_over_and_a_lie_undoes_that() {
        let mut story = on_two_boards();
        assert_eq!((story.handed_over, story.complete(NOW)), (Some(NOW), 2));
        assert_eq!(story.until(), Some(NOW.plus(14 * DAY)));
        assert_eq!(story.answer_until(), Some(NOW.plus(17 * DAY)));
        assert!(!story.missing(&PublicKey([9; 32]), &Name([1; 32]), NOW), "another board's");
        assert!(story.missing(&PublicKey([1; 32]), &Name([1; 32]), NOW));
        assert_eq!((story.handed_over, story.complete(NOW)), (None, 1));
    }

    #[test]
    fn an_answer_is_never_waited_for_longer_than_the_longest_life_of_a_mail() {
        let mut story = on_two_boards();
        story.plan(PublicKey([3; 32]), 1, Ttl::ThreeWeeks, NOW);
        story.receipted(&PublicKey([3; 32]), receipt(3, NOW.plus(30 * DAY)), NOW);
        assert_eq!(story.answer_until(), Some(NOW.plus(21 * DAY)));
    }

    #[test]
    fn silence_is_a_third_of_the_time_held_and_bounded() {
        let mut story = on_two_boards();
        assert!(!story.is_silent(NOW.plus(4 * DAY)));
        assert!(story.is_silent(NOW.plus(5 * DAY)));
        story.reposts = REPOSTS;
        assert!(!story.is_silent(NOW.plus(20 * DAY)));
    }
}
