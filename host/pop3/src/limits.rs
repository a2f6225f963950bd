//! The bounds of the POP3 server that are not shared with other crates, with their reasons. The chunk size is
//! [`mail::limits::BODY_CHUNK_BYTES`]; those of sockets are in [`listener::limits`].

use std::time::Duration;

/// Longest command line without CR LF. RFC 2449 section 4 wants 255; the longest is PASS with the longest password.
pub const COMMAND_BYTES: usize = "PASS ".len() + mail::limits::PASSWORD_BYTES;

/// Longest line of an AUTH exchange, as SASL users of RFC 5034 section 4 may send.
pub const AUTH_LINE_BYTES: usize = 12_288;

/// Silence after which a session is closed without deleting anything: 10 minutes at least (RFC 1939 section 3). Also the
/// time a client has to authenticate, and to read each 64 KiB of what it asked for.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// Open sessions. A mailbox has one at a time; the others wait for theirs or have not logged in.
pub const SESSIONS: usize = 200;

/// Open sessions that have not authenticated. Below [`SESSIONS`], so they cannot take all of them.
pub const SESSIONS_UNAUTHENTICATED: usize = 50;

/// Wrong passwords in one session. People mistype two or three times.
pub const AUTHENTICATION_FAILURES: usize = 5;

/// Malformed or misplaced commands in one session. More than any confused mail program makes in one.
pub const ERRORS: usize = 20;

/// Output collected for one write before the client has to read some. With a chunk of a mail added it is what a
/// session holds at most.
pub const OUTPUT_BYTES: usize = 64 * 1024;

/// What is read of a mail at once for TOP: most header sections fit, and most of the mail is not wanted.
pub const TOP_READ_BYTES: usize = 16 * 1024;
