//! `[drops.times]`: when boards are read and acknowledgements go out.
//!
//! The defaults are what the privacy of drop relays was measured with. Shorter times deliver sooner and tell a board more: who
//! is online and how long they stay, and that what goes out answers what was just read. With a handful of seconds a board can tell
//! who reads a deposit nearly every time. They are for trying things out and for boards run by friends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::DROP_TIME_LONGEST;

/// Times in seconds; a pair is least and most, drawn evenly in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DropTimes {
    /// From the start to the first reading of a board, and between two readings: the mean of random times without memory.
    pub read_every: u64,
    /// Between two slots for acknowledgements.
    pub acknowledge_every: [u64; 2],
    /// From reading a mail to its acknowledgement, at least.
    pub acknowledge_rest: u64,
    /// From a deposit to looking whether it is still there.
    pub audit_after: [u64; 2],
    /// From fetching a deposit token to spending it, and between two looks at a board's issuing key that make it trusted.
    pub token_rest: u64,
}

impl Default for DropTimes {
    fn default() -> Self {
        let defaults = offline::Settings::default();
        let pair = |(least, most): (Duration, Duration)| [least.as_secs(), most.as_secs()];
        Self {
            read_every: defaults.read_every.as_secs(),
            acknowledge_every: pair(defaults.acknowledge_every),
            acknowledge_rest: defaults.acknowledge_rest.as_secs(),
            audit_after: pair(defaults.audit_after),
            token_rest: defaults.token_rest.as_secs(),
        }
    }
}

/// A time is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// The one of this key.
    #[error(
        "drops.times.{0} must be seconds from 1 to {DROP_TIME_LONGEST}; of two numbers the smaller first"
    )]
    Seconds(&'static str),
    /// The rest between acknowledgements.
    #[error("drops.times.acknowledge_rest must be at most {DROP_TIME_LONGEST} seconds")]
    Rest,
}

impl DropTimes {
    /// As offline mail takes them.
    pub fn settings(&self) -> offline::Settings {
        let pair = |[least, most]: [u64; 2]| (Duration::from_secs(least), Duration::from_secs(most));
        offline::Settings {
            read_every: Duration::from_secs(self.read_every),
            acknowledge_every: pair(self.acknowledge_every),
            acknowledge_rest: Duration::from_secs(self.acknowledge_rest),
            audit_after: pair(self.audit_after),
            token_rest: Duration::from_secs(self.token_rest),
        }
    }

    /// Checks that they are within their bounds.
    ///
    /// # Errors
    /// [`InvalidTime`]
    pub fn check(&self) -> Result<(), InvalidTime> {
        let pairs = [
            ("read_every", [self.read_every; 2]),
            ("acknowledge_every", self.acknowledge_every),
            ("audit_after", self.audit_after),
            ("token_rest", [self.token_rest; 2]),
        ];
        for (key, [least, most]) in pairs {
            if least == 0 || least > most || most > DROP_TIME_LONGEST {
                return Err(InvalidTime::Seconds(key));
            }
        }
        if self.acknowledge_rest > DROP_TIME_LONGEST {
            return Err(InvalidTime::Rest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_specification_and_bounds_hold() {
        assert_eq!(DropTimes::default().settings(), offline::Settings::default());
        assert_eq!(DropTimes::default().check(), Ok(()));
        let wrong = DropTimes { read_every: 0, ..DropTimes::default() };
        assert!(wrong.check().unwrap_err().to_string().contains("drops.times.read_every"));
        let wrong = DropTimes { acknowledge_every: [5, 2], ..DropTimes::default() };
        assert!(wrong.check().unwrap_err().to_string().contains("acknowledge_every"));
        let wrong = DropTimes { acknowledge_rest: u64::MAX, ..DropTimes::default() };
        assert!(wrong.check().is_err());
    }
}
