//! Mailbox keys: a recipient's X25519 pairs for drops, a new one every 7 days.
//!
//! Periods are counted from 1970-01-01 UTC, the same for everybody. Private keys are kept until 23 days after their
//! period and then erased: this is the forward secrecy of mail by drops. The ring never writes a file; it says which keys
//! must be stored and which must be erased, and the caller keeps each in a file of its own.

use std::collections::BTreeMap;

use mail::Wall;
use rand_core::{CryptoRng, RngCore};

use crate::limits::{MAILBOX_KEEP, MAILBOX_PERIOD};
use crate::point::{Point, Secret};

/// A stretch of 7 days, counted from 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Period(pub u32);

impl Period {
    /// The period of this time.
    #[must_use]
    pub fn at(now: Wall) -> Self {
        Self(u32::try_from(now.seconds() / MAILBOX_PERIOD.as_secs()).unwrap_or(u32::MAX))
    }

    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before; of the first one, itself.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// When it begins.
    #[must_use]
    pub fn begin(self) -> Wall {
        Wall(u64::from(self.0) * MAILBOX_PERIOD.as_secs() * 1000)
    }

    /// When it ends.
    #[must_use]
    pub fn end(self) -> Wall {
        self.begin().plus(MAILBOX_PERIOD)
    }

    /// When its private key is erased.
    #[must_use]
    pub fn erasure(self) -> Wall {
        self.end().plus(MAILBOX_KEEP)
    }
}

/// The private keys of an account's mailbox, by period.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: BTreeMap<Period, Secret>,
}

impl KeyRing {
    /// The ring with keys read from their files.
    #[must_use]
    pub fn restore(keys: impl IntoIterator<Item = (Period, Secret)>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    /// Makes the keys of the current and the next period if they are missing. Store what it
    /// returns, flushed, before anybody learns of them.
    pub fn renew<R: RngCore + CryptoRng>(&mut self, now: Wall, rng: &mut R) -> Vec<(Period, Secret)> {
        let current = Period::at(now);
        let mut fresh = Vec::new();
        for period in [current, current.next()] {
            self.keys.entry(period).or_insert_with(|| {
                let secret = Secret::random(rng);
                fresh.push((period, secret.clone()));
                secret
            });
        }
        fresh
    }

    /// The periods whose keys have served. Overwrite and unlink their files, then call [`KeyRing::forget`].
    /// Ask only when the clock has run evenly for a while: what a jump erases does not come back.
    #[must_use]
    pub fn due(&self, now: Wall) -> Vec<Period> {
        self.keys.keys().copied().take_while(|period| period.erasure() <= now).collect()
    }

    /// Drops the key of `period` from memory.
    pub fn forget(&mut self, period: Period) {
        self.keys.remove(&period);
    }

    /// The public keys of the current and the next period, for the record.
    #[must_use]
    pub fn public(&self, now: Wall) -> Vec<(Period, Point)> {
        let current = Period::at(now);
        self.keys.range(current..=current.next()).map(|(period, secret)| (*period, secret.point())).collect()
    }

    /// All private keys: what the account scans with, besides its Tox key.
    pub fn iter(&self) -> impl Iterator<Item = (Period, &Secret)> {
        self.keys.iter().map(|(period, secret)| (*period, secret))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::limits::DAY_SECONDS;

    fn day(day: u64) -> Wall {
        Wall(day * DAY_SECONDS * 1000)
    }

    #[test]
    fn months_pass_and_a_key_lives_from_a_week_before_its_period_to_23_days_after() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut ring = KeyRing::default();
        let start = 20_000;
        for today in start..start + 200 {
            let now = day(today);
            let fresh = ring.renew(now, &mut rng);
            assert!(fresh.len() <= 2 && (today == start || fresh.len() <= 1));
            for period in ring.due(now) {
                assert!(period.end().plus(MAILBOX_KEEP) <= now);
                ring.forget(period);
            }
            let public = ring.public(now);
            assert_eq!(public.len(), 2);
            assert!(public[0].0.begin() <= now && now < public[0].0.end());
            // Current, next, and what 23 days after the end asks for: never more than six.
            assert!(ring.iter().count() <= 6);
            let oldest = ring.iter().next().unwrap().0;
            assert!(now < oldest.erasure());
        }
    }

    #[test]
    fn a_key_once_made_is_not_made_anew() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut ring = KeyRing::default();
        assert_eq!(ring.renew(day(20_000), &mut rng).len(), 2);
        assert!(ring.renew(day(20_000), &mut rng).is_empty());
        let restored = KeyRing::restore(ring.iter().map(|(period, secret)| (period, secret.clone())));
        assert_eq!(restored.public(day(20_000)), ring.public(day(20_000)));
    }
}
