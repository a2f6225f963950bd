//! Bounds of the core, each with its reason. Bounds shared with other crates are in
//! [`mail::limits`].

use std::time::Duration;

/// Mails on their way to one peer at once. Enough to hide the wait for acknowledgements; the peer protocol interleaves them.
pub const IN_FLIGHT_PER_PEER: usize = 32;

/// Mails on their way in total: each holds one entry (a few KB) and one window of the peer protocol.
pub const IN_FLIGHT: usize = 256;

/// How many of the mails on their way to one peer may be large: the rest stays free for small ones.
pub const LARGE_IN_FLIGHT_PER_PEER: usize = 4;

/// From here a mail is large: about a tenth of a second of a fast link.
pub const LARGE_BYTES: u64 = 1024 * 1024;

/// Entries looked at at once that need no transfer (schedule, notices, expiry, local delivery).
pub const VISITS: usize = 32;

/// The schedule looks at the clocks at least this often, so that a jump of the wall clock is noticed.
pub const TICK: Duration = Duration::from_secs(60);

/// A difference between the two clocks beyond this is a jump (suspended machine, clock set), not drift.
pub const CLOCK_JUMP: Duration = Duration::from_secs(5);

/// Nothing is given up or forgotten before the clocks agreed for this long: a clock that is wrong at the start is usually
/// put right by then, and after a long sleep every mail gets one more chance first.
pub const CLOCK_STEADY: Duration = Duration::from_secs(3600);

/// The longest wait between two attempts, whatever a component says, and after a restart.
pub const RETRY_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The shortest wait between two attempts, whatever a component says: a failing peer is not hammered.
pub const RETRY_SHORTEST: Duration = Duration::from_secs(10);

/// After a restart an entry waits no longer than this, however long it was to wait before: the wall clock it was written
/// down with may have been wrong.
pub const RESTART_WAIT: Duration = Duration::from_secs(3600);

/// When the store fails, the entry is looked at again after this.
pub const STORE_RETRY: Duration = Duration::from_secs(60);

/// A transfer that has no end by then is stopped: 50 MB in this time are 1 KB a second.
pub const TRANSFER_LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Bytes one contact may park here in mails that are not whole yet: two of the largest mails and many small ones.
pub const PARKED_PER_PEER: u64 = 128 * 1024 * 1024;

/// Bytes all contacts together may park.
pub const PARKED: u64 = 1024 * 1024 * 1024;

/// Mails one contact may have coming in at once: twice what a gateway sends to one peer. Each holds a header section in memory.
pub const RECEPTIONS_PER_PEER: usize = 2 * IN_FLIGHT_PER_PEER;

/// An unfinished mail that nobody continues for this long is thrown away: the sender starts again.
pub const PARTIAL_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often old arrivals and unfinished mails are swept.
pub const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Longest text of a friend request: under the 921 bytes of newer and the 1 016 of older c-toxcore.
pub const FRIEND_REQUEST_BYTES: usize = 900;

/// Addresses of a contact that are kept from its `hello`.
pub const TOLD_ADDRESSES: usize = 16;

/// A whole mail is returned in a bounce up to this size, else its headers.
pub const RETURNED_BYTES: u64 = 1024 * 1024;

/// Headers returned in a bounce: enough to know a mail by.
pub const RETURNED_HEADER_BYTES: usize = 64 * 1024;

/// How long a clean stop waits for commits under way: the command line promises 5 s for everything.
pub const STOP_WAIT: Duration = Duration::from_secs(3);

/// ORCPT of RFC 3461 section 4.2.
pub const ORIGINAL_RECIPIENT_BYTES: usize = 500;

/// ENVID of RFC 3461 section 4.4.
pub const ENVELOPE_ID_BYTES: usize = 100;

/// When a friend request is sent again: c-toxcore repeats it while it runs, this is for what it forgot.
pub const REQUEST_AGAIN: [Duration; 4] = [
    Duration::from_secs(600),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(24 * 3600),
];

/// Entries of one page of the outbox list.
pub const LIST_ENTRIES: usize = 1000;

/// How long a mail that a filter threw away can be restored, where the user does not say: long enough to be missed.
pub const BIN_TIME: Duration = Duration::from_secs(14 * 24 * 3600);

/// Longest time a user may say.
pub const BIN_TIME_LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);

/// A mail that a filter refused with class 4 comes again after this: what made it refuse (a sender it does not know yet, a state it
/// learns) takes minutes to change.
pub const FILTER_LATER: Duration = Duration::from_secs(300);

/// A mail that the filters had no free place for comes again after this: a burst is over then.
pub const FILTER_BUSY: Duration = Duration::from_secs(60);

/// How long a mail program waits for its `250` while the filters have no free place, over all
/// recipients. RFC 5321 section 4.5.3.2.6 lets it wait ten minutes; common ones give up after 100
/// seconds, and would send the mail twice.
pub const FILTERS_WAIT: Duration = Duration::from_secs(60);

/// Filters without a free place are asked again after this.
pub const FILTER_PAUSE: Duration = Duration::from_secs(1);
