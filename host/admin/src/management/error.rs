//! Why a verb was not done.

/// Why the gateway did not do what was asked. The text is for the user: what is wrong and what to do;
/// never a secret, never mail text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagementError {
    /// No such account, contact, mail, component: 404.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, or its state forbids this: 409.
    #[error("{0}")]
    Conflict(String),
    /// The request is well formed but cannot be done as asked (a component that does not fit its
    /// slot, an address that leads to nobody): 422.
    #[error("{0}")]
    Unprocessable(String),
    /// Larger than this gateway takes, or no room for one more: 413.
    #[error("{0}")]
    TooLarge(String),
    /// Not now (no network, DNS silent, disk full): 503, worth trying again.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of the gateway itself: 500. Logged; the text is shown too.
    #[error("{0}")]
    Internal(String),
}

/// Result of every management call.
pub type Result<T> = std::result::Result<T, ManagementError>;
