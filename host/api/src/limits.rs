//! Bounds that both sides of the web API keep, with their reasons.

use std::time::Duration;

/// Largest JSON body of a request. The longest is a new contact: names of under 1 KB and a friend request of
/// 1016 bytes, six times that where JSON escapes it.
pub const JSON_BODY_BYTES: usize = 16 * 1024;

/// Largest component: one in Python is 18 MB today, JavaScript 12 MB; room to grow.
pub const COMPONENT_BYTES: usize = 64 * 1000 * 1000;

/// Longest name of a component: fits a column, and file names made of it.
pub const COMPONENT_NAME_BYTES: usize = 64;

/// Items of a page when the request does not say.
pub const PAGE_DEFAULT: usize = 100;

/// Most items of a page: about half a megabyte of outbox entries.
pub const PAGE_LARGEST: usize = 1000;

/// Longest cursor: the longest is an alias or an id, far below.
pub const CURSOR_BYTES: usize = 256;

/// How long an ordinary request may take. The slowest looks a name up in DNS.
pub const REQUEST_TIME: Duration = Duration::from_secs(30);

/// How long checking and compiling a component may take: an interpreter takes half a minute on a fast machine.
pub const COMPONENT_TIME: Duration = Duration::from_secs(300);

/// Largest case file of the test bench: it is written by hand.
pub const CASE_BYTES: usize = 1 << 20;

/// How long a replay may take: an interpreter is asked 300 decisions a second, and compiled before.
pub const REPLAY_TIME: Duration = Duration::from_secs(600);

/// Days of decisions a replay may ask for; fewer are kept by default.
pub const REPLAY_DAYS: u32 = 30;

/// How long a client may take for the body of a JSON request.
pub const JSON_BODY_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to upload a component: 64 MB at 5 Mbit/s.
pub const COMPONENT_BODY_TIME: Duration = Duration::from_secs(120);

/// Largest mail that is put into a mailbox: more than most mail programs send. Two at a time are
/// held in memory.
pub const MAIL_BYTES: usize = 64 * 1024 * 1024;

/// How long a client may take to send a mail that is put in: it is on the same machine or a home network.
pub const MAIL_BODY_TIME: Duration = Duration::from_secs(120);

/// Largest profile of another Tox program: what the store keeps of an identity.
pub const PROFILE_BYTES: usize = 4 * 1024 * 1024;

/// How long copying the store for a backup may take before it goes out: ten million rows on a slow disk.
pub const BACKUP_TIME: Duration = Duration::from_secs(3600);

/// How long removing an account may take: a million mails are deleted a thousand at a time.
pub const REMOVE_TIME: Duration = Duration::from_secs(300);

/// Longest text that decisions are searched for: an address with a Tox ID, or a line of a log.
pub const SEARCH_BYTES: usize = 200;
