//! How often passwords may be tried: a state machine, no I/O, told the time.
//!
//! What is wrong counts by account and place it came from, and by place alone. A place that passes a bound is told to wait; others
//! are not. Where many places together try one account, each waits some seconds before its password is looked at, unless the
//! account logged in from there before. So whoever guesses is slow, and the owner of the account gets in from everywhere: at
//! home at once, elsewhere after some seconds.
//!
//! Somebody who guesses from the owner's own address cannot be told from the owner. There a password that was right before is let
//! through though the place has to wait: each such comparison tells a guesser whether a guess is right, so that they are bounded
//! too, and once they are used up the owner waits as well.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail::Monotonic;

use crate::limits::{
    LOGIN_COMPARED_AT_HOME, LOGIN_DELAY, LOGIN_FAILURES_BEFORE_DELAY, LOGIN_FAILURES_PER_ACCOUNT,
    LOGIN_FAILURES_PER_PLACE, LOGIN_KNOWN_PLACE, LOGIN_KNOWN_PLACES, LOGIN_KNOWN_WRONG, LOGIN_PLACES,
    LOGIN_WINDOW,
};

/// Where a login comes from: an IPv4 address, or the network of an IPv6 address, of which one machine has as many as it
/// wants (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(IpAddr);

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address => Self(address),
        }
    }
}

/// The target of guesses: an account by its name, or a name without an account.
pub type Subject = String;

/// Counts wrong passwords. See the module.
#[derive(Debug, Default)]
pub struct Limiter(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    pairs: HashMap<(Subject, Place), Failures>,
    places: HashMap<Place, Failures>,
    subjects: HashMap<Subject, Failures>,
    /// Where accounts logged in.
    known: HashMap<(Subject, Place), Home>,
}

/// Wrong passwords within the window, oldest first.
#[derive(Debug, Default)]
struct Failures {
    times: VecDeque<Monotonic>,
    /// Fingerprints of the last ones.
    wrong: VecDeque<u64>,
    /// Passwords that were compared while the place had to wait.
    compared: VecDeque<Monotonic>,
}

/// That an account logged in from a place.
#[derive(Clone, Copy, Debug)]
struct Home {
    last: Monotonic,
    /// The fingerprint of the password.
    right: u64,
}

impl Failures {
    fn forget_before(&mut self, now: Monotonic) {
        while self.times.front().is_some_and(|at| now.since(*at) >= LOGIN_WINDOW) {
            self.times.pop_front();
        }
    }

    /// How long until there are fewer than `most`; None where that is so.
    fn wait(&mut self, most: usize, now: Monotonic) -> Option<Duration> {
        self.forget_before(now);
        let blocking = self.times.len().checked_sub(most).and_then(|index| self.times.get(index))?;
        Some(LOGIN_WINDOW.saturating_sub(now.since(*blocking)))
    }

    /// Whether a password may be compared with the right one; counts it.
    fn compares(&mut self, fingerprint: u64, now: Monotonic) -> bool {
        while self.compared.front().is_some_and(|at| now.since(*at) >= LOGIN_WINDOW) {
            self.compared.pop_front();
        }
        // A mail program with an old password asks for ever.
        let is_old = self.wrong.contains(&fingerprint);
        let may = !is_old && self.compared.len() < LOGIN_COMPARED_AT_HOME;
        if may {
            self.compared.push_back(now);
        }
        may
    }

    /// More of them than `most` make no difference.
    fn add(&mut self, most: usize, now: Monotonic) {
        self.forget_before(now);
        if self.times.len() >= most {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }
}

impl Limiter {
    /// How long to wait before a password is looked at.
    pub fn delay(&self, subject: &Subject, place: Place, now: Monotonic) -> Duration {
        let mut memory = self.memory();
        if memory.home(subject, place, now).is_some() {
            return Duration::ZERO;
        }
        let failures = memory.subjects.get_mut(subject);
        let many = failures.and_then(|failures| failures.wait(LOGIN_FAILURES_BEFORE_DELAY, now));
        many.map_or(Duration::ZERO, |_| LOGIN_DELAY)
    }

    /// Whether a password may be looked at now; `fingerprint` is that of the password, see [`Limiter::failed`].
    ///
    /// # Errors
    /// Too many were wrong: how long to wait.
    pub fn admit(
        &self,
        subject: &Subject,
        place: Place,
        fingerprint: u64,
        now: Monotonic,
    ) -> Result<(), Duration> {
        let mut memory = self.memory();
        let home = memory.home(subject, place, now);
        if let Some(failures) = memory.pairs.get_mut(&(subject.clone(), place))
            && let Some(wait) = failures.wait(LOGIN_FAILURES_PER_ACCOUNT, now)
        {
            let is_right = |home: Home| failures.compares(fingerprint, now) && home.right == fingerprint;
            return if home.is_some_and(is_right) { Ok(()) } else { Err(wait) };
        }
        let of_place = memory.places.get_mut(&place).filter(|_| home.is_none());
        let of_place = of_place.and_then(|failures| failures.wait(LOGIN_FAILURES_PER_PLACE, now));
        of_place.map_or(Ok(()), Err)
    }

    /// Counts a wrong password. `fingerprint` is the same for the same password of the same
    /// account, and tells nothing about the password.
    pub fn failed(&self, subject: &Subject, place: Place, fingerprint: u64, now: Monotonic) {
        let mut memory = self.memory();
        memory.make_room(now);
        let pair = memory.pairs.entry((subject.clone(), place)).or_default();
        if pair.wrong.contains(&fingerprint) {
            return;
        }
        if pair.wrong.len() >= LOGIN_KNOWN_WRONG {
            pair.wrong.pop_front();
        }
        pair.wrong.push_back(fingerprint);
        pair.add(LOGIN_FAILURES_PER_ACCOUNT, now);
        memory.places.entry(place).or_default().add(LOGIN_FAILURES_PER_PLACE, now);
        memory.subjects.entry(subject.clone()).or_default().add(LOGIN_FAILURES_BEFORE_DELAY, now);
    }

    /// Takes note of a right password. Earlier wrong ones from this place no longer count against
    /// the account. They still count if there were so many that the place has to wait, because then
    /// the mail program that logs in is not the guesser.
    pub fn succeeded(&self, subject: &Subject, place: Place, fingerprint: u64, now: Monotonic) {
        let mut memory = self.memory();
        let pair = (subject.clone(), place);
        let waits = |failures: &mut Failures| failures.wait(LOGIN_FAILURES_PER_ACCOUNT, now).is_some();
        if !memory.pairs.get_mut(&pair).is_some_and(waits) {
            memory.pairs.remove(&pair);
        }
        if memory.known.len() >= LOGIN_KNOWN_PLACES && !memory.known.contains_key(&pair) {
            let oldest = memory.known.iter().min_by_key(|(_, home)| home.last).map(|(pair, _)| pair.clone());
            oldest.and_then(|oldest| memory.known.remove(&oldest));
        }
        memory.known.insert(pair, Home { last: now, right: fingerprint });
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// That the account logged in from there, where it did lately.
    fn home(&self, subject: &Subject, place: Place, now: Monotonic) -> Option<Home> {
        let home = self.known.get(&(subject.clone(), place)).copied();
        home.filter(|home| now.since(home.last) < LOGIN_KNOWN_PLACE)
    }

    fn make_room(&mut self, now: Monotonic) {
        make_room(&mut self.pairs, now);
        make_room(&mut self.places, now);
        make_room(&mut self.subjects, now);
    }
}

/// If there is no room for one more, forgets entries whose time is over, and if that is not enough,
/// the one whose last failure is the longest ago.
fn make_room<K: Clone + Eq + Hash>(all: &mut HashMap<K, Failures>, now: Monotonic) {
    if all.len() < LOGIN_PLACES {
        return;
    }
    all.retain(|_, failures| {
        failures.forget_before(now);
        !failures.times.is_empty()
    });
    if all.len() >= LOGIN_PLACES {
        let oldest = all.iter().min_by_key(|(_, failures)| failures.times.back().copied());
        let oldest = oldest.map(|(key, _)| key.clone());
        oldest.and_then(|oldest| all.remove(&oldest));
    }
}

#[cfg(test)]
mod tests;
