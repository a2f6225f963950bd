//! What pays for deposits of one account: its tokens, and when more of them are fetched.
//!
//! Only memory: whoever changes tokens writes the purse to disk ([`crate::tokens`]) before a token
//! is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::token::Token;
use drops::wallet::{PurseError, PurseKey, Source, Tally, Wallet};
use mail::{Monotonic, PublicKey, Wall};

use crate::limits::{TOKENS_KEPT, TOKENS_LOW, TOKENS_PASSED, TOKENS_WANTED};

/// When tokens of a board are fetched.
struct Fetch {
    at: Monotonic,
    is_running: bool,
}

/// What to do about the tokens of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    /// There are enough, or some are on their way.
    Enough,
    /// They are fetched then.
    At(Monotonic),
    /// This many are to be fetched now.
    Fetch(usize),
}

/// The tokens of one account.
#[derive(Default)]
pub(crate) struct Purse {
    wallet: Wallet,
    /// When tokens that rested at the last look may be spent, and passed on.
    rests_until: Option<Wall>,
    /// Tokens being fetched or to be, by board.
    fetches: BTreeMap<BoardKey, Fetch>,
}

impl Purse {
    /// Puts back what was kept of one source and board.
    pub fn restore(&mut self, key: PurseKey, bytes: &[u8]) -> Result<(), PurseError> {
        self.wallet.restore(key, bytes)
    }

    /// What to keep of one source and board; None: nothing.
    pub fn document(&self, key: &PurseKey) -> Option<Vec<u8>> {
        self.wallet.purse(key)
    }

    /// Takes up to `count` tokens.
    pub fn take(&mut self, key: &PurseKey, count: usize, now: Wall) -> Vec<Token> {
        self.wallet.take(key, count, now)
    }

    /// Tokens that nobody was shown come back.
    pub fn put_back(&mut self, key: &PurseKey, tokens: Vec<Token>, now: Wall) {
        self.wallet.put_back(key, tokens, now);
    }

    /// Own tokens for a board.
    pub fn own(&self, board: BoardKey, now: Wall) -> usize {
        self.wallet.count(&(Source::Own, board), now)
    }

    /// Tokens that pay for a deposit to `recipient` on a board.
    pub fn for_deposit(&self, board: BoardKey, recipient: PublicKey, now: Wall) -> usize {
        self.own(board, now) + self.wallet.count(&(Source::Contact(recipient), board), now)
    }

    /// Takes own tokens for a contact that has `all` of a board, `lasting` of them beyond this
    /// period, and may get `most`: some stay, and what ends with this period is renewed only by
    /// what does not.
    pub fn pass_on(
        &mut self,
        board: BoardKey,
        (all, lasting): (usize, usize),
        most: usize,
        now: Wall,
    ) -> Vec<Token> {
        let key = (Source::Own, board);
        let spare = self.own(board, now).saturating_sub(TOKENS_KEPT);
        let have = if self.wallet.count_fresh(&key, now) > 0 { lasting } else { all };
        if have > TOKENS_PASSED / 2 {
            return vec![];
        }
        self.wallet.take_freshest(&key, (TOKENS_PASSED - have).min(spare).min(most), now)
    }

    /// A contact passed tokens on. Whether some of them are new.
    pub fn passed_on(&mut self, contact: PublicKey, board: BoardKey, tokens: Vec<Token>, now: Wall) -> bool {
        self.wallet.passed_on(contact, board, tokens, now)
    }

    /// Tokens came from a board, to be used after a rest.
    pub fn issued(&mut self, board: BoardKey, tokens: Vec<Token>, rest: Duration, now: Wall) {
        self.wallet.issued(board, tokens, rest, now);
    }

    /// What to do about a board's tokens. Tokens to fetch now count as being fetched from now on;
    /// `wait` is how long a fetch that was not planned yet is put off.
    pub fn supply(&mut self, board: BoardKey, (now, wall): (Monotonic, Wall), wait: Duration) -> Supply {
        let held = self.wallet.count_fresh(&(Source::Own, board), wall);
        if held >= TOKENS_LOW {
            return Supply::Enough;
        }
        let at = Monotonic(now.0.saturating_add(wait));
        let fetch = self.fetches.entry(board).or_insert(Fetch { at, is_running: false });
        if fetch.is_running {
            return Supply::Enough;
        }
        if fetch.at > now {
            return Supply::At(fetch.at);
        }
        fetch.is_running = true;
        Supply::Fetch(TOKENS_WANTED - held)
    }

    /// A fetch is over; where there are still too few, the next is then.
    pub fn fetched(&mut self, board: BoardKey, next: Monotonic, wall: Wall) {
        if self.wallet.count_fresh(&(Source::Own, board), wall) >= TOKENS_LOW {
            self.fetches.remove(&board);
        } else {
            self.fetches.insert(board, Fetch { at: next, is_running: false });
        }
    }

    /// Whether tokens have rested since the last look, and until when others do.
    pub fn rested(&mut self, wall: Wall) -> (bool, Option<Wall>) {
        let next = self.wallet.rests_until(wall);
        let before = std::mem::replace(&mut self.rests_until, next);
        (before.is_some_and(|at| at <= wall), next)
    }

    /// Removes tokens that are no longer worth anything, and gives the purses to write again.
    pub fn expire(&mut self, now: Wall) -> Vec<PurseKey> {
        self.wallet.expire(now)
    }

    /// How many tokens there are for a board, by source.
    pub fn tally(&self, board: BoardKey, now: Wall) -> impl Iterator<Item = (Source, Tally)> + '_ {
        self.wallet.tally(board, now)
    }

    /// Boards for which there are tokens, or were.
    pub fn boards(&self) -> impl Iterator<Item = BoardKey> + '_ {
        self.wallet.boards()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: BoardKey = PublicKey([1; 32]);

    fn at(seconds: u64) -> (Monotonic, Wall) {
        (Monotonic(Duration::from_secs(seconds)), Wall(1_795_349_568_000 + 1000 * seconds))
    }

    #[test]
    fn a_fetch_is_planned_begun_once_and_repeated_while_there_are_too_few() {
        let (mut purse, wait) = (Purse::default(), Duration::from_secs(10));
        assert_eq!(purse.supply(BOARD, at(0), wait), Supply::At(at(10).0));
        assert_eq!(purse.supply(BOARD, at(5), wait), Supply::At(at(10).0), "its time stays");
        assert_eq!(purse.supply(BOARD, at(10), wait), Supply::Fetch(TOKENS_WANTED));
        assert_eq!(purse.supply(BOARD, at(11), wait), Supply::Enough, "it is on its way");
        purse.fetched(BOARD, at(50).0, at(12).1);
        assert_eq!(purse.supply(BOARD, at(12), wait), Supply::At(at(50).0));
    }
}
