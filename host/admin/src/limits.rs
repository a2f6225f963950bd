//! Every bound of the web API, with its reason.

use std::time::Duration;

/// Largest JSON body of a request. The longest is a new contact: names of under 1 KB and a friend request of
/// 1016 bytes, six times that where JSON escapes it.
pub const JSON_BODY_BYTES: usize = 16 * 1024;

/// Largest component: one in Python is 18 MB today, JavaScript 12 MB; room to grow.
pub const COMPONENT_BYTES: usize = 64 * 1000 * 1000;

/// Longest name of a component: fits a column, and file names made of it.
pub const COMPONENT_NAME_BYTES: usize = 64;

/// Fewest characters of a chosen password (NIST SP 800-63B, section 5.1.1.1).
pub const PASSWORD_CHARS_SMALLEST: usize = 8;

/// Longest chosen password: a sentence fits, and the line of an AUTH command still carries it in base64
/// (RFC 4954 section 4 asks for far more).
pub const PASSWORD_BYTES_LARGEST: usize = 256;

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

/// How long a client may take for the headers of a request: it is on the same machine or a home network.
pub const HEADER_TIME: Duration = Duration::from_secs(10);

/// How long a client may take for the body of a JSON request.
pub const JSON_BODY_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to upload a component: 64 MB at 5 Mbit/s.
pub const COMPONENT_BODY_TIME: Duration = Duration::from_secs(120);

/// Components uploaded at once: each is held in memory whole.
pub const UPLOADS: usize = 2;

/// Bytes of a request's headers that are buffered; longer is refused with 431.
pub const HEADER_BYTES: usize = 16 * 1024;

/// Open connections: 1000 event listeners and room beside them.
pub const CONNECTIONS: usize = 1100;

/// Of these, event listeners.
pub const EVENT_LISTENERS: usize = 1000;

/// Events kept for listeners that come back: at a few hundred bytes each, about a megabyte.
pub const EVENTS_KEPT: usize = 4096;

/// Largest event, as JSON: what is larger is not sent but replaced by a note, so that the ring stays bounded.
pub const EVENT_BYTES: usize = 4096;

/// How often a silent event stream sends a comment, so that both sides notice a dead connection.
pub const EVENT_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long open requests may still run after the server was told to stop; a stop takes 5 s in all.
pub const STOP_TIME: Duration = Duration::from_secs(2);

/// Largest form of a page: the longest is a new contact, see [`JSON_BODY_BYTES`]; forms escape each byte in three.
pub const FORM_BODY_BYTES: usize = 16 * 1024;

/// Open sessions of browsers: a family with every device, many times over.
pub const SESSIONS: usize = 256;

/// A session ends when its user did nothing for this long.
pub const SESSION_IDLE: Duration = Duration::from_secs(2 * 3600);

/// A session ends after this long whatever its user does.
pub const SESSION_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The time in which failed logins are counted.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(600);

/// Failed logins under one name within [`LOGIN_WINDOW`]: 1440 guesses a day, far from enough for eight characters.
pub const LOGIN_FAILURES_PER_NAME: usize = 10;

/// Failed logins in all within [`LOGIN_WINDOW`]: each may cost 19 MB and 20 ms of argon2.
pub const LOGIN_FAILURES: usize = 100;

/// Longest login name that is looked at: a whole mail address fits.
pub const LOGIN_NAME_BYTES: usize = 320;

/// Rows of a list on one page of the dashboard: the page stays under 100 KB however long the texts in it are.
pub const ROWS: usize = 25;

/// Characters shown of a text that came from outside; the API has the whole.
pub const SHOWN_CHARS: usize = 400;

/// Largest mail that is put into a mailbox: what most mail programs still sent, with room; two at a time are held in memory.
pub const MAIL_BYTES: usize = 64 * 1024 * 1024;

/// How long a client may take to send a mail that is put in: it is on the same machine or a home network.
pub const MAIL_BODY_TIME: Duration = Duration::from_secs(120);

/// Largest profile of another Tox program: what the store keeps of an identity.
pub const PROFILE_BYTES: usize = 4 * 1024 * 1024;

/// Longest password of an encrypted profile: a long sentence.
pub const PROFILE_PASSWORD_BYTES: usize = 1024;

/// How long copying the store for a backup may take before it goes out: ten million rows on a slow disk.
pub const BACKUP_TIME: Duration = Duration::from_secs(3600);

/// How long removing an account may take: a million mails are deleted a thousand at a time.
pub const REMOVE_TIME: Duration = Duration::from_secs(300);

/// Longest text that decisions are searched for: an address with a Tox ID, or a line of a log.
pub const SEARCH_BYTES: usize = 200;

/// Minutes of which figures are kept: an hour, and the minute that is going on.
pub const HISTORY_MINUTES: usize = 61;

/// Hours of which figures are kept: 14 days. A busy hour is under 500 bytes of JSON.
pub const HISTORY_HOURS: usize = 14 * 24;

/// Mails shown of those that left the outbox lately.
pub const OUTCOMES: usize = 10;

/// Drop relays shown for a mail: a mail is left on a handful.
pub const SHOWN_RELAYS: usize = 6;

/// Settings of one entry in its form: what the gateway takes, and rows to type new ones into.
pub const SETTING_ROWS: usize = 40;

/// Lines of a component's log, and calls of a test, that its page shows: the page stays under 100 KB.
pub const LOGGED: usize = 20;

/// Differences of a shadow that its page shows; the API has more of them.
pub const SHOWN_DIFFERENCES: usize = 15;

/// Lines kept of the gateway's own log: what happened just before somebody looks. All of it goes to standard error.
pub const LOG_LINES: usize = 500;

/// Longest line kept of it; the rest of a longer one is left out.
pub const LOG_LINE_BYTES: usize = 2000;

/// Lines of it that its page shows: the page stays under 100 KB.
pub const SHOWN_LOG_LINES: usize = 100;
