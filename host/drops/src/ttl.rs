//! How long a board holds a cell: four classes, so that a ttl tells little.

use std::time::Duration;

use crate::limits::DAY_SECONDS;

/// One of the four times a cell can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ttl {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// Fourteen days.
    TwoWeeks,
    /// Twenty-one days: as long as any mail stays in an outbox.
    ThreeWeeks,
}

impl Ttl {
    /// All classes, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::TwoWeeks, Self::ThreeWeeks];

    /// The number of the class on the wire, 0 to 3.
    #[must_use]
    pub const fn class(self) -> u8 {
        match self {
            Self::Day => 0,
            Self::Week => 1,
            Self::TwoWeeks => 2,
            Self::ThreeWeeks => 3,
        }
    }

    /// The class with this number.
    #[must_use]
    pub fn from_class(class: u8) -> Option<Self> {
        Self::ALL.get(usize::from(class)).copied()
    }

    /// For how many days the cell is held.
    #[must_use]
    pub const fn days(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::TwoWeeks => 14,
            Self::ThreeWeeks => 21,
        }
    }

    /// The class of this many days; none for other numbers.
    #[must_use]
    pub fn from_days(days: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|ttl| ttl.days() == days)
    }

    /// For how long the cell is held.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.days() as u64 * DAY_SECONDS)
    }

    /// The longest class that ends within `remaining`; none if even a day is too long.
    #[must_use]
    pub fn within(remaining: Duration) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|ttl| ttl.duration() <= remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_days_name_each_other() {
        for ttl in Ttl::ALL {
            assert_eq!(Ttl::from_class(ttl.class()), Some(ttl));
            assert_eq!(Ttl::from_days(ttl.days()), Some(ttl));
        }
        assert_eq!((Ttl::from_class(4), Ttl::from_days(2)), (None, None));
    }

    #[test]
    fn a_ttl_is_never_longer_than_what_remains() {
        assert_eq!(Ttl::within(Duration::from_secs(DAY_SECONDS - 1)), None);
        assert_eq!(Ttl::within(Duration::from_secs(8 * DAY_SECONDS)), Some(Ttl::Week));
        assert_eq!(Ttl::within(Duration::from_secs(21 * DAY_SECONDS)), Some(Ttl::ThreeWeeks));
    }
}
