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
