//! How many deposit tokens there are for a board.

/// The deposit tokens for one board, those of all accounts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenSupply {
    /// Own ones that may be spent now, on mail to anybody: fetched with an invitation, or from the board served here.
    pub own: usize,
    /// Own ones that were fetched lately and rest first.
    pub own_resting: usize,
    /// Own ones that are gone: spent, or passed on. Remembered for two to three weeks.
    pub own_gone: usize,
    /// From contacts, in their mailbox records: each pays for mail to that contact.
    pub from_contacts: usize,
    /// Of those, spent. Remembered for two to three weeks.
    pub from_contacts_gone: usize,
    /// Passed on to contacts, and not known to be spent by them.
    pub with_contacts: usize,
}
