//! The times at which things happen. The defaults are those of the specification; every shorter
//! time tells a board more.

use std::time::Duration;

/// Times that have nothing to do with mail. A pair is least and most; what happens is drawn evenly in between. A single one is a mean,
/// or where it says so the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the start of the gateway to the first reading of a board, and between two readings, on average
    /// ([`drops::schedule::reading`]). Short: a board sees who is online, and for how long.
    pub read_every: Duration,
    /// Between two slots for acknowledgements. Short: a board sees that somebody answers what was just read.
    pub acknowledge_every: (Duration, Duration),
    /// From reading a mail to its acknowledgement at least.
    pub acknowledge_rest: Duration,
    /// From a deposit to looking whether it is still there.
    pub audit_after: (Duration, Duration),
    /// From fetching a token to spending it, and from one look at a board's issuing key to the one that makes it trusted. Short: a
    /// board can tell by time whose deposit a token pays for, or mark its members by keys of their own.
    pub token_rest: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            read_every: drops::limits::READING,
            acknowledge_every: (minutes(60), minutes(360)),
            acknowledge_rest: minutes(30),
            audit_after: (minutes(360), minutes(1200)),
            token_rest: drops::limits::TOKEN_REST,
        }
    }
}
