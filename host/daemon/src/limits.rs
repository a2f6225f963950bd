//! Bounds of the daemon itself, with their reasons.

use std::time::Duration;

/// Characters that are kept of the name of a filter whose entry cannot be read: as many as a name has at most.
pub const FILTER_NAME_CHARS: usize = 64;

/// The time in which wrong passwords are counted.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(600);

/// Wrong passwords of one account from one place within [`LOGIN_WINDOW`]: 1 440 guesses a day, far from enough for eight
/// characters. One that was wrong before and comes again is not counted: a mail program with an old password asks for ever.
pub const LOGIN_FAILURES_PER_ACCOUNT: usize = 10;

/// Wrong passwords from one place within [`LOGIN_WINDOW`], whatever accounts they were for: a family behind one address mistypes
/// less. Who logged in from there before is not held up by them.
pub const LOGIN_FAILURES_PER_PLACE: usize = 50;

/// Further passwords within [`LOGIN_WINDOW`] that are compared with the one that was right there
/// lately, where the account is at home and a place has used up [`LOGIN_FAILURES_PER_ACCOUNT`]:
/// this many more guesses, 14 400 a day in all, are what it costs that somebody at the owner's own
/// address does not keep the owner's mail program out at once.
pub const LOGIN_COMPARED_AT_HOME: usize = 90;

/// Wrong passwords of one account from all places within [`LOGIN_WINDOW`] from which on each further place waits before its
/// password is looked at. More than a user mistypes.
pub const LOGIN_FAILURES_BEFORE_DELAY: usize = 20;

/// How long such a place waits: a nuisance for a program that tries a million, none for the owner on a new telephone.
pub const LOGIN_DELAY: Duration = Duration::from_secs(3);

/// Wrong passwords remembered of one account and place, to know those that come again: a family's old telephones.
pub const LOGIN_KNOWN_WRONG: usize = 4;

/// Places and accounts remembered for their wrong passwords. Each of them costs an attacker who
/// fills this memory one argon2 hash, and the oldest make room. 200 bytes each.
pub const LOGIN_PLACES: usize = 10_000;

/// For how long a place counts as known where an account logged in: a month without mail.
pub const LOGIN_KNOWN_PLACE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Known places of all accounts: people with a few networks each. The one unused for longest makes room.
pub const LOGIN_KNOWN_PLACES: usize = 1000;

/// How long a POP3 login waits for a session that has the mailbox: one whose client is gone ends within moments, also on a busy
/// machine.
pub const MAILBOX_WAIT: Duration = Duration::from_secs(5);

/// Argon2 computations at a time: 2 x 19 MB, and the other core stays free for mail.
pub const ARGON2_AT_A_TIME: usize = 2;

/// Lines of the log that wait for a reader who does not read; further ones are lost. A busy gateway writes a few a second.
pub const CONSOLE_LINES: usize = 1_024;

/// How long the end of the program waits for lines to be written.
pub const CONSOLE_LAST_TIME: Duration = Duration::from_secs(1);

/// Most relays known: each that is read costs its day's volume; more than a few are never used.
pub const RELAYS_KNOWN: usize = 256;

/// No call of a component's test begins after this long: somebody waits for the answer.
pub const COMPONENT_TEST_TIME: Duration = Duration::from_secs(60);

/// Decisions that a replay reads from the store at a time.
pub const REPLAY_DECISIONS_AT_A_TIME: usize = 200;

/// Mails of an account that a replay looks among: the newest.
pub const REPLAY_MAILS: usize = 20_000;

/// A mail arrives this long after its filters were asked, at most.
pub const REPLAY_ARRIVAL: Duration = Duration::from_secs(600);

/// Rows that cannot be read, as many as `status` names.
pub const UNREADABLE_SHOWN: usize = 20;

/// Deaths of the process while filters looked at a mail, after which
/// they are not asked about it any more.
pub const FILTER_DEATHS: u32 = 2;

/// Bytes of a mail's end by which filters' deaths are told to be about the same mail, where its id does not: a mail
/// program that sends it again gets another id.
pub const FILTER_MARK_END_BYTES: usize = 64 << 10;

/// Marks of filters' deaths older than this go at the start: a mail is tried for days, not for weeks.
pub const FILTER_MARKS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Most threads that make stamps and seal cells: more than this many cores are never needed, and stamps would take them all.
pub const DROPS_THREADS: usize = 4;

/// Longest alias made of a friend's name.
pub const IMPORTED_ALIAS_CHARS: usize = 32;

/// The longest time that `[drops.times]` takes, seconds: a week.
pub const DROP_TIME_LONGEST: u64 = 7 * 24 * 3600;

/// Longest stop of the gateway: what has not ended by then is cut off, and loses nothing.
pub const STOP_TIME: Duration = Duration::from_secs(4);

/// Largest configuration file.
pub const CONFIG_BYTES: u64 = 1024 * 1024;

/// Largest list of sums in a backup that is read: that of as many files as a backup has, with their longest names.
pub const BACKUP_SUMS_BYTES: u64 = 4 * 1024 * 1024;

/// Most files of a backup that is restored: all components a gateway keeps, and more.
pub const BACKUP_FILES: usize = 10_000;

/// Largest policy set: it is written by hand.
pub const POLICY_SET_BYTES: u64 = 1 << 20;
