//! Every size and bound of protocol version 1, with its reason. Sizes are bytes unless the name says otherwise.

use std::time::Duration;

/// The protocol version this crate speaks.
pub const VERSION: u8 = 1;

// Cells.

/// Ciphertext of a cell, its tag included. With E, view and the store's key a row fits one 16 KB page.
pub const SEALED_BYTES: usize = 16_200;
/// A whole cell as boards carry it: E, view, ciphertext.
pub const CELL_BYTES: usize = 32 + 8 + SEALED_BYTES;
/// Tag of XSalsa20-Poly1305 and of `crypto_box`.
pub const TAG_BYTES: usize = 16;
/// Plaintext under the cell key: version, sender, nonce, box.
pub const PLAINTEXT_BYTES: usize = SEALED_BYTES - TAG_BYTES;
/// The plaintext before the box: version (1), sender's Tox public key (32), nonce (24).
pub const PLAINTEXT_HEAD_BYTES: usize = 1 + 32 + 24;
/// The content of the box.
pub const BOXED_BYTES: usize = PLAINTEXT_BYTES - PLAINTEXT_HEAD_BYTES - TAG_BYTES;
/// The content of the box before the chunk: label (13), S, M, E, R, mail id (16), index, count,
/// digest (32), length (2).
pub const BOXED_HEAD_BYTES: usize = 13 + 4 * 32 + 16 + 1 + 1 + 32 + 2;
/// Most bytes of a mail in one cell.
pub const CHUNK_BYTES: usize = BOXED_BYTES - BOXED_HEAD_BYTES;
/// Most cells of one mail: bursts stay small, and a mail is at most a sixty-fourth of a board's day.
pub const MAIL_CELLS: usize = 64;
/// Longest parcel (mail with its record) that goes by drops.
pub const PARCEL_BYTES: usize = MAIL_CELLS * CHUNK_BYTES;

// Reassembly: what senders may make a recipient hold.

/// Unfinished mails of one sender held at once; the oldest goes when another begins.
pub const PARTIAL_MAILS_PER_SENDER: usize = 8;
/// Bytes of unfinished mails of all contacts of all accounts together; each part counts as a whole chunk.
pub const PARTIAL_BYTES: usize = 64 * 1024 * 1024;
/// The same for strangers, who can be as many as somebody likes: they never take the room of contacts. 16 largest mails.
pub const PARTIAL_STRANGER_BYTES: usize = 16 * 1024 * 1024;

// Mailbox keys and records.

/// How long a mailbox key is the current one.
pub const MAILBOX_PERIOD: Duration = Duration::from_secs(7 * DAY_SECONDS);
/// How long a private key is kept after its period: the longest ttl (21 days) and two days of clock difference.
pub const MAILBOX_KEEP: Duration = Duration::from_secs(23 * DAY_SECONDS);
/// Boards named in a record: more than anybody needs, few enough to audit.
pub const RECORD_BOARDS: usize = 8;
/// Tokens in a record: a mail or two by three boards.
pub const RECORD_TOKENS: usize = 64;
/// Longest record: fits the first cell with room for a mail.
pub const RECORD_BYTES: usize = 12_000;

// Boards.

/// Seconds of a day.
pub const DAY_SECONDS: u64 = 24 * 3600;
/// Cells a board takes a day by default: 64 MB, which is what each reader downloads.
pub const BOARD_DAY_CELLS: u32 = 4_096;
/// Cells a board may take a day at most: readers take no more from it ([`READER_DAY_CELLS`]), and 21 days of them, in segments
/// of hours and of 1 024 cells, stay below [`SEGMENTS_HELD`].
pub const BOARD_DAY_CELLS_MOST: u32 = 8_192;
/// Bytes of cells a board holds by default.
pub const BOARD_BYTES_DEFAULT: u64 = 2 * 1024 * 1024 * 1024;
/// A segment closes after this time.
pub const SEGMENT_TIME: Duration = Duration::from_secs(3600);
/// Or when it holds this many cells: what a reader takes at once is bounded (16 MB).
pub const SEGMENT_CELLS: usize = 1_024;
/// Segments a board can hold: 21 days of hours, and the early closed ones.
pub const SEGMENTS_HELD: usize = 700;
/// Sessions of a board at once.
pub const BOARD_SESSIONS: usize = 192;
/// A session that says nothing and is sent nothing for this long ends.
pub const SESSION_IDLE: Duration = Duration::from_secs(120);
/// No session lasts longer: followers come back under a new throwaway.
pub const SESSION_LONGEST: Duration = Duration::from_secs(48 * 3600);
/// From then on a session keeps its seat only while nobody else needs it: reading a whole board at 1 MB/s takes 50 minutes.
pub const SEAT_TIME: Duration = Duration::from_secs(3600);
/// A session that may only enter with a token has this long for it, and one that gave its seat to another has this long to hear of it.
pub const LOBBY_TIME: Duration = Duration::from_secs(10);
/// How long a session that came in only by an invitation may take to get its tokens: 32 requests
/// over a slow line.
pub const INVITED_TIME: Duration = Duration::from_secs(60);
/// Sessions that may only enter with a token, at once; past that the longest waiting one ends.
pub const LOBBY_SESSIONS: usize = 32;
/// How long after their time cells stay on disk, unread by anybody new: readings under way end well before.
pub const ERASE_DELAY: Duration = Duration::from_secs(2 * 3600);
/// Closed segments whose order of arrival is kept for followers.
pub const ARRIVALS_KEPT: usize = 3;
/// Requests of one session that wait at once; the next one is refused.
pub const SESSION_REQUESTS: usize = 8;
/// Deposits of one session: two largest mails.
pub const SESSION_DEPOSITS: u32 = 128;
/// Segments of one session: the whole board twice.
pub const SESSION_SEGMENTS: u32 = 2 * SEGMENTS_HELD as u32;
/// Requests of any kind of one session.
pub const SESSION_WORK: u32 = 4_096;
/// Deposits of all sessions that wait for the policy or the disk: 8 MB.
pub const BOARD_WAITING: usize = 512;
/// Deposits that share one commit.
pub const COMMIT_DEPOSITS: usize = 128;
/// Cells erased in one commit: deposits in between wait no longer than for this.
pub const SWEEP_CELLS: usize = 256;
/// The wall clock must run evenly for this long before anything expires by it.
pub const SWEEP_PATIENCE: Duration = Duration::from_secs(3600);
/// Difference between wall and monotonic clock that counts as a jump.
pub const CLOCK_JUMP: Duration = Duration::from_secs(60);

// Admission.

/// Blinded elements in one token request.
pub const ISSUE_TOKENS: usize = 32;
/// Tokens for one invitation in one period.
pub const INVITATION_TOKENS: u32 = 1_024;
/// Invitations a board keeps.
pub const INVITATIONS: usize = 1_024;
/// One issuing key per this time, for everybody.
pub const ISSUING_PERIOD: Duration = MAILBOX_PERIOD;
/// Closed segments a stamp may name, counted back from the last one.
pub const STAMP_SEGMENTS: u32 = 48;
/// Most zero bits asked of a stamp; a board that asks for more is refused by the depositor.
pub const STAMP_BITS_MAX: u8 = 30;

// Messages.

/// Longest message, framing excluded: a deposit with its admission.
pub const MESSAGE_BYTES: usize = 24 * 1024;
/// Longest text of a refusal.
pub const REFUSAL_BYTES: usize = 200;

// Clients.

/// Longest time a request may go unanswered.
pub const ANSWER_TIME: Duration = Duration::from_secs(90);
/// A follower hears of a closed segment at least this often, or the board has stopped serving it.
pub const FOLLOW_SILENCE: Duration = Duration::from_secs(3 * 3600);
/// Cells a reader takes from a board for each day read.
pub const READER_DAY_CELLS: u64 = BOARD_DAY_CELLS_MOST as u64;
/// Segments that may close in a day while a reader follows.
pub const FOLLOW_DAY_SEGMENTS: u64 = 48;
/// Tries of one cell on one board before the board counts as failed for this mail.
pub const DEPOSIT_TRIES: u8 = 5;
/// Cells put into one deposit session at most.
pub const SESSION_CELLS: usize = 16;
/// Receipts from this many boards make a mail handed over, by default.
pub const ENOUGH_DEFAULT: usize = 2;
/// Boards of one mail at most.
pub const HANDOVER_BOARDS: usize = 5;
/// Stamps computed again for one cell because the board raised its difficulty.
pub const STAMP_RETRIES: u8 = 3;
/// Segments that a board restored from a backup skips: more than it can have closed since, in a century.
pub const SEGMENTS_SKIPPED: u32 = 1 << 20;
/// Segment hashes a reader remembers for comparison.
pub const HASHES_REMEMBERED: usize = SEGMENTS_HELD;
/// Own tokens kept for a board: for a week of deposits and for contacts.
pub const WALLET_TOKENS: usize = 512;
/// Tokens of one contact kept for a board: as many as fit a record.
pub const CONTACT_TOKENS: usize = RECORD_TOKENS;
/// Boards for which tokens of one contact are kept: those of two different records.
pub const CONTACT_PURSES: usize = 2 * RECORD_BOARDS;
/// Tokens of one source and board held or remembered as spent, in two periods: twice what an invitation gives. Past that none are taken.
pub const SPENT_TOKENS: usize = 2 * INVITATION_TOKENS as usize;
/// Own cells watched at once by the audits and confirmations.
pub const AUDITS: usize = 4_096;

const _: () = assert!(CELL_BYTES == 16_240);
const _: () = assert!(CHUNK_BYTES == 15_918);
const _: () = assert!(RECORD_BYTES < CHUNK_BYTES);
const _: () = assert!(MESSAGE_BYTES > CELL_BYTES + 1_024);
const _: () = assert!(MAIL_CELLS.is_power_of_two());
const _: () = assert!(PARCEL_BYTES <= PARTIAL_STRANGER_BYTES && PARTIAL_STRANGER_BYTES <= PARTIAL_BYTES);
const _: () = assert!(BOARD_DAY_CELLS <= BOARD_DAY_CELLS_MOST);
const _: () = assert!(22 * (24 + BOARD_DAY_CELLS_MOST as usize / SEGMENT_CELLS) <= SEGMENTS_HELD + 24);

/// How far in the future something may have been written: two clocks a day off in opposite directions.
pub const CLOCK_SKEW: Duration = Duration::from_secs(2 * DAY_SECONDS);

/// How much less than the ttl a receipt may promise: the board's clock may be a day off.
pub const RECEIPT_SKEW: Duration = Duration::from_secs(DAY_SECONDS);

/// How many segments may have closed between info and a deposit, or a deposit and its repetition.
pub const SEGMENTS_APART: u32 = 26;

/// An acknowledgement goes out no sooner than this after its mail was read.
pub const ACKNOWLEDGEMENT_REST: Duration = Duration::from_secs(1800);

/// Mean time to the next visit of a reader, from the start of its gateway and from each visit.
pub const READING: Duration = Duration::from_secs(2 * 3600);

/// The longest wait, in means: one in three thousand is cut.
pub const LONGEST_READING: u32 = 8;

/// How long a token rests before it is spent: one issued just now could be tied to its deposit by time alone. Also how long the
/// second look at an issuing key comes after the first ([`crate::token::Sightings`]).
pub const TOKEN_REST: Duration = Duration::from_secs(DAY_SECONDS);
