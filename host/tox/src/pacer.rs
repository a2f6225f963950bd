//! How many packets a friend's lane may give to the engine at a moment.
//!
//! c-toxcore has congestion control of its own (`net_crypto.c`): sending rights, renewed at 1.2 times what was sent
//! in the last 0.6 s, and refused packets beyond. But it takes rights that are used up while something is to be
//! sent again for congestion, and then shrinks for a second. A sender that always uses all rights meets that at
//! every loss, and never grows again: at 1 % loss it fell to 20 KB/s. (Its file transfers leave 16 rights unused
//! for that reason.) How many rights are left cannot be asked, so this module stays below them: it grows by less
//! than 1.2, keeps a reserve, and takes a refusal as the sign that it grew too fast.

use std::time::Duration;

use crate::limits;

/// Slices of the time that is looked back on. c-toxcore: `CONGESTION_QUEUE_ARRAY_SIZE`.
const SLICES: usize = 12;
/// Length of a slice. c-toxcore: `PACKET_COUNTER_AVERAGE_INTERVAL`, which it looks at after 51 ms.
const SLICE: Duration = Duration::from_millis(51);
/// Rights of a connection that was idle. c-toxcore: `CRYPTO_MIN_QUEUE_LENGTH`.
const IDLE_RIGHTS: f64 = 64.0;
/// Rights that are left unused at a low rate.
const RESERVE_LEAST: f64 = 8.0;
/// Rights that are left unused at a high rate, as packets per packet per second: what is lost and asked for
/// again in one go grows with the rate.
const RESERVE_PER_RATE: f64 = 0.01;
/// Packets per second at least. c-toxcore: `CRYPTO_PACKET_MIN_RATE`.
const RATE_LEAST: f64 = 4.0;
/// Growth at best: below c-toxcore's 1.2, which what is lost and what is on the way diminish.
const GROWTH_MOST: f64 = 1.16;
/// Growth at worst: shrinks as c-toxcore does after congestion.
const GROWTH_LEAST: f64 = 0.85;
/// What a refusal takes from the growth.
const GROWTH_LOSS: f64 = 0.05;
/// What a slice without refusal gives back.
const GROWTH_GAIN: f64 = 0.002;
/// The pause after a refusal, in packets at the present rate: the reserve is to fill again.
const PAUSE_PACKETS: f64 = 32.0;
/// The longest pause.
const PAUSE_MOST: Duration = Duration::from_millis(250);

/// Paces the packets of one session. Time is any monotonic time, the same in all calls.
#[derive(Debug)]
pub struct Pacer {
    /// Packets sent per slice, the present one at `present`.
    sent: [u32; SLICES + 1],
    present: usize,
    present_since: Duration,
    /// Packets that may go now.
    budget: f64,
    budget_at: Duration,
    growth: f64,
    paused_until: Duration,
}

impl Pacer {
    /// For a session that starts now.
    pub fn new(now: Duration) -> Self {
        Self {
            sent: [0; SLICES + 1],
            present: 0,
            present_since: now,
            budget: IDLE_RIGHTS - RESERVE_LEAST,
            budget_at: now,
            growth: GROWTH_MOST,
            paused_until: now,
        }
    }

    /// How many packets may go now.
    pub fn allowance(&mut self, now: Duration) -> usize {
        self.turn_slices(now);
        let rate = self.rate();
        let elapsed = now.saturating_sub(self.budget_at).as_secs_f64();
        self.budget_at = now;
        // What c-toxcore lets pile up, less the reserve.
        let reserve = (rate * RESERVE_PER_RATE).clamp(RESERVE_LEAST, IDLE_RIGHTS);
        let most = IDLE_RIGHTS + 4.0 * rate * limits::BUSY_INTERVAL.as_secs_f64() - reserve;
        self.budget =
            (self.budget + elapsed * (rate * self.growth).max(RATE_LEAST)).min(most.max(elapsed * rate));
        if now < self.paused_until {
            return 0;
        }
        // Positive, and far below the range of usize; the fraction stays for the next time.
        self.budget.max(0.0) as usize
    }

    /// So many went.
    pub fn sent(&mut self, packets: usize) {
        if let Some(slice) = self.sent.get_mut(self.present) {
            *slice = slice.saturating_add(u32::try_from(packets).unwrap_or(u32::MAX));
        }
        self.budget -= packets as f64;
    }

    /// The engine refused one: its rights are used up.
    pub fn refused(&mut self, now: Duration) {
        self.growth = (self.growth - GROWTH_LOSS).max(GROWTH_LEAST);
        self.budget = 0.0;
        let pause = Duration::from_secs_f64(PAUSE_PACKETS / self.rate().max(RATE_LEAST));
        self.paused_until = now + pause.min(PAUSE_MOST);
    }

    fn turn_slices(&mut self, now: Duration) {
        let mut turns = 0;
        while now.saturating_sub(self.present_since) >= SLICE {
            self.present_since += SLICE;
            turns += 1;
            if turns > SLICES {
                // All is long ago.
                self.sent = [0; SLICES + 1];
                self.present_since = now;
                break;
            }
            self.present = (self.present + 1) % (SLICES + 1);
            if let Some(slice) = self.sent.get_mut(self.present) {
                *slice = 0;
            }
            self.growth = (self.growth + GROWTH_GAIN).min(GROWTH_MOST);
        }
    }

    /// Packets per second in the slices before the present one.
    fn rate(&self) -> f64 {
        let all: u64 = self.sent.iter().copied().map(u64::from).sum();
        let present = self.sent.get(self.present).copied().map_or(0, u64::from);
        (all - present) as f64 / (SLICE.as_secs_f64() * SLICES as f64)
    }
}

#[cfg(test)]
mod tests;
