//! Acknowledgements that one account owes, and the slots in which they go out.
//!
//! Only memory, an index of what is on disk: [`crate::acknowledge`] keeps the two alike and sends.

use std::collections::BTreeMap;

use drops::cell::{BoardKey, Name};
use drops::parcel::Key;
use drops::schedule::Slots;
use mail::{MailId, Monotonic, PublicKey, Wall};
use serde::{Deserialize, Serialize};

use crate::content::Word;
use crate::incoming::Shown;
use crate::limits::{ACKNOWLEDGEMENTS_OWED, ACKNOWLEDGEMENTS_TOGETHER, TAKEN_MEMORY};
use crate::shared::Dice;

/// An acknowledgement, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub id: MailId,
    pub digest: mail::BodyDigest,
    pub refusal: Option<mail::Refusal>,
    /// Of the parcel it came in.
    pub parcel: [u8; 32],
    pub read: Wall,
    pub is_confirmed: bool,
    /// When it was handed over to boards.
    pub sent: Option<Wall>,
    /// The cell for which it is owed again: only this cell can confirm that.
    #[serde(skip)]
    pub confirmed_by: Option<(BoardKey, Name)>,
    /// On its way to boards now.
    #[serde(skip)]
    pub is_running: bool,
}

impl Owed {
    pub fn new(word: Word, parcel: [u8; 32], read: Wall) -> Self {
        let Word { id, digest, refusal } = word;
        let (is_confirmed, sent, confirmed_by, is_running) = (false, None, None, false);
        Self { id, digest, refusal, parcel, read, is_confirmed, sent, confirmed_by, is_running }
    }

    pub fn word(&self) -> Word {
        Word { id: self.id, digest: self.digest, refusal: self.refusal.clone() }
    }
}

/// The sender who is owed a word, and the mail that it is about.
pub(crate) type Debt = (PublicKey, MailId);

/// What one account owes.
pub(crate) struct Answers {
    owed: BTreeMap<Debt, Owed>,
    slots: Slots,
}

impl Answers {
    pub fn new(slots: Slots) -> Self {
        Self { owed: BTreeMap::new(), slots }
    }

    /// Whether the time of a slot has come, and when the next is.
    pub fn slot(&mut self, now: Monotonic, dice: &mut Dice<'_>) -> (bool, Monotonic) {
        let is_due = self.slots.due(now, dice);
        (is_due, self.slots.next())
    }

    /// Adds one. Returns the oldest ones that were forgotten to make room: erase them on disk.
    /// Their senders post again.
    pub fn owe(&mut self, sender: PublicKey, owed: Owed) -> Vec<Debt> {
        self.owed.insert((sender, owed.id), owed);
        let mut gone = vec![];
        while self.owed.len() > ACKNOWLEDGEMENTS_OWED
            && let Some(oldest) = self.owed.iter().min_by_key(|(_, owed)| owed.read).map(|(key, _)| *key)
        {
            self.owed.remove(&oldest);
            gone.push(oldest);
        }
        gone
    }

    fn of_parcel(&mut self, key: Key) -> Option<&mut Owed> {
        self.owed.get_mut(&(key.sender, key.mail)).filter(|owed| owed.parcel == key.digest)
    }

    /// Takes note of a new cell of a parcel whose acknowledgement was sent so long ago that it
    /// `is_lost`: it is owed again. True if so.
    pub fn reposted(&mut self, key: Key, shown: Shown, now: Wall, is_lost: impl Fn(Wall) -> bool) -> bool {
        let Some(owed) = self.of_parcel(key) else { return false };
        if !shown.is_first || !owed.sent.is_some_and(is_lost) || owed.is_running {
            return false;
        }
        (owed.sent, owed.read, owed.is_confirmed) = (None, now, false);
        owed.confirmed_by = Some((shown.board, shown.name));
        true
    }

    /// Takes note that a second throwaway was shown a cell of this parcel. Returns what to store
    /// because of that; an acknowledgement that is owed again is stored when it is said.
    pub fn confirmed(&mut self, key: Key, shown: Shown) -> Option<Owed> {
        let owed = self.of_parcel(key)?;
        let counts = owed.confirmed_by.is_none_or(|cell| cell == (shown.board, shown.name));
        let is_news = counts && !owed.is_confirmed;
        owed.is_confirmed |= is_news;
        (is_news && owed.confirmed_by.is_none()).then(|| owed.clone())
    }

    /// The acknowledgements that may go out now, by sender: those that `has_rested` since they were
    /// read.
    pub fn due(&self, has_rested: impl Fn(Wall) -> bool) -> BTreeMap<PublicKey, Vec<Owed>> {
        let mut due: BTreeMap<PublicKey, Vec<Owed>> = BTreeMap::new();
        for ((sender, _), owed) in &self.owed {
            let is_due = owed.is_confirmed && owed.sent.is_none() && !owed.is_running;
            let together = due.get(sender).map_or(0, Vec::len);
            if is_due && together < ACKNOWLEDGEMENTS_TOGETHER && has_rested(owed.read) {
                due.entry(*sender).or_default().push(owed.clone());
            }
        }
        due
    }

    /// Changes what is owed to `sender`. A mail that was posted again meanwhile is another debt.
    pub fn change(&mut self, sender: PublicKey, words: &[Owed], change: impl Fn(&mut Owed)) {
        for word in words {
            let known = self.owed.get_mut(&(sender, word.id));
            if let Some(known) = known.filter(|known| known.parcel == word.parcel) {
                change(known);
            }
        }
    }

    /// What was said long ago or can be said to nobody.
    pub fn outdated(&self, now: Wall) -> Vec<Debt> {
        let old = self.owed.iter().filter(|(_, owed)| now.since(owed.read) >= TAKEN_MEMORY);
        old.map(|(debt, _)| *debt).collect()
    }

    pub fn forget(&mut self, debt: &Debt) {
        self.owed.remove(debt);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    const SENDER: PublicKey = PublicKey([1; 32]);

    fn answers() -> Answers {
        let apart = (Duration::from_secs(1), Duration::from_secs(2));
        Answers::new(Slots::every(apart, Monotonic::default(), &mut ChaCha20Rng::seed_from_u64(1)))
    }

    fn owed(number: u64, parcel: u8, read: Wall) -> Owed {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let word = Word { id: MailId(id), digest: mail::BodyHasher::digest(b"x"), refusal: None };
        Owed::new(word, [parcel; 32], read)
    }

    fn shown(cell: u8, is_first: bool) -> Shown {
        Shown { board: PublicKey([9; 32]), name: Name([cell; 32]), is_first, is_confirmed: !is_first }
    }

    #[test]
    fn a_word_goes_out_once_confirmed_and_again_only_when_its_own_new_cell_was_confirmed() {
        let mut answers = answers();
        let word = owed(1, 7, Wall(5));
        let key = Key { sender: SENDER, mail: word.id, digest: [7; 32] };
        answers.owe(SENDER, word.clone());
        assert!(answers.due(|_| true).is_empty(), "nobody was shown it twice");
        assert!(
            answers.confirmed(Key { digest: [8; 32], ..key }, shown(1, false)).is_none(),
            "another parcel"
        );
        assert!(
            answers.confirmed(key, shown(1, false)).is_some_and(|owed| owed.is_confirmed),
            "to be stored"
        );
        assert!(answers.confirmed(key, shown(1, false)).is_none(), "once");
        assert!(answers.due(|_| false).is_empty(), "it rests");
        assert_eq!(answers.due(|_| true)[&SENDER].len(), 1);
        answers.change(SENDER, std::slice::from_ref(&word), |owed| owed.sent = Some(Wall(9)));
        assert!(answers.due(|_| true).is_empty());

        assert!(!answers.reposted(key, shown(2, true), Wall(20), |_| false), "said lately");
        assert!(!answers.reposted(key, shown(2, false), Wall(20), |_| true), "no new cell");
        assert!(answers.reposted(key, shown(2, true), Wall(20), |sent| sent == Wall(9)));
        assert!(answers.confirmed(key, shown(3, false)).is_none());
        assert!(answers.due(|_| true).is_empty(), "another cell says nothing");
        assert!(answers.confirmed(key, shown(2, false)).is_none(), "stored when it is said");
        assert_eq!(answers.due(|read| read == Wall(20))[&SENDER].len(), 1);
    }

    #[test]
    fn past_the_bound_the_oldest_debt_goes_and_one_parcel_holds_so_many_words() {
        let mut answers = answers();
        for number in 0..ACKNOWLEDGEMENTS_OWED as u64 {
            let word = Owed { is_confirmed: true, ..owed(number, 7, Wall(1000 + number)) };
            assert!(answers.owe(SENDER, word).is_empty());
        }
        assert_eq!(
            answers.owe(SENDER, owed(1 << 40, 7, Wall(5_000_000))),
            [(SENDER, owed(0, 7, Wall(0)).id)]
        );
        assert_eq!(answers.due(|_| true)[&SENDER].len(), ACKNOWLEDGEMENTS_TOGETHER);
        let old = answers.outdated(Wall(1001).plus(TAKEN_MEMORY));
        assert_eq!(old, [(SENDER, owed(1, 7, Wall(0)).id)]);
    }
}
