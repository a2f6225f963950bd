//! What came in for one account: parcels that were taken, and letters of strangers that wait.
//!
//! Only memory, an index of what is on disk: [`crate::incoming`] and [`crate::strangers`] keep the
//! two alike.

use std::collections::{BTreeMap, BTreeSet};

use drops::limits::CELL_BYTES;
use drops::parcel::Key;
use mail::{PublicKey, Wall};

use crate::limits::{STRANGER_MAILS, STRANGER_TIME, STRANGERS_BYTES};
use crate::taken::TakenParcels;

/// A stranger's letter that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub when: Wall,
    /// Bytes of its parcel.
    pub bytes: usize,
    /// Whether the user was asked about its sender; else there was no room for another request.
    pub is_asked: bool,
}

impl Letter {
    /// What it counts: a short one takes a cell's room too.
    fn size(&self) -> usize {
        self.bytes.max(CELL_BYTES)
    }
}

/// What is known of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The parcel is new.
    New,
    /// It is a letter that waits.
    Waits,
    /// It was taken.
    Taken,
}

/// Parcels and letters of one account.
#[derive(Default)]
pub(crate) struct Letterbox {
    taken: TakenParcels,
    letters: BTreeMap<Key, Letter>,
}

impl Letterbox {
    pub fn known(&self, key: &Key) -> Known {
        if self.taken.contains(key) {
            Known::Taken
        } else if self.letters.contains_key(key) {
            Known::Waits
        } else {
            Known::New
        }
    }

    /// Remembers a parcel that was taken. Returns the oldest ones that were forgotten to make room:
    /// erase them on disk.
    pub fn remember(&mut self, key: Key, when: Wall) -> Vec<Key> {
        self.taken.insert(key, when)
    }

    /// Parcels taken before this time.
    pub fn older(&self, than: Wall) -> Vec<Key> {
        self.taken.older(than)
    }

    pub fn forget(&mut self, key: &Key) {
        self.taken.remove(key);
    }

    /// Whether there is room for another letter: of its sender, and of all together.
    pub fn has_room(&self, key: &Key, letter: &Letter) -> bool {
        let of_sender = self.letters.keys().filter(|other| other.sender == key.sender).count();
        let all: usize = self.letters.values().map(Letter::size).sum();
        of_sender < STRANGER_MAILS && all + letter.size() <= STRANGERS_BYTES
    }

    pub fn keep(&mut self, key: Key, letter: Letter) {
        self.letters.insert(key, letter);
    }

    /// A letter waits no more; false if none did.
    pub fn let_go(&mut self, key: &Key) -> bool {
        self.letters.remove(key).is_some()
    }

    /// All letters, the oldest first.
    pub fn waiting(&self) -> Vec<(Key, Letter)> {
        let mut waiting: Vec<(Key, Letter)> =
            self.letters.iter().map(|(key, letter)| (*key, *letter)).collect();
        waiting.sort_unstable_by_key(|(key, letter)| (letter.when, *key));
        waiting
    }

    /// Letters that wait too long.
    pub fn outdated(&self, now: Wall) -> Vec<Key> {
        let old = self.letters.iter().filter(|(_, letter)| now.since(letter.when) >= STRANGER_TIME);
        old.map(|(key, _)| *key).collect()
    }

    /// How many strangers wait for room before the user is asked about them.
    pub fn unasked(&self) -> usize {
        let letters = self.letters.iter().filter(|(_, letter)| !letter.is_asked);
        letters.map(|(key, _)| key.sender).collect::<BTreeSet<PublicKey>>().len()
    }
}

#[cfg(test)]
mod tests {
    use mail::MailId;

    use super::*;

    fn key(sender: u8, number: u8) -> Key {
        Key { sender: PublicKey([sender; 32]), mail: MailId([number; 16]), digest: [0; 32] }
    }

    fn letter(when: u64, bytes: usize, is_asked: bool) -> Letter {
        Letter { when: Wall(when), bytes, is_asked }
    }

    #[test]
    fn letters_are_bounded_by_sender_and_together_and_a_short_one_counts_as_a_cell() {
        let mut letterbox = Letterbox::default();
        for number in 0..8 {
            assert!(letterbox.has_room(&key(1, number), &letter(1, 1, false)));
            letterbox.keep(key(1, number), letter(1, 1, number % 2 == 0));
        }
        assert!(!letterbox.has_room(&key(1, 9), &letter(1, 1, false)));
        let left = STRANGERS_BYTES - 8 * CELL_BYTES;
        assert!(letterbox.has_room(&key(2, 0), &letter(1, left, false)));
        assert!(!letterbox.has_room(&key(2, 0), &letter(1, left + 1, false)));
        assert_eq!(letterbox.unasked(), 1);
        assert!(letterbox.let_go(&key(1, 3)) && !letterbox.let_go(&key(1, 3)));
        assert!(letterbox.has_room(&key(1, 9), &letter(1, 1, false)));
    }

    #[test]
    fn letters_are_looked_after_in_the_order_in_which_they_came() {
        let mut letterbox = Letterbox::default();
        letterbox.keep(key(1, 0), letter(7, 1, true));
        letterbox.keep(key(2, 0), letter(5, 1, true));
        let order: Vec<Key> = letterbox.waiting().into_iter().map(|(key, _)| key).collect();
        assert_eq!(order, [key(2, 0), key(1, 0)]);
        let late = Wall(5).plus(STRANGER_TIME);
        assert_eq!(letterbox.outdated(late), [key(2, 0)]);
        assert_eq!(letterbox.known(&key(2, 0)), Known::Waits);
        letterbox.remember(key(2, 0), late);
        assert_eq!((letterbox.known(&key(2, 0)), letterbox.known(&key(3, 0))), (Known::Taken, Known::New));
    }
}
