//! Turns at component state.
//!
//! A component reads a value, counts on and writes it back. WIT 0.1 has no compare-and-set, and calls for one account run at once: without
//! turns both would read the same value, and one of the changes would be lost. So a call that touches the state of a space has
//! it for itself until it ends or waits for DNS ([`Seen`](super::seen::Seen)). A call touches one space only, so no two
//! can wait for each other.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mail::AccountName;

type Place = (String, AccountName);

/// Who has which space of state.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<HashSet<Place>>,
    freed: Condvar,
}

/// A space that one call has for itself, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    place: Place,
}

impl Turns {
    /// Waits for a space, `longest` at most; None if it was not free in that time.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread waits here, and no test's clock could wake it: the time is the thread's own"
    )]
    pub fn take(self: &Arc<Self>, space: &str, account: &AccountName, longest: Duration) -> Option<Turn> {
        let place = (space.to_owned(), account.clone());
        let until = Instant::now() + longest;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.contains(&place) {
            let left = until.checked_duration_since(Instant::now())?;
            (taken, _) = self.freed.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner);
        }
        taken.insert(place.clone());
        Some(Turn { turns: Arc::clone(self), place })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_a_space_and_others_have_theirs() {
        let turns = Arc::new(Turns::default());
        let (anna, ben): (AccountName, AccountName) = ("anna".parse().unwrap(), "ben".parse().unwrap());
        let first = turns.take("a", &anna, Duration::ZERO).unwrap();
        assert!(turns.take("a", &anna, Duration::ZERO).is_none());
        assert!(turns.take("a", &ben, Duration::ZERO).is_some());
        assert!(turns.take("b", &anna, Duration::ZERO).is_some());
        let waiting = {
            let (turns, anna) = (Arc::clone(&turns), anna.clone());
            std::thread::spawn(move || turns.take("a", &anna, Duration::from_secs(60)).is_some())
        };
        drop(first);
        assert!(waiting.join().unwrap());
        assert!(turns.take("a", &anna, Duration::ZERO).is_some());
    }
}
