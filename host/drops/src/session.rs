//! A client's session with a board, whatever carries it: what the crate that reaches boards and the
//! one that uses them agree on.

use async_trait::async_trait;
use bytes::Bytes;

/// What a session is for: one of these, and a throwaway never for two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Reading segments.
    Reading,
    /// Depositing cells.
    Depositing,
    /// Fetching tokens for an invitation.
    Tokens,
}

/// A board was not reached, or the session with it is over. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// A stream of whole messages ([`crate::message`]), both ways. Dropped, the session ends.
#[async_trait]
pub trait BoardSession: Send {
    /// The number of the throwaway, unique within this process, for [`crate::reader::BoardMemory`]
    /// and [`crate::token::Sightings`].
    fn throwaway(&self) -> u64;

    /// Sends a message. Returns when the connection has taken all of it, not when it has arrived.
    ///
    /// # Errors
    /// [`Unreachable`]: the session is over.
    async fn send(&mut self, message: &[u8]) -> Result<(), Unreachable>;

    /// The next message of the board. May be dropped while it waits: nothing is lost by that.
    ///
    /// # Errors
    /// [`Unreachable`]: the session is over.
    async fn receive(&mut self) -> Result<Bytes, Unreachable>;
}
