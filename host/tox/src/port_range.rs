//! UDP ports to choose from.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// One port, or the ports from a first to a last. As text `33445` or `33445-33545`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Exactly this port.
    #[must_use]
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// The ports of `range`; none where it is empty or begins with port 0.
    #[must_use]
    pub const fn new(range: RangeInclusive<u16>) -> Option<Self> {
        let (first, last) = (*range.start(), *range.end());
        if first == 0 || first > last { None } else { Some(Self { first, last }) }
    }

    /// The lowest port.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port, which may be taken too.
    #[must_use]
    pub const fn last(self) -> u16 {
        self.last
    }
}

impl Default for PortRange {
    /// [`UDP_PORTS`](crate::limits::UDP_PORTS)
    fn default() -> Self {
        crate::limits::UDP_PORTS
    }
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{}-{}", self.first, self.last)
        }
    }
}

/// The text is not a port or a range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a range of ports: write the first and the last, from 1 to 65535, as in 33445-34444")]
pub struct InvalidPortRange;

impl FromStr for PortRange {
    type Err = InvalidPortRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.trim().parse().map_err(|_| InvalidPortRange);
        Self::new(port(first)?..=port(last)?).ok_or(InvalidPortRange)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_accepted_prints_and_parses_back_the_same(text in "[0-9]{0,6}( ?- ?[0-9]{0,6})?|\\PC{0,12}") {
            if let Ok(range) = text.parse::<PortRange>() {
                prop_assert!(range.first() > 0 && range.first() <= range.last());
                prop_assert_eq!(range.to_string().parse::<PortRange>(), Ok(range));
            }
        }

        #[test]
        fn every_range_prints_and_parses_back_the_same(first in 1_u16.., last: u16) {
            match PortRange::new(first..=last) {
                Some(range) => prop_assert_eq!(range.to_string().parse::<PortRange>(), Ok(range)),
                None => prop_assert!(last < first),
            }
        }
    }

    #[test]
    fn port_0_and_ranges_that_run_backwards_are_refused() {
        for text in ["0", "0-5", "6-5", "5-", "-5", "", "65536", "1-65536", "1-2-3", "+1"] {
            // Rust takes a sign before a number; it does no harm.
            assert_eq!(text.parse::<PortRange>().is_ok(), text == "+1", "{text}");
        }
    }
}
