//! Friends in saved data: 2 216 bytes each, most of them unused.
//!
//! `[1 state][32 key][1024 request][1][2 its length][128 name][2 its length][1007 status
//! message][1][2 its length] [1 status][3][4 nospam][8 last seen]`; numbers are big-endian, the
//! lone bytes align C's numbers.

use crate::key::PublicKey;
use crate::limits;
use crate::packet::messenger::Status;
use crate::tox_id::Nospam;
use crate::wire::{Codec, ParseError, Reader, Text, Writer};

/// Not a friend: the place is empty.
const NOBODY: u8 = 0;
/// A request is to be sent.
const ADDED: u8 = 1;
/// A request was sent.
const REQUESTED: u8 = 2;
/// Both are friends. C writes no higher number, but reads them as this.
const CONFIRMED: u8 = 3;

/// A friend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friend {
    /// Their real key.
    pub key: PublicKey,
    /// How far it has come.
    pub state: FriendState,
}

/// How far a friendship has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FriendState {
    /// They have not answered our request.
    Requested {
        /// Whether it was sent at least once.
        sent: bool,
        /// As it stands in their Tox ID.
        nospam: Nospam,
        /// What we wrote.
        text: Text<{ limits::SAVED_REQUEST_BYTES }>,
    },
    /// They are friends.
    Confirmed {
        /// The name they gave themselves.
        name: Text<{ limits::NAME_BYTES }>,
        /// Their status message.
        status_message: Text<{ limits::STATUS_MESSAGE_BYTES }>,
        /// Their status when they were last seen.
        status: Status,
        /// When that was, in Unix seconds; zero if never.
        last_seen: u64,
    },
}

impl Friend {
    /// Bytes of each.
    pub(super) const BYTES: usize = 2216;

    pub(super) fn write(&self, writer: &mut Writer) {
        let start = writer.len();
        match &self.state {
            FriendState::Requested { sent, nospam, text } => {
                writer.u8(if *sent { REQUESTED } else { ADDED }).value(&self.key);
                write_text::<{ limits::SAVED_REQUEST_BYTES }>(text, 1, writer);
                write_text::<{ limits::NAME_BYTES }>(&[], 0, writer);
                write_text::<{ limits::STATUS_MESSAGE_BYTES }>(&[], 1, writer);
                writer.zeros(1 + 3).value(nospam).u64(0);
            }
            FriendState::Confirmed { name, status_message, status, last_seen } => {
                writer.u8(CONFIRMED).value(&self.key);
                write_text::<{ limits::SAVED_REQUEST_BYTES }>(&[], 1, writer);
                write_text::<{ limits::NAME_BYTES }>(name, 0, writer);
                write_text::<{ limits::STATUS_MESSAGE_BYTES }>(status_message, 1, writer);
                writer.u8(status.byte()).zeros(3 + 4).u64(*last_seen);
            }
        }
        debug_assert_eq!(writer.len() - start, Self::BYTES);
    }

    /// None for an empty place.
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, ParseError> {
        let state = reader.u8("the state of a friend")?;
        let key = PublicKey::read(reader)?;
        let text = read_text(1, reader)?;
        let name = read_text(0, reader)?;
        let status_message = read_text(1, reader)?;
        let status = Status::from_byte(reader.u8("the status of a friend")?).unwrap_or_default();
        reader.take("padding", 3)?;
        let nospam = Nospam::read(reader)?;
        let last_seen = reader.u64("when a friend was seen")?;
        let state = match state {
            NOBODY => return Ok(None),
            ADDED | REQUESTED => FriendState::Requested { sent: state == REQUESTED, nospam, text },
            _ => FriendState::Confirmed { name, status_message, status, last_seen },
        };
        Ok(Some(Self { key, state }))
    }
}

/// Reads a section of friends.
pub(super) fn read_all(content: &[u8], friends: &mut Vec<Friend>) -> Result<(), ParseError> {
    let mut reader = Reader::new(content);
    while reader.remaining() > 0 {
        friends.extend(Friend::read(&mut reader)?);
    }
    Ok(())
}

/// Text in a room of its own, `gap` bytes, its length. A length over the room means nothing, so
/// there is no text.
fn read_text<const ROOM: usize>(gap: usize, reader: &mut Reader<'_>) -> Result<Text<ROOM>, ParseError> {
    let room = reader.take("a text of a friend", ROOM)?;
    reader.take("padding", gap)?;
    let length = usize::from(reader.u16("the length of a text")?);
    Text::new(room.get(..length).unwrap_or_default())
}

fn write_text<const ROOM: usize>(text: &[u8], gap: usize, writer: &mut Writer) {
    // The rooms are 1 024 bytes at most.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    writer.raw(text).zeros(ROOM.saturating_sub(text.len()) + gap).u16(length);
}
