//! Why a mail, or a part of one, was not taken.
use mail::storage::StorageError;

/// Why bytes or the end of a mail were not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceptionError {
    /// The mail was not offered since the start, or was thrown away: offer it again.
    #[error("this mail was not offered, or was dropped: offer it again")]
    NotOffered,
    /// The bytes do not continue what is here.
    #[error("the next byte wanted is {expected}")]
    Offset {
        /// Where to go on.
        expected: u64,
    },
    /// The peer broke the protocol: more bytes than announced, or bytes that do not fit the digest.
    #[error("{0}")]
    Protocol(String),
    /// The store failed: try later.
    #[error("{0}")]
    Storage(#[from] StorageError),
}
