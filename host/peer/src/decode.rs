//! Why bytes are not a message.

use frame::ReadError;
use mail::address::InvalidAddress;
use mail::tox_id::InvalidToxId;

use crate::limits::VERSION;

/// Why bytes are not a message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Lengths do not fit.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A type this version does not have.
    #[error("unknown message type {0:#04x}")]
    Type(u8),
    /// A field with a value it cannot have.
    #[error("the {0} has a value it cannot have")]
    Value(&'static str),
    /// A text in an envelope or hello that is not an address.
    #[error("an address that is none: {0}")]
    Address(#[from] InvalidAddress),
    /// The Tox ID of a hello is damaged.
    #[error("a Tox ID that is none: {0}")]
    ToxId(InvalidToxId),
    /// The other side speaks none of our versions.
    #[error(
        "no common protocol version: the other gateway speaks {lowest} to {highest}, this one {VERSION}; \
         update the older one"
    )]
    NoCommonVersion {
        /// Lowest version of the other side.
        lowest: u16,
        /// Highest version of the other side.
        highest: u16,
    },
}
