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

mod accounts;
mod bin;
mod body;
pub mod codec;
mod context;
mod decisions;
mod directory;
mod documents;
mod engine;
mod error;
pub mod faults;
mod growing;
pub mod limits;
mod mailbox;
mod meta;
mod options;
mod outbox;
mod outcomes;
mod people;
mod pins;
mod quarantine;
mod reception;
mod removal;
mod room;
mod rows;
pub mod secrets;
mod shared;
mod snapshot;
mod standings;
mod state;
mod store;
mod tables;
mod unreadable;
mod upgrade;
mod verify;
mod writer;

pub use accounts::NewAccount;
pub use body::BodyWriter;
pub use decisions::{Decision, DecisionSearch, DecisionsFound};
pub use directory::LOCK_FILE;
pub use documents::Document;
pub use engine::{FORMAT, STORE_FILE};
pub use error::{Error, OpenError};
pub use mail::record::NewMail;
pub use mailbox::MailboxItem;
pub use options::{OpenOptions, Random};
pub use outcomes::Ended;
pub use snapshot::Progress;
pub use state::StateSpace;
pub use store::Store;
pub use unreadable::UnreadableRow;
pub use verify::Report;
