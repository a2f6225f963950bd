//! Every bound on what comes from outside, with its reason. What happens at a bound is said where it
//! is enforced; sizes are bytes unless the name says otherwise.

use std::time::Duration;

/// Longest local part (RFC 5321 section 4.5.3.1.1). A Tox ID of 76 hex digits is the one exception.
pub const LOCAL_PART_BYTES: usize = 64;

/// Longest domain (RFC 5321 section 4.5.3.1.2).
pub const DOMAIN_BYTES: usize = 255;

/// Longest account name: leaves room in a local part and in a file name.
pub const ACCOUNT_NAME_BYTES: usize = 40;

/// Longest password, as it is sent or typed: a long sentence in any script. One bound for every place that takes one; a POP3
/// line with it is below 2 KB, and argon2 takes no longer for it.
pub const PASSWORD_BYTES: usize = 1024;

/// Fewest characters of a password that a user chooses (NIST SP 800-63B, section 5.1.1.1).
pub const PASSWORD_CHARS: usize = 8;

/// Longest text of a refusal: fits a reply line of 512 bytes with code and CRLF (RFC 5321 section 4.5.3.1.5).
pub const REFUSAL_TEXT_BYTES: usize = 400;

/// Largest mail by default. 50 MB is what the largest providers take, so what leaves them can be answered.
pub const MAIL_BYTES_DEFAULT: u64 = 50 * 1000 * 1000;

/// Most recipients of one mail: RFC 5321 section 4.5.3.1.8 asks for 100 at least; each costs an outbox entry.
pub const RECIPIENTS: usize = 100;

/// Largest header section that is parsed for filters and checks. Beyond it a mail is carried but not parsed.
pub const HEADER_SECTION_BYTES: usize = 256 * 1024;

/// Bytes of a mail body handled at once, in every crate: what one transfer or session holds in memory.
pub const BODY_CHUNK_BYTES: usize = 64 * 1024;

/// How long a mail is tried when no drop relay has a copy.
pub const EXPIRY: Duration = Duration::from_secs(5 * 24 * 3600);

/// The longest any mail stays in the outbox, copies on relays included.
pub const EXPIRY_LONGEST: Duration = Duration::from_secs(21 * 24 * 3600);

/// How long a recipient remembers what it received, for dedupe: longer than any expiry and two days of
/// clock difference.
pub const DEDUPE_MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes that a key of component state counts against its quota beyond its own bytes and those of
/// its value: for its owner, and for the place of a row in the file. Without it a megabyte of small
/// values took 39 MB of disk.
pub const STATE_ROW_BYTES: u64 = 128;

/// Largest vCard that is read: a photo as a telephone's camera takes it has some 10 MB in base64.
pub const VCARD_BYTES: usize = 16 * 1024 * 1024;

/// Most addresses in `From` that are looked at; more make the field unclear.
pub const FROM_ADDRESSES: usize = 16;

/// The longest run of bytes held back while it is open whether it stays: a name with the blanks behind it, or a whole
/// `Authentication-Results`. No program writes such a field; a longer one of a kind that is removed goes, whatever it says.
pub const FIELD_HELD_BYTES: usize = 64 * 1024;

/// The longest field name and the longest `From ` line of an mbox; what is longer is text. Lines of mails have 998 bytes at most
/// (RFC 5322 section 2.1.1).
pub const FIELD_NAME_LOOK_BYTES: usize = 1000;

/// Longest separator of an mbox whose date is looked for: those that programs write have some 100 bytes.
pub const MBOX_SEPARATOR_BYTES: usize = 1000;

/// Longest piece of an mbox's line that is held: a longer line is passed on in pieces. `From ` behind more `>` than that is nobody's mail.
pub const MBOX_PIECE_BYTES: usize = 64 * 1024;

/// Bytes behind a `From ` line without a date that are looked at: headers begin with fields that are known here.
pub const MBOX_UNDATED_LOOK_BYTES: usize = 16 * 1024;

/// Headers returned with a report are cut here: enough to know a mail by.
pub const DSN_RETURNED_BYTES: usize = 64 * 1024;

/// A word of a report longer than this is cut into pieces: a line has 998 bytes at most (RFC 5322 section 2.1.1).
pub const DSN_WORD_BYTES: usize = 400;

/// The longest subject that a report quotes: people know it by less.
pub const DSN_SUBJECT_CHARS: usize = 200;
