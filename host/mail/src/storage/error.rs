//! Why storage refused or failed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

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

/// An error that can be cloned and told to several callers. Two are equal if they say the same.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// What happened.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into().into())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

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
