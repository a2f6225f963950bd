//! Every bound of the command line, with its reason.

use std::time::Duration;

/// What a connection may take beyond what the gateway gives itself for a request.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long connecting may take: the gateway is on this machine.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long the gateway may be silent in the middle of an answer that is not held in memory.
pub const SILENCE: Duration = Duration::from_secs(60);

/// How long all pages of a mailbox may take: a million entries.
pub const LIST_TIME: Duration = Duration::from_secs(600);

/// Largest answer: a page of a thousand entries has under a megabyte.
pub const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Largest body of an answer that says no, where others are not held in memory.
pub const PROBLEM_BYTES: usize = 64 * 1024;

/// Most pages of a list: ten million entries.
pub const PAGES: usize = 10_000;

/// Largest token file: the token and a line end.
pub const TOKEN_FILE_BYTES: u64 = 1024;

/// Largest ready file: paths and the names of a few thousand accounts fit.
pub const READY_FILE_BYTES: u64 = 256 * 1024;

/// Largest file of a signature: 64 bytes as hex digits, and line ends.
pub const SIGNATURE_FILE_BYTES: u64 = 1024;

/// Largest file with certificates or a key: a chain has a few kilobytes.
pub const CERTIFICATE_FILE_BYTES: u64 = 1024 * 1024;

/// The most bytes to read of a file with a password in its first line: the longest password, with a byte order mark and
/// CR LF around it, and one byte more, so that a longer one is noticed.
pub const PASSWORD_LINE_BYTES: u64 = mail::limits::PASSWORD_BYTES as u64 + 6;

/// Bytes read of an mbox file at a time.
pub const PIECE_BYTES: usize = 256 * 1024;

/// How deep folders are looked for: programs that nest them have two or three levels.
pub const MAILDIR_LEVELS: usize = 8;
