//! Times that have nothing to do with mail: when acknowledgements go out, when boards are read, when readers change their throwaway.
//!
//! All are drawn before anything is known of what they will carry.

use std::time::Duration;

use mail::Monotonic;
use rand_core::RngCore;

use crate::limits::{ACKNOWLEDGEMENT_REST, LONGEST_READING};
use crate::random::duration_between;

/// Time between two slots for acknowledgements.
const SLOTS: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(6 * 3600));
/// How long a reader that stays keeps a throwaway.
const READER_RENEWAL: (Duration, Duration) = (Duration::from_secs(12 * 3600), Duration::from_secs(36 * 3600));
/// When own cells are looked after: a day at least, so that a board cannot wait with erasing.
const AUDIT: (Duration, Duration) = (Duration::from_secs(6 * 3600), Duration::from_secs(20 * 3600));

/// The slots in which acknowledgements are deposited: hours apart, at random, running whether there are any or not.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    next: Monotonic,
    apart: (Duration, Duration),
}

impl Slots {
    /// The slots of an account from now on, one to six hours apart.
    pub fn new(now: Monotonic, rng: &mut impl RngCore) -> Self {
        Self::every(SLOTS, now, rng)
    }

    /// Slots that are `apart` (least, most).
    pub fn every(apart: (Duration, Duration), now: Monotonic, rng: &mut impl RngCore) -> Self {
        Self { next: Monotonic(now.0 + duration_between(Duration::ZERO, apart.1, rng)), apart }
    }

    /// When the next slot is.
    #[must_use]
    pub fn next(&self) -> Monotonic {
        self.next
    }

    /// Whether the slot has come; if so, the next one is drawn.
    pub fn due(&mut self, now: Monotonic, rng: &mut impl RngCore) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = Monotonic(now.0 + duration_between(self.apart.0, self.apart.1, rng));
        }
        is_due
    }

    /// Whether an acknowledgement of a mail read at `read` may go in a slot now.
    #[must_use]
    pub fn may_carry(read: Monotonic, now: Monotonic) -> bool {
        now.since(read) >= ACKNOWLEDGEMENT_REST
    }
}

/// A time from `least` to `most`, evenly.
pub fn between(least: Duration, most: Duration, rng: &mut impl RngCore) -> Duration {
    duration_between(least, most, rng)
}

/// How long until a board is visited (again), each time under a fresh throwaway, with this mean: an exponential wait, which has no memory.
/// So a visit is as likely in any minute, whenever the gateway started and whenever it came last, and the moment of a visit says no more
/// of whose it is than that their gateway runs. A reader that stayed and followed would show with the end of its session when its gateway stopped.
pub fn reading(mean: Duration, rng: &mut impl RngCore) -> Duration {
    // Evenly from the open interval between 0 and 1.
    let chance = ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    mean.mul_f64(-chance.ln()).min(mean * LONGEST_READING)
}

/// How long a reader that stays keeps its throwaway: for gateways that never stop.
pub fn reader_renewal(rng: &mut impl RngCore) -> Duration {
    duration_between(READER_RENEWAL.0, READER_RENEWAL.1, rng)
}

/// How long after a deposit its board is read to see whether it is still there.
pub fn audit_delay(rng: &mut impl RngCore) -> Duration {
    duration_between(AUDIT.0, AUDIT.1, rng)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use crate::limits::READING;

    use super::*;

    #[test]
    fn slots_come_hours_apart_whatever_waits() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut slots = Slots::new(Monotonic(Duration::ZERO), &mut rng);
        let mut times = vec![];
        for minute in 0..60 * 24 * 30 {
            let now = Monotonic(Duration::from_secs(60 * minute));
            if slots.due(now, &mut rng) {
                times.push(now);
            }
        }
        let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(gaps.len() > 150 && gaps.len() < 300, "{}", gaps.len());
        let minute = Duration::from_secs(60);
        assert!(gaps.iter().all(|gap| *gap >= SLOTS.0 && *gap <= SLOTS.1 + minute));
        assert!(gaps.iter().max() > gaps.iter().min());
    }

    #[test]
    fn a_visit_is_as_likely_in_any_minute() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let waits: Vec<Duration> = (0..20_000).map(|_| reading(READING, &mut rng)).collect();
        let mean = waits.iter().sum::<Duration>() / 20_000;
        assert!(mean > READING.mul_f64(0.97) && mean < READING.mul_f64(1.03), "{mean:?}");
        // Of those who waited any time, as many wait half a mean more.
        let longer = |than: Duration| waits.iter().filter(|wait| **wait > than).count() as f64;
        let half = READING / 2;
        for already in [Duration::ZERO, half, READING, 2 * READING] {
            let share = longer(already + half) / longer(already);
            assert!((share - 0.6065).abs() < 0.03, "{share} after {already:?}");
        }
        assert!(waits.iter().all(|wait| *wait <= READING * LONGEST_READING));
    }

    #[test]
    fn nothing_goes_out_right_after_reading() {
        let read = Monotonic(Duration::from_secs(1_000));
        assert!(!Slots::may_carry(read, Monotonic(read.0 + ACKNOWLEDGEMENT_REST - Duration::from_secs(1))));
        assert!(Slots::may_carry(read, Monotonic(read.0 + ACKNOWLEDGEMENT_REST)));
    }
}
