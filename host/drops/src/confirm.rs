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

/// What is known of a cell that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It was not shown before, as far as that is remembered.
    First,
    /// It was shown to the same throwaway before.
    Again,
    /// It was shown to another throwaway before: it may be acknowledged.
    Confirmed,
}

impl Confirmations {
    /// `throwaway` (another number for each) was shown our cell.
    pub fn saw(&mut self, board: BoardKey, name: Name, throwaway: u64) -> Sighting {
        if let Some(first) = self.first.get(&(board, name)) {
            return if *first == throwaway { Sighting::Again } else { Sighting::Confirmed };
        }
        self.first.insert((board, name), throwaway);
        self.order.push_back((board, name));
        if self.order.len() > AUDITS
            && let Some(oldest) = self.order.pop_front()
        {
            self.first.remove(&oldest);
        }
        Sighting::First
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
        assert_eq!(confirmations.saw(BOARD, name, 1), Sighting::First);
        assert_eq!(confirmations.saw(BOARD, name, 1), Sighting::Again);
        assert_eq!(confirmations.saw(PublicKey([8; 32]), name, 2), Sighting::First, "another board");
        assert_eq!(confirmations.saw(BOARD, name, 2), Sighting::Confirmed);
        assert_eq!(confirmations.saw(BOARD, name, 3), Sighting::Confirmed);
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
