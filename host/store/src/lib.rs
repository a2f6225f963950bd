//! Everything durable: accounts, contacts, outbox, mailboxes, quarantine, incoming mails, component
//! state, decisions.
//!
//! One redb file in the data directory (mode 0700), written by one thread. A method that changes
//! something returns after the change is on disk, and is atomic, unless its documentation says
//! *lazy*: then it shares the next commit to disk, which follows within [`limits::LAZY_TIME`], and
//! a crash before that may undo it. Callers that come together share a commit; nobody waits for
//! others to come.
//!
//! A row that cannot be read keeps nothing else from working. It is passed over, stays where it is,
//! and is reported by [`Store::unreadable`].
//!
//! This crate never decides what happens to a mail, never speaks to the network, and never changes
//! a body. Mail is not encrypted in the file; that is left to disk encryption. What is deleted
//! stays readable in the file until its pages are used again; [`secrets`] is for what must be
//! erased.
//!
//! A call whose future is dropped may still take effect.
//!
//! Reading goes on beside the writer thread, each read on a snapshot. An async method that reads
//! one record (or at most 64 KiB of a body) does so at once, which takes microseconds from the
//! system's cache; lists go to a blocking thread.
//!
//! After a failed read or write (a full disk, a bad block) the call gets an error, the file is
//! closed and opened again, and the store goes on from what is on disk. A call that got
//! [`Error::Failed`] or [`Error::Full`] from a commit may still have taken effect. Asking again
//! tells (`NotFound`, `Exists`). Near the end of the disk's space ([`OpenOptions::reserve_bytes`])
//! nothing new is taken, before redb fails.

mod engine;
mod error;
pub mod faults;
pub mod limits;
mod options;
mod records;
pub mod secrets;
mod store;
mod upkeep;

pub use engine::codec;
pub use engine::directory::LOCK_FILE;
pub use engine::{FORMAT, STORE_FILE};
pub use error::{Error, OpenError};
pub use mail::record::NewMail;
pub use options::{OpenOptions, Random};
pub use records::accounts::NewAccount;
pub use records::decisions::{Decision, DecisionSearch, DecisionsFound};
pub use records::documents::Document;
pub use records::mailbox::MailboxItem;
pub use records::outcomes::Ended;
pub use records::state::StateSpace;
pub use store::Store;
pub use upkeep::snapshot::Progress;
pub use upkeep::unreadable::UnreadableRow;
pub use upkeep::verify::Report;
