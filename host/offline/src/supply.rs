//! How many deposit tokens there are for a board: for people, who otherwise could not tell what pays for their deposits.

use drops::cell::BoardKey;
use drops::wallet::{Source, Tally};
use mail::Wall;

use crate::shared::{AccountState, State};
use crate::token_supply::TokenSupply;

impl TokenSupply {
    fn add(&mut self, account: &AccountState, board: BoardKey, now: Wall) {
        for (source, tally) in account.wallet.tally(board, now) {
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
        self.accounts.values().flat_map(|account| account.wallet.boards())
    }
}
