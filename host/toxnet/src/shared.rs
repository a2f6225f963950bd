//! A bounded memory of shared keys: computing one takes 90 microseconds, looking one up next to
//! nothing.

use std::collections::BTreeMap;

use crate::boxes::{LowOrderKey, SharedKey};
use crate::key::{KeyPair, PublicKey};

/// The keys that one key pair shares with others. When it is full, the one that was not used for
/// the longest time goes. Sorted maps keep it free of hidden randomness.
#[derive(Debug)]
pub struct SharedKeys {
    own: KeyPair,
    capacity: usize,
    /// Counts uses: the smallest number is the oldest.
    clock: u64,
    known: BTreeMap<PublicKey, (u64, SharedKey)>,
    by_age: BTreeMap<u64, PublicKey>,
}

impl SharedKeys {
    /// None yet; at most `capacity` of them (at least one).
    #[must_use]
    pub fn new(own: KeyPair, capacity: usize) -> Self {
        Self { own, capacity: capacity.max(1), clock: 0, known: BTreeMap::new(), by_age: BTreeMap::new() }
    }

    /// The own key pair.
    #[must_use]
    pub fn own(&self) -> &KeyPair {
        &self.own
    }

    /// Whether the key shared with `peer` is at hand: then a packet of theirs costs little.
    #[must_use]
    pub fn knows(&self, peer: &PublicKey) -> bool {
        self.known.contains_key(peer)
    }

    /// How many are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The key shared with `peer`, remembered or computed. It is not yet known that `peer` holds
    /// their secret key, so strangers can push others out; whoever is pushed out costs one
    /// computation.
    ///
    /// # Errors
    /// `peer` is a point of low order. Nothing is remembered of it.
    pub fn get(&mut self, peer: &PublicKey) -> Result<SharedKey, LowOrderKey> {
        self.clock += 1;
        if let Some((used, key)) = self.known.get_mut(peer) {
            self.by_age.remove(used);
            *used = self.clock;
            self.by_age.insert(self.clock, *peer);
            return Ok(key.clone());
        }
        let key = self.own.secret().shared_with(peer)?;
        if self.known.len() >= self.capacity
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(*peer, (self.clock, key.clone()));
        self.by_age.insert(self.clock, *peer);
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    fn people(number: usize) -> Vec<PublicKey> {
        let mut random = ChaCha20Rng::seed_from_u64(8);
        (0..number).map(|_| KeyPair::generate(&mut random).public()).collect()
    }

    fn keys(capacity: usize) -> SharedKeys {
        SharedKeys::new(KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(9)), capacity)
    }

    #[test]
    fn the_one_unused_for_the_longest_time_goes() {
        let (people, mut keys) = (people(3), keys(2));
        for person in [0, 1, 0, 2] {
            keys.get(&people[person]).unwrap();
        }
        let known: Vec<bool> = people.iter().map(|person| keys.knows(person)).collect();
        assert_eq!(known, [true, false, true]);
    }

    #[test]
    fn a_key_of_low_order_takes_no_place() {
        let mut keys = keys(2);
        assert!(keys.get(&PublicKey([0; 32])).is_err());
        assert!(keys.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn it_never_holds_more_than_it_may(uses in proptest::collection::vec(0_usize..8, 0..40), capacity in 1_usize..6) {
            let (people, mut keys) = (people(8), keys(capacity));
            for person in uses {
                keys.get(&people[person]).unwrap();
                prop_assert!(keys.knows(&people[person]));
                prop_assert!(keys.len() <= capacity && keys.len() == keys.by_age.len());
            }
        }
    }
}
