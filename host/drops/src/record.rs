//! Mailbox records: everything needed to write to somebody.
//!
//! Sent in `hello` and in every mail and acknowledgement. Accepted only from the one it is about, and only if newer than
//! the one held.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version, 1 or 2 |
//! | 8 | made at, milliseconds since 1970 UTC |
//! | 38 | Tox ID |
//! | 1 | keys that follow, 1 or 2 |
//! | 36 each | period, mailbox key |
//! | 1 | boards that follow, 0 to 8 |
//! | 32 each | board's Tox public key |
//! | 1 | tokens that follow, 0 to 64 |
//! | 101 each | number of the board among those above, token |
//! | 1 | version 2 only: owners' marks that follow, 1 to 8 |
//! | 9 each | number of the board, larger each time; mark of its owner |
//!
//! A record that names no owner is written as version 1, which is all that gateways before version 2 read.

use frame::{ReadError, Reader};
use mail::{PublicKey, ToxId, Wall};

use crate::cell::BoardKey;
use crate::limits::{CLOCK_SKEW, RECORD_BOARDS, RECORD_TOKENS};
use crate::mailbox::Period;
use crate::point::Point;
use crate::token::Token;

/// The version without owners.
const PLAIN: u8 = 1;
/// The version with them.
const WITH_OWNERS: u8 = 2;

/// Marks the boards of one owner: random, the same for all of them. Says nothing about who that is; boards with the same mark are
/// likely to fail together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerMark(pub [u8; 8]);

impl std::fmt::Display for OwnerMark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016X}", u64::from_be_bytes(self.0))
    }
}

/// A text that is not the mark of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mark of an owner is 16 hex digits")]
pub struct InvalidOwnerMark;

impl std::str::FromStr for OwnerMark {
    type Err = InvalidOwnerMark;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
        number.map(|number| Self(number.to_be_bytes())).ok_or(InvalidOwnerMark)
    }
}

/// Everything needed to write to somebody by drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxRecord {
    /// When its owner made it.
    pub made: Wall,
    /// The Tox ID of the recipient it is about.
    pub owner: ToxId,
    /// Mailbox keys with their periods, earliest first: current and next.
    pub keys: Vec<(Period, Point)>,
    /// Boards its owner reads.
    pub boards: Vec<BoardKey>,
    /// Tokens for deposits on those boards.
    pub tokens: Vec<(BoardKey, Token)>,
    /// Marks of the boards' owners, as far as known, in the order of the boards.
    pub owners: Vec<(BoardKey, OwnerMark)>,
}

/// Why a record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record is damaged.
    #[error("the mailbox record is damaged: {0}")]
    Read(#[from] ReadError),
    /// A later version.
    #[error("the mailbox record has version {0}, which this gateway does not know")]
    Version(u8),
    /// The Tox ID's checksum is wrong.
    #[error("the Tox ID in the mailbox record is wrong")]
    ToxId,
    /// No key, too many, or out of order.
    #[error("a mailbox record has one or two keys, earliest first")]
    Keys,
    /// A token for a board it does not name.
    #[error("the mailbox record has a token for a board it does not name")]
    Token,
    /// A mark for a board it does not name, or out of order.
    #[error("the owners in the mailbox record are not in the order of its boards")]
    Owner,
    /// A list over its bound.
    #[error("a mailbox record names at most 8 boards and 64 tokens")]
    TooMany,
    /// It is about somebody else.
    #[error("a mailbox record about somebody else is not taken")]
    NotOwner,
    /// Made in the future.
    #[error("the mailbox record was made in the future: one of the two clocks is wrong")]
    Future,
    /// Not newer than the one held.
    #[error("an older mailbox record than the one known")]
    Older,
}

impl MailboxRecord {
    /// The bytes.
    ///
    /// # Errors
    /// [`RecordError::Keys`], [`RecordError::TooMany`], [`RecordError::Token`], [`RecordError::Owner`] where it is not as a record must
    /// be.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        check_keys(&self.keys)?;
        if self.boards.len() > RECORD_BOARDS || self.tokens.len() > RECORD_TOKENS {
            return Err(RecordError::TooMany);
        }
        let mut writer = frame::Writer::new();
        let version = if self.owners.is_empty() { PLAIN } else { WITH_OWNERS };
        writer.u8(version).u64(self.made.0).raw(&self.owner.to_bytes()).count(self.keys.len());
        for (period, point) in &self.keys {
            writer.u32(period.0).raw(&point.0);
        }
        writer.count(self.boards.len());
        for board in &self.boards {
            writer.raw(&board.0);
        }
        writer.count(self.tokens.len());
        for (board, token) in &self.tokens {
            let number = self.boards.iter().position(|named| named == board).ok_or(RecordError::Token)?;
            writer.count(number).raw(&token.to_bytes());
        }
        if version == WITH_OWNERS {
            writer.count(self.owners.len());
        }
        let mut last = None;
        for (board, mark) in &self.owners {
            let number = self.boards.iter().position(|named| named == board).ok_or(RecordError::Owner)?;
            if last >= Some(number) {
                return Err(RecordError::Owner);
            }
            last = Some(number);
            writer.count(number).raw(&mark.0);
        }
        writer.finish().map_err(|_| RecordError::TooMany)
    }

    /// Reads a record. Whether to take it is [`MailboxRecord::accept`]'s question.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8("version")?;
        if !matches!(version, PLAIN | WITH_OWNERS) {
            return Err(RecordError::Version(version));
        }
        let made = Wall(reader.u64("time")?);
        let owner = ToxId::from_bytes(&reader.array("Tox ID")?).map_err(|_| RecordError::ToxId)?;
        let keys = (0..reader.count("keys", 2)?)
            .map(|_| Ok((Period(reader.u32("period")?), Point(reader.array("mailbox key")?))))
            .collect::<Result<Vec<_>, ReadError>>()?;
        check_keys(&keys)?;
        let boards = (0..reader.count("boards", RECORD_BOARDS)?)
            .map(|_| Ok(PublicKey(reader.array("board")?)))
            .collect::<Result<Vec<_>, ReadError>>()?;
        let tokens = (0..reader.count("tokens", RECORD_TOKENS)?)
            .map(|_| {
                let number = usize::from(reader.u8("board of a token")?);
                let board = *boards.get(number).ok_or(RecordError::Token)?;
                Ok((board, Token::from_bytes(&reader.array("token")?)))
            })
            .collect::<Result<Vec<_>, RecordError>>()?;
        let owners = if version == WITH_OWNERS { read_owners(&mut reader, &boards)? } else { vec![] };
        reader.finish()?;
        Ok(Self { made, owner, keys, boards, tokens, owners })
    }

    /// Whether this record, received from `sender`, replaces `held`.
    ///
    /// # Errors
    /// [`RecordError::NotOwner`], [`RecordError::Future`], [`RecordError::Older`].
    pub fn accept(&self, sender: &PublicKey, held: Option<&Self>, now: Wall) -> Result<(), RecordError> {
        if self.owner.key != *sender {
            return Err(RecordError::NotOwner);
        }
        let latest = now.plus(CLOCK_SKEW);
        if self.made > latest {
            return Err(RecordError::Future);
        }
        // One from the future was taken while the clock here was ahead: it would keep out all others for as long as it was.
        if held.filter(|held| held.made <= latest).is_some_and(|held| held.made >= self.made) {
            return Err(RecordError::Older);
        }
        Ok(())
    }
}

fn read_owners(
    reader: &mut Reader<'_>,
    boards: &[BoardKey],
) -> Result<Vec<(BoardKey, OwnerMark)>, RecordError> {
    let mut owners = vec![];
    let mut last = None;
    for _ in 0..reader.count("owners", RECORD_BOARDS)? {
        let number = usize::from(reader.u8("board of an owner")?);
        let board = *boards.get(number).filter(|_| last < Some(number)).ok_or(RecordError::Owner)?;
        if boards.iter().position(|named| *named == board) != Some(number) {
            return Err(RecordError::Owner);
        }
        last = Some(number);
        owners.push((board, OwnerMark(reader.array("mark")?)));
    }
    if owners.is_empty() { Err(RecordError::Owner) } else { Ok(owners) }
}

fn check_keys(keys: &[(Period, Point)]) -> Result<(), RecordError> {
    let in_order = match keys {
        [_] => true,
        [first, second] => first.0 < second.0,
        _ => false,
    };
    if in_order { Ok(()) } else { Err(RecordError::Keys) }
}

/// The key a mail is sealed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealTo {
    /// A mailbox key whose period has not ended.
    Mailbox(Period, Point),
    /// The Tox key: at first contact, or if both mailbox keys have ended. There is no forward
    /// secrecy.
    FirstContact(Point),
}

impl SealTo {
    /// The key for a mail to `recipient`: current period, else next, else the Tox key.
    #[must_use]
    pub fn choose(recipient: &PublicKey, record: Option<&MailboxRecord>, now: Wall) -> Self {
        record
            .and_then(|record| record.keys.iter().find(|(period, _)| period.end() > now))
            .map_or(Self::FirstContact(Point(recipient.0)), |(period, point)| Self::Mailbox(*period, *point))
    }

    /// The key itself.
    #[must_use]
    pub fn point(&self) -> Point {
        match self {
            Self::Mailbox(_, point) | Self::FirstContact(point) => *point,
        }
    }
}

#[cfg(test)]
mod tests;
