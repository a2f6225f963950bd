//! Why the store refused or failed.

use std::path::PathBuf;

use mail::Cause;
use mail::storage::StorageError;

/// Why the store refused or failed. Messages tell the user what to do where they can do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The record is not there (any more).
    #[error("there is no such entry")]
    NotFound,
    /// A record with this name is there already.
    #[error("`{0}` exists already")]
    Exists(String),
    /// A bound of the store is reached.
    #[error("{0}")]
    LimitReached(String),
    /// The disk is full. Nothing accepted was lost, and the store takes mail again once there is space.
    #[error(
        "the disk with the data directory is full: free some space there or delete mails; nothing accepted was lost"
    )]
    Full,
    /// The caller's arguments contradict each other or the store: a mistake in the program.
    #[error("the store was asked for something impossible: {0}")]
    Invalid(String),
    /// The disk failed while a body was being written, and what was not on it yet is gone.
    #[error("the mail was lost by an error of the disk before it was accepted: send it again")]
    BodyLost,
    /// No UIDL can be made.
    #[error("the system gives no random bytes: {0}")]
    NoRandom(#[source] Cause),
    /// A record cannot be read. Others are not touched by that.
    #[error("the record {key} in `{table}` is damaged ({why}): restore the data directory from a backup")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The key, readable.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// Reading or writing failed; what was asked may or may not have happened. The store reopens its file by itself.
    #[error("the store failed: {0}")]
    Failed(#[source] Cause),
    /// The caller ended a long work before it was done; nothing was changed by it.
    #[error("it was stopped before it was done")]
    Stopped,
    /// The store was closed, or its writer thread is gone.
    #[error("the store is closed: restart toxmail")]
    Closed,
}

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the directory.
    #[error("{} is in use by another toxmail{}: stop it first, or choose another directory with --data", dir.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The other process, where it told.
        pid: Option<u32>,
    },
    /// A newer version of this program wrote the directory.
    #[error("{} was written by a newer toxmail (format {found}, this one knows {known}): install the newer version", dir.display())]
    NewerFormat {
        /// The data directory.
        dir: PathBuf,
        /// The format found.
        found: u64,
        /// The newest format this program knows.
        known: u64,
    },
    /// The file is there, but it is not a store, or it is damaged.
    #[error("{} is damaged or not a mail store ({why}): restore it from a backup, or move it away to start with a new one", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The store is of an older format, and no copy could be made before changing it.
    #[error("the store has to be upgraded, and its copy {} could not be written ({source}): free some space and start again; nothing was changed", copy.display())]
    Upgrade {
        /// The copy.
        copy: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory or a file in it cannot be made, read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The path it was tried with.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store itself failed while opening.
    #[error(transparent)]
    Store(#[from] Error),
}

/// For whoever knows no more of the store than [`mail::storage`].
impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::Exists(name) => Self::Exists(name),
            Error::LimitReached(limit) => Self::LimitReached(limit),
            Error::Full => Self::Full,
            other => Self::failed(other),
        }
    }
}

impl Error {
    /// A failure with this cause.
    pub(crate) fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(Cause::new(cause))
    }

    /// Whether redb's file handle is unusable after it: everything is refused until the file is
    /// opened again.
    pub(crate) const fn is_fault(&self) -> bool {
        matches!(self, Self::Full | Self::Failed(_))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            _ => Self::failed(error),
        }
    }
}

impl From<redb::StorageError> for Error {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(io) => io.into(),
            other => Self::failed(other),
        }
    }
}

macro_rules! from_redb {
    ($($kind:ident),*) => {$(
        impl From<redb::$kind> for Error {
            fn from(error: redb::$kind) -> Self {
                match error {
                    redb::$kind::Storage(storage) => storage.into(),
                    other => Self::failed(other),
                }
            }
        }
    )*};
}

from_redb!(TableError, TransactionError, CommitError, DatabaseError);
