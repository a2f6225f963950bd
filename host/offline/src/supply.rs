//! How many deposit tokens there are for a board: for people, who otherwise could not tell what pays for their deposits.

use drops::cell::BoardKey;
use drops::wallet::{Source, Tally};
use mail::Wall;

use crate::shared::{AccountState, State};

/// The deposit tokens for one board, those of all accounts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenSupply {
    /// Own ones that may be spent now, on mail to anybody: fetched with an invitation, or from the
    /// board served here.
    pub own: usize,
    /// Own ones that were fetched lately and rest first.
    pub own_resting: usize,
    /// Own ones that are gone: spent, or passed on. Remembered for two to three weeks.
    pub own_gone: usize,
    /// From contacts, in their mailbox records: each pays for mail to that contact.
    pub from_contacts: usize,
    /// Tokens from contacts that are spent. They are remembered for two to three weeks.
    pub from_contacts_gone: usize,
    /// Passed on to contacts, and not known to be spent by them.
    pub with_contacts: usize,
}

impl TokenSupply {
    fn add(&mut self, account: &AccountState, board: BoardKey, now: Wall) {
        for (source, tally) in account.purse.tally(board, now) {
            let Tally { ready, resting, gone } = tally;
            match source {
                Source::Own => {
                    self.own += ready;
                    self.own_resting += resting;
                    self.own_gone += gone;
                }
                Source::Contact(_) => {
                    self.from_contacts += ready + resting;
                    self.from_contacts_gone += gone;
                }
            }
        }
        self.with_contacts += account.given.values().map(|given| given.held(board, now)).sum::<usize>();
    }
}

impl State {
    /// The tokens for a board.
    pub fn supply(&self, board: BoardKey, now: Wall) -> TokenSupply {
        let mut supply = TokenSupply::default();
        self.accounts.values().for_each(|account| supply.add(account, board, now));
        supply
    }

    /// Boards for which there are tokens, or were.
    pub fn supplied(&self) -> impl Iterator<Item = BoardKey> + '_ {
        self.accounts.values().flat_map(|account| account.purse.boards())
    }
}
