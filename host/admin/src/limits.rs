//! Every bound of the server, with its reason.

use std::time::Duration;

// What a request may say, and how long it may take: the clients keep these too.
pub use api::limits::*;

/// How long a client may take for the headers of a request: it is on the same machine or a home network.
pub const HEADER_TIME: Duration = Duration::from_secs(10);

/// Components uploaded at once: each is held in memory whole.
pub const UPLOADS: usize = 2;

/// Bytes of a request's headers that are buffered; longer is refused with 431.
pub const HEADER_BYTES: usize = 16 * 1024;

/// Open connections: 1000 event listeners, and room for others.
pub const CONNECTIONS: usize = 1100;

/// How many of the connections may be event listeners.
pub const EVENT_LISTENERS: usize = 1000;

/// Events kept for listeners that come back: at a few hundred bytes each, about a megabyte.
pub const EVENTS_KEPT: usize = 4096;

/// Largest event, as JSON: a note replaces a larger one, so that the ring stays bounded.
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

/// Longest login name that is looked at: a whole mail address fits.
pub const LOGIN_NAME_BYTES: usize = 320;

/// Rows of a list on one page of the dashboard: the page stays under 100 KB however long the texts in it are.
pub const ROWS: usize = 25;

/// Characters shown of a text that came from outside; the API has the whole.
pub const SHOWN_CHARS: usize = 400;

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
