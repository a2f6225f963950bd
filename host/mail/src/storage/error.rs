//! Why storage refused or failed.

use std::error::Error;

use crate::Cause;

/// Why storage refused or failed. The message says what to do where a user can do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The record is not there (any more).
    #[error("there is no such entry")]
    NotFound,
    /// A record with this name is there already.
    #[error("`{0}` exists already")]
    Exists(String),
    /// A bound is reached; the text names it.
    #[error("{0}")]
    LimitReached(String),
    /// The disk is full. Nothing accepted was lost, and mail is taken again once there is space.
    #[error(
        "the disk with the data directory is full: free some space there or delete mails; nothing accepted was lost"
    )]
    Full,
    /// Anything else, as the storage itself says it.
    #[error(transparent)]
    Failed(Cause),
}

impl StorageError {
    /// A failure with this cause.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Cause::new(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_its_cause_says_and_keeps_what_is_behind_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("the store failed")]
        struct Outer(#[source] std::io::Error);
        let failed = StorageError::failed(Outer(std::io::Error::other("no such device")));
        assert_eq!(failed.to_string(), "the store failed");
        assert_eq!(failed.source().map(ToString::to_string), Some("no such device".to_owned()));
        assert_eq!(failed.clone(), failed);
        assert_ne!(failed, StorageError::failed("the store is closed"));
    }
}
