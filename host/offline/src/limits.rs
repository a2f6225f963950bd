//! Bounds of what offline mail costs, each with its reason.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Boards that an account reads by itself: enough for three copies, few enough to download.
pub const BOARDS_READ: usize = 3;

/// Boards offered to the relay-selector for one mail.
pub const BOARDS_OFFERED: usize = 32;

/// Deposit sessions at once: each is a Tox identity of its own.
pub const DEPOSIT_SESSIONS: usize = 4;

/// Boards read at once.
pub const VISITS: usize = 2;

/// Cells scanned as one job: a few milliseconds, so that mail traffic gets its turn in between.
pub const SCAN_CELLS: usize = 32;

/// Such jobs of one visit at once: as many cores help, and 2 MB of cells wait at most.
pub const SCAN_JOBS: usize = 4;

/// Nonces tried in one go before a stop is noticed.
pub const STAMP_SLICE: u64 = 1 << 14;

/// How long a reader that has everything waits for the next cell of the open segment.
pub const LINGER: Duration = Duration::from_secs(3);

/// A visit never lasts longer after it has caught up.
pub const LINGER_LONGEST: Duration = Duration::from_secs(30);

/// How long a board may let a reader wait altogether before it has sent anything.
pub const VISIT_PATIENCE: Duration = Duration::from_secs(600);

/// Bytes a second a board has to send on average beyond that: the fullest day of a board takes four and a half hours so. A board that
/// sends less keeps a seat for nothing.
pub const VISIT_PACE: u64 = 8 * 1024;

/// How often the time to the next visit is doubled after visits that did not end.
pub const BACK_OFF_DOUBLINGS: u32 = 10;

/// The longest such time, in mean times between readings: a day by default.
pub const BACK_OFF_READINGS: u32 = 12;

/// A visit altogether.
pub const VISIT_LONGEST: Duration = Duration::from_secs(6 * 3600);

/// How long after its copies ended an acknowledgement may still come: the recipient's slots, and both sides' visits.
pub const ACKNOWLEDGEMENT_DELAY: Duration = Duration::from_secs(3 * 24 * 3600);

/// How often a mail is put on boards again because no acknowledgement came.
pub const REPOSTS: u32 = 2;

/// Acknowledgements that share one parcel.
pub const ACKNOWLEDGEMENTS_TOGETHER: usize = 32;

/// Acknowledgements owed to everybody together; past that the oldest is forgotten (its sender posts again).
pub const ACKNOWLEDGEMENTS_OWED: usize = 10_000;

/// A new cell of a mail that was acknowledged longer ago than this says that the word was lost: no sender posts again sooner, which
/// is a third of the shortest time cells are held.
pub const ACKNOWLEDGE_AGAIN: Duration = Duration::from_secs(8 * 3600);

/// How long what was taken from boards is remembered: a parcel is on boards for 21 days at most, clocks differ.
pub const TAKEN_MEMORY: Duration = Duration::from_secs(24 * 24 * 3600);

/// Parcels of which that is remembered.
pub const TAKEN: usize = 100_000;

/// Mails of one stranger that wait for the user.
pub const STRANGER_MAILS: usize = 8;

/// Bytes of all strangers' mails that wait for the user; each counts as a cell at least.
pub const STRANGERS_BYTES: usize = 32 * 1024 * 1024;

/// How long a stranger's mail waits for the user.
pub const STRANGER_TIME: Duration = Duration::from_secs(21 * 24 * 3600);

/// The clocks must agree for this long before a key is erased: what a jump erases does not come back.
pub const STEADY: Duration = Duration::from_secs(3600);

/// Difference of the clocks between two looks that counts as a jump.
pub const CLOCK_JUMP: Duration = Duration::from_secs(60);

/// Longest time between two looks at everything.
pub const LOOK: Duration = Duration::from_secs(60);

/// After a board was not reached, it is tried again after this (or its ordinary time, if that is sooner).
pub const UNREACHED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(300));

/// How long a board that was caught lying is left alone.
pub const LIAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Fewer own tokens of the current period than this for a board: more are fetched.
pub const TOKENS_LOW: usize = 128;

/// Own tokens for a board after fetching: a few days of deposits and ten contacts, a quarter of what an invitation gives a week.
pub const TOKENS_WANTED: usize = 256;

/// Own tokens for a board that are not passed on: contacts who write much leave something for own deposits.
pub const TOKENS_KEPT: usize = 32;

/// Tokens for a board that a contact holds after a record: a mail or two.
pub const TOKENS_PASSED: usize = 8;

/// Tokens a contact is passed in a week, all boards together: who writes more works for it.
pub const TOKENS_PASSED_WEEK: u32 = 512;

/// After a board refused tokens, it is asked again.
pub const TOKENS_AGAIN: Duration = DAY;

/// Characters of what went wrong with a board last: boards say some of it.
pub const PROBLEM_CHARS: usize = 200;

/// Boards whose behaviour is remembered.
pub const BOARDS_REMEMBERED: usize = 512;

const _: () = assert!(TOKENS_PASSED * drops::limits::RECORD_BOARDS <= drops::limits::RECORD_TOKENS);
const _: () =
    assert!(TOKENS_LOW > TOKENS_KEPT + TOKENS_PASSED && TOKENS_WANTED <= drops::limits::WALLET_TOKENS);
const _: () = assert!(ACKNOWLEDGEMENT_DELAY.as_secs() + 14 * DAY.as_secs() <= 21 * DAY.as_secs());

/// How long a session of deposits waits where the recipient has come online: the direct way is faster.
pub const ONLINE_PAUSE: Duration = Duration::from_secs(60);

/// How long a stop waits for the clockwork to end.
pub const STOP_WAIT: Duration = Duration::from_secs(1);
