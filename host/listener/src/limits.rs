//! The bounds of a listener that its owner does not set, with their reasons.

use std::time::Duration;

/// Longest reply line without CR LF: both RFC 5321 section 4.5.3.1.5 and RFC 2449 section 4 allow 512 with it.
pub const REPLY_BYTES: usize = 510;

/// What is read from a socket at once while commands are expected: room for an AUTH line (12 288 bytes), so it need
/// not move.
pub const READ_BYTES: usize = 16 * 1024;

/// Memory for output a session may keep while it waits for its client; what it needed beyond that for a large
/// mail is given back. It is where the state machines want their output written, so small ones keep theirs.
pub const IDLE_OUTPUT_BYTES: usize = 64 * 1024;

/// How long sessions may take to finish when the server stops; less than the 5 s the daemon has in all.
pub const STOP_GRACE: Duration = Duration::from_secs(3);

/// How long the last reply may take to reach a client, and what it still sends is read and dropped: closing
/// at once would make the kernel throw the reply away.
pub const LINGER: Duration = Duration::from_secs(1);

/// Pause after a failed `accept` (out of file descriptors): trying again at once would only burn CPU.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is said that connections cannot be accepted: often enough to be found, and no flood on a disk that may be full
/// for the same reason.
pub const TROUBLE_SAID_EVERY: Duration = Duration::from_secs(60);

/// Time to log in before a session has to make room for others that wait to: programs log in within
/// milliseconds of connecting, so only the silent lose their places.
pub const UNDISTURBED: Duration = Duration::from_secs(5);

/// Longest TLS handshake: two round trips and some computing, also over a slow mobile line.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
