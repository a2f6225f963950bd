//! The bounds of the store, with their reasons. Sizes are bytes unless the name says otherwise.

use std::time::Duration;

/// Largest row of a body. redb gives a value and its key a run of pages that is a power of two long:
/// 16 384 bytes with their key would take 32 KB, 16 000 leave room for key and page header in 16 KB.
pub const ROW_BYTES: usize = 16_000;

/// A body up to this size is kept in memory until a record takes it, and written in that record's commit.
pub const SMALL_BODY_BYTES: usize = 64 * 1024;

/// All bodies waiting in memory for their records together; beyond it they go to the file at once.
pub const STAGED_MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of growing bodies the writer holds before it writes rows without waiting for the disk.
pub const GROWING_MEMORY_BYTES: usize = 2 * 1024 * 1024;

/// Largest body: far above any mail limit a user will set, far below what hurts a disk.
pub const BODY_BYTES: u64 = 1024 * 1024 * 1024;

/// Unsaved bytes of growing bodies that force a commit to disk: bounds what a resumed transfer repeats.
pub const UNSAVED_BYTES: usize = 1024 * 1024;

/// Longest time the bytes of an incoming mail stay unsaved.
pub const UNSAVED_TIME: Duration = Duration::from_millis(200);

/// Longest time other lazy changes (component state, decisions, outbox schedule) stay unsaved.
pub const LAZY_TIME: Duration = Duration::from_secs(1);

/// Kilobytes of body pieces that may wait for the writer thread: bounds the queue's memory.
pub const QUEUE_KIB: usize = 2 * 1024;

/// Jobs that may wait for the writer thread.
pub const QUEUE_JOBS: usize = 4096;

/// Jobs of one commit: the rest of the queue waits for the next.
pub const BATCH_JOBS: usize = 1024;

/// Rows of deleted bodies removed within one commit; the rest is left to later ones, so that deleting a large mailbox
/// holds nobody up.
pub const DELETED_ROWS_PER_COMMIT: usize = 1024;

/// Largest piece read directly on an async thread; larger ones go to a blocking thread.
pub const DIRECT_READ_BYTES: usize = 64 * 1024;

/// redb's cache. Its own default of 1 GiB is too much for a small machine; the system caches the file anyhow.
pub const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Free space below which nothing new is taken: leaves room for deleting, which needs space too.
pub const RESERVE_BYTES: u64 = 32 * 1024 * 1024;

/// Unused bytes inside of the store's file from which new things are taken although the disk is at its reserve: deleting
/// mails makes room in the file long before the file gets shorter. Above the largest mail.
pub const UNUSED_BYTES: u64 = 64 * 1024 * 1024;

/// How often the unused bytes are counted while the disk is at its reserve: counting looks at every page.
pub const UNUSED_INTERVAL: Duration = Duration::from_secs(30);

/// Unused bytes of the store's file that are given back to the disk when the store is opened, if they are most of the file: less is used
/// again soon.
pub const GIVE_BACK_BYTES: u64 = 64 * 1024 * 1024;

/// Most bytes that are moved for that: some seconds. The unused part of a larger file stays for new mail.
pub const MOVED_BYTES: u64 = 1024 * 1024 * 1024;

/// Accounts of one gateway: a family or a small group, with room.
pub const ACCOUNTS: u64 = 1000;

/// Contacts of one account.
pub const CONTACTS: u64 = 10_000;

/// Friend requests that wait for the user, per account: more are spam.
pub const FRIEND_REQUESTS: usize = 100;

/// Keys per account whose friend requests are ignored because the user declined one: the one declined first makes
/// room. 80 bytes each.
pub const DECLINED: usize = 1000;

/// Pinned names per account.
pub const PINS: u64 = 10_000;

/// Outbox entries of all accounts.
pub const OUTBOX_ENTRIES: u64 = 500_000;

/// Mails in mailbox and quarantine of one account each.
pub const MAILBOX_ENTRIES: u64 = 1_000_000;

/// Mails in the bin of one account: those that a filter threw away. The oldest ones go first, so a flood of unwanted mail never
/// fills the mailbox's quarantine.
pub const BIN_ENTRIES: u64 = 1000;

/// Bytes of mail in the bin of one account: a few large mails, thousands of small ones.
pub const BIN_BYTES: u64 = 256 * 1024 * 1024;

/// Mails of the bin deleted within one commit.
pub const BIN_EMPTIED_PER_COMMIT: usize = 500;

/// Mails that are coming in at once, of all senders.
pub const PARTIALS: usize = 4096;

/// Ended outbox entries remembered per account.
pub const OUTCOMES: u64 = 5000;

/// Largest saved data of a Tox instance (some 100 bytes per friend; thousands of friends fit).
pub const TOX_SAVED_BYTES: usize = 4 * 1024 * 1024;

/// Longest credential hash.
pub const CREDENTIAL_BYTES: usize = 1024;

/// Longest name of a slot, a setting, or whose a document is.
pub const NAME_BYTES: usize = 128;

/// Longest name of a space of component state: `slot/entry/component/version`, entry and component up to 64 bytes each, a version 16.
pub const STATE_SPACE_BYTES: usize = 176;

/// Longest key of component state.
pub const STATE_KEY_BYTES: usize = 512;

/// Unsaved component state: a component that writes more waits for the disk.
pub const STATE_UNSAVED_BYTES: usize = 4 * 1024 * 1024;

/// Largest record of one decision.
pub const DECISION_BYTES: usize = 1024 * 1024;

/// Decisions waiting to be written, in bytes of memory; who records more at once waits for the disk.
pub const DECISIONS_WAITING_BYTES: usize = 8 * 1024 * 1024;

/// What a decision counts beyond its record: its rows in the tables that find it.
pub const DECISION_ROWS_BYTES: u64 = 384;

/// Decisions kept, by bytes of the file, of all components together. Where there is no more room, the oldest decisions go of that component
/// that takes up most, in the slot that takes up most: who decides much loses its own evidence, not that of others.
pub const DECISIONS_BYTES: u64 = 128 * 1024 * 1024;

/// Decisions kept, by age.
pub const DECISIONS_AGE: Duration = Duration::from_secs(14 * 24 * 3600);

/// Decisions dropped within one commit because they are old or too many.
pub const DECISIONS_DROPPED_PER_COMMIT: usize = 2000;

/// Decisions that one search looks at: some ten milliseconds.
pub const DECISIONS_SEARCHED: usize = 10_000;

/// Longest setting in `meta_put`.
pub const META_BYTES: usize = 1024 * 1024;

/// Rows of settings.
pub const META_ENTRIES: u64 = 10_000;

/// Arrivals forgotten per commit by `sweep`.
pub const SWEPT_PER_COMMIT: usize = 2000;

/// Most entries one list call returns where the caller may ask for any number.
pub const LIST_ENTRIES: usize = 10_000;

/// Rows that cannot be read, as far as they are remembered: enough to see what is wrong.
pub const UNREADABLE_ROWS: usize = 1000;

/// Largest document: a whole mail that waits, with room around it.
pub const DOCUMENT_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of documents read at once: their number has no bound of its own, so they are read page by page.
pub const DOCUMENTS_PAGE_BYTES: usize = 1024 * 1024;

/// Longest key of a document.
pub const DOCUMENT_KEY_BYTES: usize = 128;

/// Mails of an account deleted in one step: others come in between.
pub const REMOVED_MAILS_AT_A_TIME: usize = 1000;

/// Other rows of an account deleted in one step: some hundred kilobytes.
pub const REMOVED_ROWS_AT_A_TIME: usize = 1000;

/// Rows of a snapshot between two calls of whoever watches it: some milliseconds.
pub const SNAPSHOT_WATCHED_ROWS: u64 = 256;
