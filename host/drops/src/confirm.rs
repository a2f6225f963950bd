//! Whether a cell of ours was shown to more than one of our throwaways.
//!
//! A board that works together with somebody who writes to us can show their cell to one reading session only: an
//! acknowledgement would say whose session that was. So a mail found on a board is acknowledged only after another throwaway was shown
//! the same cell. (The mail itself is delivered at once.)

use std::collections::{HashMap, VecDeque};

use crate::cell::{BoardKey, Name};
use crate::limits::AUDITS;

/// Own cells and the throwaways that saw them.
#[derive(Debug, Default)]
pub struct Confirmations {
    first: HashMap<(BoardKey, Name), u64>,
    order: VecDeque<(BoardKey, Name)>,
}

impl Confirmations {
    /// `throwaway` (another number for each) was shown our cell. True if another one was before: it may be acknowledged.
    pub fn saw(&mut self, board: BoardKey, name: Name, throwaway: u64) -> bool {
        if let Some(first) = self.first.get(&(board, name)) {
            return *first != throwaway;
        }
        self.first.insert((board, name), throwaway);
        self.order.push_back((board, name));
        if self.order.len() > AUDITS
            && let Some(oldest) = self.order.pop_front()
        {
            self.first.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use mail::PublicKey;

    use super::*;

    const BOARD: BoardKey = PublicKey([9; 32]);

    #[test]
    fn one_throwaway_confirms_nothing_however_often_it_is_shown() {
        let mut confirmations = Confirmations::default();
        let name = Name([1; 32]);
        assert!(!confirmations.saw(BOARD, name, 1));
        assert!(!confirmations.saw(BOARD, name, 1));
        assert!(!confirmations.saw(PublicKey([8; 32]), name, 2), "another board");
        assert!(confirmations.saw(BOARD, name, 2));
        assert!(confirmations.saw(BOARD, name, 3));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut confirmations = Confirmations::default();
        for number in 0..10_000_u32 {
            let mut name = [0; 32];
            name[..4].copy_from_slice(&number.to_le_bytes());
            confirmations.saw(BOARD, Name(name), 1);
        }
        assert!(confirmations.first.len() <= AUDITS && confirmations.order.len() <= AUDITS);
    }
}
