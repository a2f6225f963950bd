//! Mailbox records as they were made and given last.

use drops::cell::BoardKey;
use drops::mailbox::Period;
use drops::token::Token;
use mail::Wall;
use serde::{Deserialize, Serialize};

use crate::limits::TOKENS_PASSED;

/// What the last own record was, so that a new one is made only when something changed, and never looks older.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnRecord {
    pub made: Wall,
    pub bytes: Vec<u8>,
}

impl OwnRecord {
    pub fn bytes(&self) -> Option<Vec<u8>> {
        Some(self.bytes.clone()).filter(|bytes| !bytes.is_empty())
    }
}

/// What a contact was given last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// The own record it was made from.
    pub base: Wall,
    pub made: Wall,
    pub bytes: Vec<u8>,
    /// Tokens they are believed to hold.
    pub tokens: Vec<(BoardKey, Vec<u8>)>,
    /// How many they were passed, in which period.
    pub passed: u32,
    pub period: u32,
}

impl Given {
    /// Tokens for a board that they are believed to hold.
    pub fn held(&self, board: BoardKey, now: Wall) -> usize {
        self.tokens.iter().filter(|(named, bytes)| *named == board && is_good(bytes, now)).count()
    }

    /// Adds tokens for a board; the newest stay.
    pub fn add(&mut self, board: BoardKey, tokens: &[Token]) {
        let fresh = tokens.iter().map(|token| (board, token.to_bytes().to_vec()));
        let (mut of_board, others): (Vec<_>, Vec<_>) =
            self.tokens.drain(..).partition(|(named, _)| *named == board);
        of_board.extend(fresh);
        let surplus = of_board.len().saturating_sub(TOKENS_PASSED);
        of_board.drain(..surplus);
        self.tokens = others;
        self.tokens.extend(of_board);
    }
}

pub(crate) fn token(bytes: &[u8]) -> Option<Token> {
    bytes.try_into().ok().map(Token::from_bytes)
}

pub(crate) fn is_good(bytes: &[u8], now: Wall) -> bool {
    let oldest = Period::at(now).previous();
    token(bytes).is_some_and(|token| token.period >= oldest)
}
