//! Why a session is not there.

use drops::session::Unreachable;

/// Why there is no session, or why it ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The board was not found in [`crate::limits::CONNECT_TIME`], by [`crate::limits::CONNECT_TRIES`] throwaways.
    #[error("the drop relay is not online, or takes nobody at the moment")]
    Unreachable,
    /// The board ended the session, or the connection broke.
    #[error("the drop relay ended the session")]
    Ended,
    /// The board sent bytes that are not a message.
    #[error("the drop relay sent something unreadable: {0}")]
    Unreadable(#[from] frame::FrameError),
    /// Messages were not taken as fast as they came.
    #[error("the drop relay sent faster than its cells could be looked through")]
    TooSlow,
    /// The connection took nothing for [`crate::limits::SEND_TIME`].
    #[error("the drop relay does not take what it is sent")]
    Stuck,
    /// No throwaway could be made.
    #[error("no throwaway Tox identity: {0}")]
    Throwaway(String),
    /// This gateway does not serve that board.
    #[error("this gateway does not serve that drop relay")]
    NotServedHere,
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
}

impl From<SessionError> for Unreachable {
    fn from(error: SessionError) -> Self {
        Self(error.to_string())
    }
}
