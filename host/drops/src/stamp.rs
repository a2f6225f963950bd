//! Stamps: proof of work for whoever has no token.
//!
//! A stamp is for one `E` on one board, and names a segment closed lately, so it cannot be made long ahead. The
//! difficulty comes from the public table in [`crate::admission`].

use mail::Wall;

use crate::cell::BoardKey;
use crate::hash::hash;
use crate::limits::DAY_SECONDS;
use crate::point::Point;
use crate::ttl::Ttl;

const LABEL: &[u8] = b"toxmail stamp 1";

/// A proof of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Day since 1970 UTC on which it was made.
    pub day: u32,
    /// The closed segment whose hash is in it.
    pub segment: u32,
    /// The number that was searched for.
    pub nonce: u64,
}

/// What a stamp is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The board.
    pub board: BoardKey,
    /// The cell's `E`.
    pub point: Point,
    /// How long the cell is to be held.
    pub ttl: Ttl,
    /// The current day, counted from 1970-01-01 UTC.
    pub day: u32,
    /// A segment closed lately.
    pub segment: u32,
    /// Its hash.
    pub hash: [u8; 32],
}

/// The day of this time, since 1970 UTC.
#[must_use]
pub fn day(now: Wall) -> u32 {
    u32::try_from(now.seconds() / DAY_SECONDS).unwrap_or(u32::MAX)
}

impl Challenge {
    /// Zero bits at the beginning of the hash with this nonce: what the work was worth.
    #[must_use]
    pub fn bits(&self, nonce: u64) -> u8 {
        let hash = hash(&[
            LABEL,
            &self.board.0,
            &self.point.0,
            &[self.ttl.class()],
            &self.day.to_le_bytes(),
            &self.hash,
            &nonce.to_le_bytes(),
        ]);
        let zeros = match hash.iter().position(|byte| *byte != 0) {
            Some(at) => 8 * at + hash.get(at).map_or(0, |byte| byte.leading_zeros() as usize),
            None => 8 * hash.len(),
        };
        u8::try_from(zeros).unwrap_or(u8::MAX)
    }

    /// Tries `tries` nonces from `from` on: a slice of work, so that it can be spread over threads and stopped.
    /// The expected number of tries is 2 to the power of `bits`.
    #[must_use]
    pub fn search(&self, bits: u8, from: u64, tries: u64) -> Option<Stamp> {
        (from..from.saturating_add(tries)).find(|nonce| self.bits(*nonce) >= bits).map(|nonce| Stamp {
            day: self.day,
            segment: self.segment,
            nonce,
        })
    }
}

#[cfg(test)]
mod tests {
    use mail::PublicKey;

    use super::*;

    fn challenge() -> Challenge {
        Challenge {
            board: PublicKey([1; 32]),
            point: Point([2; 32]),
            ttl: Ttl::Week,
            day: 20_000,
            segment: 7,
            hash: [3; 32],
        }
    }

    #[test]
    fn work_is_found_and_is_for_this_challenge_only() {
        let challenge = challenge();
        let stamp = challenge.search(12, 0, 1 << 20).unwrap();
        assert!(challenge.bits(stamp.nonce) >= 12);
        let others = [
            Challenge { board: PublicKey([9; 32]), ..challenge },
            Challenge { point: Point([9; 32]), ..challenge },
            Challenge { ttl: Ttl::Day, ..challenge },
            Challenge { day: 20_001, ..challenge },
            Challenge { hash: [9; 32], ..challenge },
        ];
        // One in 4 096 fits by chance; that all five do is out of the question.
        assert!(others.iter().any(|other| other.bits(stamp.nonce) < 12));
    }

    #[test]
    fn work_that_is_not_found_ends() {
        assert_eq!(challenge().search(64, 0, 1000), None);
        assert_eq!(challenge().search(0, u64::MAX, 1000), None, "the end of the numbers");
    }
}
