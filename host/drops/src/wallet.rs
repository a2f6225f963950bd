//! Tokens at hand, by board and by where they came from.
//!
//! Tokens that a contact passed on are only for deposits to that contact: the contact knows these
//! tokens, and together with the board would learn of other deposits. Fresh tokens rest for a day,
//! old ones are thrown away. What was shown to a board, or passed on, is remembered as spent until
//! it is worth nothing: it is never used again, and never taken again from a record that repeats
//! it. The wallet is kept by its owner, purse by purse; a purse that says "spent" must be on disk
//! before the token is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use frame::{ReadError, Reader, Writer};
use mail::{PublicKey, Wall};

use crate::cell::BoardKey;
use crate::limits::{CONTACT_PURSES, CONTACT_TOKENS, SPENT_TOKENS, WALLET_TOKENS};
use crate::mailbox::Period;
use crate::token::Token;

/// The version of a purse's bytes.
const VERSION: u8 = 1;

/// Where tokens came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Issued for an own invitation: for deposits to anybody, and to be passed on.
    Own,
    /// Passed on in the mailbox record of this contact: for deposits to them.
    Contact(PublicKey),
}

/// The source and the board of a purse.
pub type PurseKey = (Source, BoardKey);

/// Why the bytes of a purse cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurseError {
    /// The bytes are damaged.
    #[error("the tokens are damaged: {0}")]
    Read(#[from] ReadError),
    /// The bytes are of a later version.
    #[error("the tokens were kept by a later version ({0})")]
    Version(u8),
}

/// How many tokens of one source there are for a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Good, to be spent at any time.
    pub ready: usize,
    /// Good, and resting.
    pub resting: usize,
    /// Spent or passed on, as far as that is remembered.
    pub gone: usize,
}

/// The tokens of one source for one board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Purse {
    /// Each with the time from which on it may be spent.
    held: Vec<(Wall, Token)>,
    /// Random parts of tokens that are gone, by period.
    spent: BTreeSet<(Period, [u8; 32])>,
}

/// The tokens of an account.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    purses: BTreeMap<PurseKey, Purse>,
}

fn is_good(period: Period, now: Wall) -> bool {
    let current = Period::at(now);
    period == current || period == current.previous()
}

impl Purse {
    /// Forgets tokens that are no longer worth anything. Spent marks stay a period longer: clocks
    /// may go back.
    fn expire(&mut self, now: Wall) {
        let oldest = Period::at(now).previous().previous();
        self.held.retain(|(_, token)| is_good(token.period, now));
        self.spent.retain(|(period, _)| *period >= oldest);
    }

    fn knows(&self, token: &Token) -> bool {
        self.spent.contains(&(token.period, token.random))
            || self.held.iter().any(|(_, held)| held.random == token.random)
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.spent.is_empty()
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        writer.u8(VERSION).u16(count(self.held.len()));
        for (from, token) in &self.held {
            writer.u64(from.0).raw(&token.to_bytes());
        }
        writer.u16(count(self.spent.len()));
        for (period, random) in &self.spent {
            writer.u32(period.0).raw(random);
        }
        // Both counts are bounded far below 65 535.
        writer.finish().unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Result<Self, PurseError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(PurseError::Version(version));
        }
        let mut purse = Self::default();
        for _ in 0..reader.u16("tokens")? {
            let from = Wall(reader.u64("time")?);
            purse.held.push((from, Token::from_bytes(&reader.array("token")?)));
        }
        for _ in 0..reader.u16("spent tokens")? {
            purse.spent.insert((Period(reader.u32("period")?), reader.array("random")?));
        }
        reader.finish()?;
        Ok(purse)
    }
}

impl Wallet {
    /// Adds own tokens that were issued now; they rest first ([`TOKEN_REST`](crate::limits::TOKEN_REST) is the rule), those of a board of one's own need not: nobody
    /// watches there. At most [`WALLET_TOKENS`] are held for a board.
    pub fn issued(&mut self, board: BoardKey, tokens: Vec<Token>, rest: Duration, now: Wall) {
        self.add((Source::Own, board), tokens, now.plus(rest), WALLET_TOKENS, now);
    }

    /// Adds tokens from the record of `contact`, as far as they are new here: they rested with the contact. At most
    /// [`CONTACT_TOKENS`] are held, for at most [`CONTACT_PURSES`] boards. True if some were added.
    pub fn passed_on(&mut self, contact: PublicKey, board: BoardKey, tokens: Vec<Token>, now: Wall) -> bool {
        let key = (Source::Contact(contact), board);
        if !self.purses.contains_key(&key) {
            self.purses.retain(|_, purse| {
                purse.expire(now);
                !purse.is_empty()
            });
            let of_contact = self.purses.keys().filter(|(source, _)| *source == key.0).count();
            if of_contact >= CONTACT_PURSES {
                return false;
            }
        }
        self.add(key, tokens, now, CONTACT_TOKENS, now)
    }

    fn add(&mut self, key: PurseKey, tokens: Vec<Token>, from: Wall, most: usize, now: Wall) -> bool {
        let purse = self.purses.entry(key).or_default();
        purse.expire(now);
        let before = purse.held.len();
        for token in tokens {
            let has_room = purse.held.len() < most && purse.spent.len() + purse.held.len() < SPENT_TOKENS;
            if has_room && is_good(token.period, now) && !purse.knows(&token) {
                purse.held.push((from, token));
            }
        }
        purse.held.len() > before
    }

    /// Takes up to `count` tokens that may be spent now, those that end first before others; they count as spent. Keep the purse
    /// on disk ([`Wallet::purse`]) before one of them is shown.
    pub fn take(&mut self, key: &PurseKey, count: usize, now: Wall) -> Vec<Token> {
        self.take_by(key, count, now, |token| token.period.0)
    }

    /// As [`Wallet::take`], but those that last longest: to be passed on.
    pub fn take_freshest(&mut self, key: &PurseKey, count: usize, now: Wall) -> Vec<Token> {
        self.take_by(key, count, now, |token| u32::MAX - token.period.0)
    }

    fn take_by(
        &mut self,
        key: &PurseKey,
        count: usize,
        now: Wall,
        order: impl Fn(&Token) -> u32,
    ) -> Vec<Token> {
        let Some(purse) = self.purses.get_mut(key) else { return vec![] };
        purse.expire(now);
        let mut taken = vec![];
        while taken.len() < count {
            let rested = purse.held.iter().enumerate().filter(|(_, (from, _))| *from <= now);
            let Some(at) = rested.min_by_key(|(_, (_, token))| order(token)).map(|(at, _)| at) else { break };
            let (_, token) = purse.held.swap_remove(at);
            purse.spent.insert((token.period, token.random));
            taken.push(token);
        }
        taken
    }

    /// Puts back tokens that were taken and shown to nobody.
    pub fn put_back(&mut self, key: &PurseKey, tokens: Vec<Token>, now: Wall) {
        let Some(purse) = self.purses.get_mut(key) else { return };
        for token in tokens {
            if purse.spent.remove(&(token.period, token.random)) {
                purse.held.push((now, token));
            }
        }
    }

    /// Tokens held for a board that are good now, resting ones included.
    #[must_use]
    pub fn count(&self, key: &PurseKey, now: Wall) -> usize {
        let held = self.purses.get(key).map(|purse| purse.held.iter());
        held.into_iter().flatten().filter(|(_, token)| is_good(token.period, now)).count()
    }

    /// Tokens held for a board that last as long as any can now: until the end of the next period.
    #[must_use]
    pub fn count_fresh(&self, key: &PurseKey, now: Wall) -> usize {
        let held = self.purses.get(key).map(|purse| purse.held.iter());
        held.into_iter().flatten().filter(|(_, token)| token.period == Period::at(now)).count()
    }

    /// What there is for a board, by where it came from.
    pub fn tally(&self, board: BoardKey, now: Wall) -> impl Iterator<Item = (Source, Tally)> + '_ {
        let purses = self.purses.iter().filter(move |((_, of), _)| *of == board);
        purses.map(move |((source, _), purse)| {
            let good = purse.held.iter().filter(|(_, token)| is_good(token.period, now));
            let (ready, resting): (Vec<_>, Vec<_>) = good.partition(|(from, _)| *from <= now);
            (*source, Tally { ready: ready.len(), resting: resting.len(), gone: purse.spent.len() })
        })
    }

    /// When the next of the own tokens that rest now may be spent.
    #[must_use]
    pub fn rests_until(&self, now: Wall) -> Option<Wall> {
        let own = self.purses.iter().filter(|((source, _), _)| *source == Source::Own);
        own.flat_map(|(_, purse)| &purse.held).map(|(from, _)| *from).filter(|from| *from > now).min()
    }

    /// Boards for which there are tokens, or were. One may come several times.
    pub fn boards(&self) -> impl Iterator<Item = BoardKey> + '_ {
        self.purses.keys().map(|(_, board)| *board)
    }

    /// The purse in the form that is kept; None if it is empty.
    #[must_use]
    pub fn purse(&self, key: &PurseKey) -> Option<Vec<u8>> {
        self.purses.get(key).filter(|purse| !purse.is_empty()).map(Purse::encode)
    }

    /// Puts a purse back that was kept.
    ///
    /// # Errors
    /// [`PurseError`]; the wallet stays as it was.
    pub fn restore(&mut self, key: PurseKey, bytes: &[u8]) -> Result<(), PurseError> {
        self.purses.insert(key, Purse::decode(bytes)?);
        Ok(())
    }

    /// Forgets tokens that are no longer worth anything. Returns the purses that are empty now:
    /// erase what was kept of them.
    pub fn expire(&mut self, now: Wall) -> Vec<PurseKey> {
        self.purses.values_mut().for_each(|purse| purse.expire(now));
        let empty = self.purses.iter().filter(|(_, purse)| purse.is_empty());
        let empty: Vec<PurseKey> = empty.map(|(key, _)| *key).collect();
        for key in &empty {
            self.purses.remove(key);
        }
        empty
    }
}

#[cfg(test)]
mod tests;
