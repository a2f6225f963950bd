//! Who may deposit: tokens and stamps, the public table of difficulties, and the facts for the `policy` component.

use crate::limits::STAMP_BITS_MAX;
use crate::stamp::Stamp;
use crate::token::Token;
use crate::ttl::Ttl;

/// What a depositor shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A member's blind token.
    Token(Token),
    /// Proof of work.
    Stamp(Stamp),
}

impl Admission {
    /// Its name in the facts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Stamp(_) => "stamp",
        }
    }
}

/// The table of difficulties: bits of a stamp by how much of the day's open half is used, in quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difficulty(pub [u8; 4]);

impl Default for Difficulty {
    /// The public table, the same for every board. On one core 2^20 takes about a third of a second; filling the open
    /// half of a day costs hours.
    fn default() -> Self {
        Self([20, 22, 24, 26])
    }
}

impl Difficulty {
    /// Bits of a stamp when `used` of `open` cells that stamps may take today are taken. Twice the time held costs about
    /// twice the work. At most [`STAMP_BITS_MAX`].
    #[must_use]
    pub fn bits(&self, used: u32, open: u32, ttl: Ttl) -> u8 {
        let quarter = usize::try_from(u64::from(used) * 4 / u64::from(open.max(1))).unwrap_or(3).min(3);
        let base = self.0.get(quarter).copied().unwrap_or(STAMP_BITS_MAX);
        let held = match ttl {
            Ttl::Day => 0,
            Ttl::Week => 1,
            Ttl::TwoWeeks | Ttl::ThreeWeeks => 2,
        };
        base.saturating_add(held).min(STAMP_BITS_MAX)
    }
}

/// What the `policy` component is told about a deposit (`deposit` in wit/policy.wit): nothing that tells depositors apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositFacts {
    /// `token` or `stamp`.
    pub admission: &'static str,
    /// Days the cell is to be held.
    pub ttl_days: u32,
    /// Cells held now.
    pub cells: u64,
    /// Cells there is room for.
    pub capacity: u64,
    /// Cells taken today.
    pub today: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_rises_with_load_and_time_and_ends_at_the_maximum() {
        let table = Difficulty::default();
        for ttl in Ttl::ALL {
            let bits: Vec<u8> = (0..=2048).map(|used| table.bits(used, 2048, ttl)).collect();
            assert!(bits.windows(2).all(|pair| pair[0] <= pair[1]));
            assert!(bits.iter().all(|bits| *bits <= STAMP_BITS_MAX));
        }
        assert_eq!(table.bits(0, 2048, Ttl::Day), 20);
        assert_eq!(table.bits(2047, 2048, Ttl::ThreeWeeks), 28);
        assert_eq!(table.bits(5, 0, Ttl::Day), 26, "a board without an open half");
    }
}
