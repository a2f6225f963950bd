//! Every bound of a look-up, with its reason.

use std::time::Duration;

/// How long a look-up may take in all: a mail program waits for it at RCPT.
pub const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// Times a question is sent again when nothing comes: one lost packet must not be a failed mail.
pub const REPEATS: usize = 2;

/// Most records of an answer. A name has one Tox ID; a crowded name has a dozen texts for other purposes.
pub const RECORDS: usize = 64;

/// Most bytes of all records of an answer together: a quarter of what a DNS message over TCP could carry, and
/// seldom is a hundredth used.
pub const ANSWER_BYTES: usize = 16 * 1024;

/// Most names a name may lead through (CNAME); chains of two are seldom.
pub const ALIASES: usize = 8;

/// Look-ups under way at once; further ones wait their turn. One component call makes few.
pub const AT_ONCE: usize = 32;

/// Answers kept while their time to live lasts.
pub const CACHE_ANSWERS: u64 = 256;

/// Longest time an answer is kept, whatever its time to live says: a changed address is noticed within an hour.
pub const CACHE_TIME: Duration = Duration::from_secs(3600);

/// Longest time the absence of a record is kept: who has just added one tries again soon.
pub const CACHE_TIME_NEGATIVE: Duration = Duration::from_secs(60);

/// Part of a look-up's time that finding out about signatures may take.
pub const PROBE_PART: u32 = 3;

/// How long it is believed that a server which answered hands no signatures over.
pub const UNSIGNED_MEMORY: Duration = Duration::from_secs(600);

/// The same where it was silent, perhaps for the moment.
pub const SILENT_MEMORY: Duration = Duration::from_secs(30);

/// Longest trust anchor text: a DNSKEY record takes under 2 KB, and a few are enough.
pub const TRUST_ANCHOR_BYTES: usize = 64 * 1024;
