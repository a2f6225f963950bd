//! Tokens at hand, by board: fresh ones rest for a day, old ones are thrown away.

use std::collections::HashMap;
use std::time::Duration;

use mail::Wall;

use crate::cell::BoardKey;
use crate::limits::{DAY_SECONDS, WALLET_TOKENS};
use crate::mailbox::Period;
use crate::token::Token;

/// A token issued just now could be tied to its deposit by time alone.
const REST: Duration = Duration::from_secs(DAY_SECONDS);

/// The tokens of an account.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    tokens: HashMap<BoardKey, Vec<(Wall, Token)>>,
}

impl Wallet {
    /// Adds tokens that were issued, or came in a record, now. At most 512 are kept for a board.
    pub fn add(&mut self, board: BoardKey, tokens: impl IntoIterator<Item = Token>, now: Wall) {
        let held = self.tokens.entry(board).or_default();
        let room = WALLET_TOKENS.saturating_sub(held.len());
        held.extend(tokens.into_iter().take(room).map(|token| (now, token)));
    }

    /// Takes a token that may be spent now: a day old, of this period or the last.
    pub fn take(&mut self, board: &BoardKey, now: Wall) -> Option<Token> {
        let held = self.tokens.get_mut(board)?;
        let current = Period::at(now);
        held.retain(|(_, token)| token.period == current || token.period == current.previous());
        let rested = held.iter().position(|(since, _)| now.since(*since) >= REST)?;
        Some(held.swap_remove(rested).1)
    }

    /// Tokens held for a board, resting ones included.
    #[must_use]
    pub fn count(&self, board: &BoardKey) -> usize {
        self.tokens.get(board).map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use mail::PublicKey;

    use super::*;

    const BOARD: BoardKey = PublicKey([9; 32]);

    fn token(period: u32, byte: u8) -> Token {
        Token { period: Period(period), random: [byte; 32], output: [0; 64] }
    }

    #[test]
    fn tokens_rest_a_day_and_end_with_the_next_period() {
        let start = Period(2_950).begin();
        let mut wallet = Wallet::default();
        wallet.add(BOARD, [token(2_950, 1), token(2_950, 2)], start);
        assert_eq!(wallet.take(&BOARD, start.plus(REST - Duration::from_secs(1))), None);
        assert!(wallet.take(&BOARD, start.plus(REST)).is_some());
        assert_eq!(wallet.take(&PublicKey([8; 32]), start.plus(REST)), None, "another board's");
        assert_eq!(wallet.count(&BOARD), 1);
        assert_eq!(wallet.take(&BOARD, Period(2_952).begin()), None);
        assert_eq!(wallet.count(&BOARD), 0, "thrown away");
    }

    #[test]
    fn a_wallet_is_bounded() {
        let mut wallet = Wallet::default();
        wallet.add(BOARD, (0..3_000).map(|number| token(1, number as u8)), Wall(0));
        assert_eq!(wallet.count(&BOARD), WALLET_TOKENS);
    }
}
