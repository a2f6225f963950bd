//! The largest delivery rate of the last rounds.

use crate::limits;

/// Bytes per second, one value for each of the last rounds.
#[derive(Debug)]
pub(super) struct Bandwidth {
    rounds: [u64; limits::BANDWIDTH_ROUNDS],
    at: usize,
}

impl Bandwidth {
    /// Begins with a guess, which counts as a round.
    pub(super) fn guess(rate: u64) -> Self {
        let mut rounds = [0; limits::BANDWIDTH_ROUNDS];
        rounds[0] = rate;
        Self { rounds, at: 0 }
    }

    /// The maximum.
    pub(super) fn get(&self) -> u64 {
        self.rounds.into_iter().fold(limits::LEAST_RATE, u64::max)
    }

    /// A round is over; the oldest is forgotten.
    pub(super) fn round(&mut self, rate: u64) {
        self.at = (self.at + 1) % self.rounds.len();
        if let Some(place) = self.rounds.get_mut(self.at) {
            *place = rate;
        }
    }

    /// Forgets what was above `rate`.
    pub(super) fn forget_above(&mut self, rate: u64) {
        for round in &mut self.rounds {
            *round = (*round).min(rate);
        }
    }
}
