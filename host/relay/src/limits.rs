//! The bounds of drop relays on the network, with their reasons. The bounds of the protocol are in
//! `drops`.

use std::time::Duration;

// Throwaways.

/// Throwaways in use at once. Each is a Tox instance: a thread and some megabytes.
pub const SESSIONS: usize = 6;
/// Throwaways kept ready for each of reading and depositing, so that none is made when a mail is.
pub const SPARES: usize = 1;
/// A spare is made at a random time within this after the last one was taken: not when something happens.
pub const SPARE_DELAY: Duration = Duration::from_secs(60);
/// A spare older than this is not used: relays and nodes come and go.
pub const SPARE_AGE: Duration = Duration::from_secs(2 * 3600);
/// How long one throwaway may look for its board. Over Tox TCP relays alone it takes 2 s with a spare that is ready and 9 s with a new one.
pub const CONNECT_TIME: Duration = Duration::from_secs(60);
/// Throwaways that look for a board before it counts as off: the first one's relays may have been bad.
pub const CONNECT_TRIES: usize = 2;
/// How long one message may wait for the connection to take it: as long as an answer may take.
pub const SEND_TIME: Duration = drops::limits::ANSWER_TIME;
/// Messages of a board that wait to be taken: 4 MB. Beyond them the Tox queue fills, and beyond that the session ends.
pub const SESSION_MESSAGES: usize = 256;
/// How long an ended throwaway may take to tell its board.
pub const CLOSE_TIME: Duration = Duration::from_secs(5);
/// Tox TCP relays of one throwaway: one may fail, and fewer know of it than could.
pub const RELAYS: usize = 3;
/// Tox TCP relays remembered for throwaways to choose from.
pub const RELAYS_KNOWN: usize = 128;

// The proxy.

/// Connections of one throwaway at once: its relays, and what boards name and is refused.
pub const PROXY_CONNECTIONS: usize = 16;
/// Pause after a failed `accept` (out of file descriptors): trying again at once would only burn CPU.
pub const PROXY_ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most bytes handed to a throwaway at once. c-toxcore (0.2.18) takes nothing of a packet before all of it is there, and Linux joins what
/// arrives, up to 17 pieces, and gives their memory back when the last byte of them is taken: where that is all the memory the connection has
/// (128 KiB at first), the rest of a packet never comes, and the session is lost. 17 of these are 68 KiB.
pub const PROXY_PIECE_BYTES: usize = 4 * 1024;
/// How long after a piece the next may follow: 1 MB/s, 60 cells a second. A throwaway that is idle looks every 50 ms; what comes meanwhile
/// has room beside the 68 KiB.
pub const PROXY_PIECE_TIME: Duration = Duration::from_millis(4);
/// How long connections may go on when their throwaway is gone: it says goodbye last, so that its board need not wait for it.
pub const PROXY_LAST_TIME: Duration = Duration::from_secs(5);
/// How long a connection stays open after its client has closed it: a Tox TCP relay (c-toxcore 0.2.18) that sees both at once forgets what
/// came last. It looks every 50 ms.
pub const PROXY_LINGER: Duration = Duration::from_millis(500);
/// How long a client of the proxy may take for its request: it is this very program.
pub const PROXY_REQUEST_TIME: Duration = Duration::from_secs(10);
/// How long connecting may take, Tor's circuits included.
pub const PROXY_CONNECT_TIME: Duration = Duration::from_secs(40);
/// Bytes of a SOCKS5 client that wait to be understood: the longest greeting (257) and request (262) (RFC 1928 sections 3 and 4).
pub const SOCKS_BYTES: usize = 257 + 262;
/// Bytes of an HTTP proxy's answer that are looked at.
pub const HTTP_BYTES: usize = 4096;

// Serving.

/// Friend requests accepted and not yet connected: they cost a few hundred bytes each. Past that the longest waiting goes.
pub const WAITING_FRIENDS: usize = 256;
/// How long an accepted friend may take to connect, however many others ask: over Tox TCP relays
/// alone it takes 2 s to 9 s. By then, too, no relay has an answer under way that would go to
/// another guest (see [`LEAVING_TIME`]).
pub const FRIEND_TIME_SURE: Duration = Duration::from_secs(10);
/// How long an accepted friend may take to connect before it is deleted.
pub const FRIEND_TIME: Duration = Duration::from_secs(180);
/// Packets of a friend that come before Tox tells that it is there: a first request.
pub const EARLY_PACKETS: usize = 32;
/// Messages of all clients that wait for the board: 24 MB at most; beyond them clients wait.
pub const BOARD_INBOX: usize = 1_024;
/// Answers of a session that wait for its connection: enough to keep it busy, little to hold in memory for each.
pub const SESSION_ANSWERS: usize = 2;
/// How long after it went offline a friend is deleted. c-toxcore (0.2.18) begins to look for a lost
/// friend at once, over all relays it knows for them. If the friend is deleted before the relays
/// have answered, each of them is told to forget the connection of number 0 instead. That is the
/// connection of some other guest; if there is none, the relay hangs up without a word, and nobody
/// finds the board for up to 40 s. Relays answer within a second or two; after 8 s the search
/// begins again.
pub const LEAVING_TIME: Duration = Duration::from_secs(4);
/// How long the last answers of a session may take to leave before its friend is deleted.
pub const GOODBYE_TIME: Duration = Duration::from_secs(3);
/// How often the board's clock is looked at.
pub const TICK: Duration = Duration::from_secs(1);
/// Questions to the policy that are asked at once.
pub const QUESTIONS: usize = 4;
/// Memory of the cell store's cache.
pub const CELL_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// How long stopping a board may take.
pub const STOP_TIME: Duration = Duration::from_secs(3);

/// Bytes that the throwaways' proxy reads at once while shaking hands: a whole request fits.
pub const PROXY_HANDSHAKE_BYTES: usize = 512;
