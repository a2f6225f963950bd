//! The bounds of the SMTP server that are not shared with other crates, with their reasons. The shared ones
//! (recipients, mail size, chunk size) are in [`mail::limits`], those of sockets in [`listener::limits`].

use std::time::Duration;

/// Longest command line without CR LF. RFC 5321 section 4.5.3.1.4 wants 512; the extensions offered add 26 (SIZE),
/// 17 (8BITMIME), 10 (SMTPUTF8), 500 (AUTH= of RFC 4954 section 5), and 500 + 100 and their keywords (DSN, RFC 3461).
pub const COMMAND_BYTES: usize = 2048;

/// Longest line of an AUTH exchange (RFC 4954 section 4).
pub const AUTH_LINE_BYTES: usize = 12_288;

/// Longest ENVID as it stands in the command (RFC 3461 section 4.4).
pub const ENVELOPE_ID_BYTES: usize = 100;

/// Longest ORCPT as it stands in the command (RFC 3461 section 4.2).
pub const ORIGINAL_RECIPIENT_BYTES: usize = 500;

/// Silence after which a session ends with 421 (RFC 5321 section 4.5.3.2.7), and also the time a client has to
/// authenticate after connecting: sessions without a password are what a stranger can hold open.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// Bytes of mail text that count as a sign of life. Fewer within [`IDLE_TIMEOUT`] and the session ends: a client
/// that sends a byte a minute would hold its session for years.
pub const PROGRESS_BYTES: u64 = 4096;

/// Open sessions. A few mail programs with a few connections each; a session costs up to 200 KB while it sends.
pub const SESSIONS: usize = 200;

/// Open sessions that have not authenticated. Below [`SESSIONS`], so they cannot take all of them.
pub const SESSIONS_UNAUTHENTICATED: usize = 50;

/// Wrong passwords in one session (RFC 4954 section 4 advises a limit). People mistype two or three times.
pub const AUTHENTICATION_FAILURES: usize = 5;

/// Malformed or misplaced commands in one session. More than any confused mail program makes in one.
pub const ERRORS: usize = 20;

/// Replies collected for one write before the client has to read some: a pipelining client that never reads
/// stops here.
pub const OUTPUT_BYTES: usize = 64 * 1024;

/// What is read from the socket at once while a mail arrives.
pub const READ_BODY_BYTES: usize = mail::limits::BODY_CHUNK_BYTES;
