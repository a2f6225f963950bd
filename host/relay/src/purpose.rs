//! What sessions are for.

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
