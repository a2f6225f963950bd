//! The places for sessions without login: taken in turn, and given up by who has had time enough when others wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail::Monotonic;
use tokio_util::sync::CancellationToken;

/// Whoever has not logged in yet, the longest there first.
#[derive(Debug)]
pub(crate) struct Lobby {
    places: usize,
    /// How long nobody has to make room for others.
    undisturbed: Duration,
    guests: Mutex<Guests>,
}

#[derive(Debug, Default)]
struct Guests {
    next: u64,
    present: VecDeque<Guest>,
}

#[derive(Debug)]
struct Guest {
    number: u64,
    since: Monotonic,
    leave: CancellationToken,
}

/// A place in the lobby, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    lobby: Arc<Lobby>,
    number: u64,
    leave: CancellationToken,
}

impl Lobby {
    pub(crate) fn new(places: usize, undisturbed: Duration) -> Arc<Self> {
        Arc::new(Self { places, undisturbed, guests: Mutex::default() })
    }

    /// A place for somebody who came `now`. With all taken, who is there longest has to leave; if not even they have had
    /// their undisturbed time, there is no place.
    pub(crate) fn enter(self: &Arc<Self>, now: Monotonic) -> Option<Place> {
        let mut guests = self.guests();
        if guests.present.len() >= self.places {
            let oldest = guests.present.front()?;
            if now.since(oldest.since) < self.undisturbed {
                return None;
            }
            oldest.leave.cancel();
            guests.present.pop_front();
        }
        let number = guests.next;
        guests.next += 1;
        let leave = CancellationToken::new();
        guests.present.push_back(Guest { number, since: now, leave: leave.clone() });
        Some(Place { lobby: Arc::clone(self), number, leave })
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        // Nothing in here can stop half done.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Cancelled when the place is needed by others.
    pub(crate) fn leave(&self) -> &CancellationToken {
        &self.leave
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lobby.guests().present.retain(|guest| guest.number != self.number);
    }
}
