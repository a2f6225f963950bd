//! How a store is opened.

use std::fmt;
use std::sync::Arc;

use mail::Clock;

use crate::faults::Faults;
use crate::limits::{
    CACHE_BYTES, DECISIONS_AGE, DECISIONS_BYTES, GIVE_BACK_BYTES, MAILBOX_ENTRIES, OUTCOMES, RESERVE_BYTES,
};

/// Fills a buffer with random bytes, or fails.
pub type Random = Arc<dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// The clock: stamps what the store stamps, and times its lazy commits.
    pub clock: Arc<dyn Clock>,
    /// Where UIDLs come from; by default the system's random source.
    pub random: Random,
    /// redb's cache, bytes. Default [`CACHE_BYTES`].
    pub cache_bytes: usize,
    /// Free bytes of the disk below which nothing new is taken. Default [`RESERVE_BYTES`].
    pub reserve_bytes: u64,
    /// Unused bytes of the file that are given back to the disk when it is opened. Default [`GIVE_BACK_BYTES`].
    pub give_back_bytes: u64,
    /// Bytes of decisions kept. Default [`DECISIONS_BYTES`].
    pub decisions_bytes: u64,
    /// How long decisions are kept. Default [`DECISIONS_AGE`].
    pub decisions_age: std::time::Duration,
    /// Ended outbox entries remembered per account. Default [`OUTCOMES`].
    pub outcomes: u64,
    /// Mails in the quarantine of one account. Default [`MAILBOX_ENTRIES`].
    pub quarantine: u64,
    /// For tests: a disk that fails when told to.
    pub faults: Option<Faults>,
}

impl OpenOptions {
    /// The defaults, with this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            random: Arc::new(|bytes| getrandom::fill(bytes).map_err(std::io::Error::from)),
            cache_bytes: CACHE_BYTES,
            reserve_bytes: RESERVE_BYTES,
            give_back_bytes: GIVE_BACK_BYTES,
            decisions_bytes: DECISIONS_BYTES,
            decisions_age: DECISIONS_AGE,
            outcomes: OUTCOMES,
            quarantine: MAILBOX_ENTRIES,
            faults: None,
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OpenOptions").field("cache_bytes", &self.cache_bytes).finish_non_exhaustive()
    }
}
