//! Parcels that were taken: what comes again is known, and there is a bound on how many are remembered.

use std::collections::{BTreeSet, HashMap};

use drops::parcel::Key;
use mail::Wall;

use crate::limits::TAKEN;

/// The parcels that were taken lately, and when.
#[derive(Debug, Default)]
pub(crate) struct TakenParcels {
    when: HashMap<Key, Wall>,
    by_age: BTreeSet<(Wall, Key)>,
}

impl TakenParcels {
    pub fn contains(&self, key: &Key) -> bool {
        self.when.contains_key(key)
    }

    /// Remembers one. Returns the oldest ones that were forgotten to make room: erase them on disk.
    pub fn insert(&mut self, key: Key, when: Wall) -> Vec<Key> {
        self.remove(&key);
        self.when.insert(key, when);
        self.by_age.insert((when, key));
        let mut forgotten = vec![];
        while self.by_age.len() > TAKEN
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.when.remove(&oldest);
            forgotten.push(oldest);
        }
        forgotten
    }

    pub fn remove(&mut self, key: &Key) {
        if let Some(when) = self.when.remove(key) {
            self.by_age.remove(&(when, *key));
        }
    }

    /// The parcels that were taken before this time.
    pub fn older(&self, than: Wall) -> Vec<Key> {
        self.by_age.iter().take_while(|(when, _)| *when < than).map(|(_, key)| *key).collect()
    }
}

#[cfg(test)]
mod tests {
    use mail::{MailId, PublicKey};

    use super::*;

    fn key(number: usize) -> Key {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Key { sender: PublicKey([1; 32]), mail: MailId([1; 16]), digest }
    }

    #[test]
    fn past_the_bound_the_oldest_is_forgotten_at_once() {
        let mut taken = TakenParcels::default();
        for number in 0..TAKEN {
            assert!(taken.insert(key(number), Wall(1000 + number as u64)).is_empty());
        }
        assert!(taken.insert(key(0), Wall(900)).is_empty(), "the same again takes no more room");
        assert_eq!(taken.insert(key(TAKEN), Wall(5)), [key(TAKEN)], "a clock that went back changes nothing");
        assert_eq!(taken.insert(key(TAKEN), Wall(999_999)), [key(0)]);
        assert!(taken.contains(&key(1)) && !taken.contains(&key(0)));
        assert_eq!(taken.older(Wall(1002)), [key(1)]);
    }
}
