//! What friends send each other over a session, losslessly: `[1 id][content]`; ids are in
//! [`super::id`].

mod file;

pub use file::{FileAction, FileControl, FileOffer, FilePiece, FileSide};

use crate::address::Node;
use crate::limits;
use crate::packet::id;
use crate::tox_id::Nospam;
use crate::wire::{Codec, List, ParseError, Piece, Reader, Writer, within};

/// The text of a friend request within a session.
pub type RequestText<'a> = Piece<'a, 1, { limits::SESSION_REQUEST_BYTES }>;
/// A name.
pub type Name<'a> = Piece<'a, 0, { limits::NAME_BYTES }>;
/// A status message.
pub type StatusMessage<'a> = Piece<'a, 0, { limits::STATUS_MESSAGE_BYTES }>;
/// A message or an action.
pub type Message<'a> = Piece<'a, 1, { limits::MESSAGE_BYTES }>;
/// The content of a custom packet.
pub type CustomContent<'a> = Piece<'a, 0, { limits::MESSAGE_BYTES }>;

/// What somebody says to be doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// 0
    #[default]
    Available,
    /// 1
    Away,
    /// 2
    Busy,
}

impl Status {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Available),
            1 => Some(Self::Away),
            2 => Some(Self::Busy),
            _ => None,
        }
    }

    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Available => 0,
            Self::Away => 1,
            Self::Busy => 2,
        }
    }
}

/// A packet to or from a friend. Others, such as those of conferences and calls, are not known
/// here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FriendPacket<'a> {
    /// 16: the sender is still there.
    Alive,
    /// 17, `[packed nodes]`: TCP relays where the sender can be reached.
    ShareRelays(List<Node, { limits::SHARED_RELAYS }>),
    /// 18, `[4 nospam][text]`: a friend request from somebody we have a session with.
    Request {
        /// As it stands in the receiver's Tox ID.
        nospam: Nospam,
        /// What the sender writes.
        text: RequestText<'a>,
    },
    /// 24: messenger packets are taken from now on. C drops all that come before it.
    Online,
    /// 25: they no longer are.
    Offline,
    /// 48
    Name(Name<'a>),
    /// 49
    StatusMessage(StatusMessage<'a>),
    /// 50, `[1 status]`
    Status(Status),
    /// 51, `[1 typing]`: every byte but zero is yes; it is written as one.
    Typing(bool),
    /// 64
    Message(Message<'a>),
    /// 65
    Action(Message<'a>),
    /// 80
    FileOffer(FileOffer<'a>),
    /// 81
    FileControl(FileControl),
    /// 82
    FilePiece(FilePiece<'a>),
    /// 160 to 191: what programs agree on.
    Custom {
        /// The id.
        id: CustomId,
        /// What follows it.
        content: CustomContent<'a>,
    },
}

/// The id of a custom lossless packet: 160 to 191.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomId(u8);

impl CustomId {
    /// The id with this number.
    ///
    /// # Errors
    /// It is not from 160 to 191.
    pub fn new(number: u8) -> Result<Self, ParseError> {
        if !(id::CUSTOM_FIRST..=id::CUSTOM_LAST).contains(&number) {
            return Err(ParseError::Value { what: "the id", value: number.into() });
        }
        Ok(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl<'a> FriendPacket<'a> {
    /// Reads the data of a lossless packet, its id included.
    ///
    /// # Errors
    /// It is of an unknown id, or in another form than its id's.
    pub fn parse(data: &'a [u8]) -> Result<Self, ParseError> {
        within("the data", data.len(), &(1..=limits::DATA_BYTES))?;
        let mut reader = Reader::new(data);
        let packet = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(packet)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Ok(match reader.u8("the id")? {
            id::ALIVE => Self::Alive,
            id::SHARE_RELAYS => Self::ShareRelays(List::read(reader)?),
            id::FRIEND_REQUEST => {
                Self::Request { nospam: Nospam::read(reader)?, text: Piece::new(reader.rest())? }
            }
            id::ONLINE => Self::Online,
            id::OFFLINE => Self::Offline,
            id::NAME => Self::Name(Piece::new(reader.rest())?),
            id::STATUS_MESSAGE => Self::StatusMessage(Piece::new(reader.rest())?),
            id::STATUS => {
                let byte = reader.u8("the status")?;
                let unknown = ParseError::Value { what: "the status", value: byte.into() };
                Self::Status(Status::from_byte(byte).ok_or(unknown)?)
            }
            id::TYPING => Self::Typing(reader.u8("whether somebody is typing")? != 0),
            id::MESSAGE => Self::Message(Piece::new(reader.rest())?),
            id::ACTION => Self::Action(Piece::new(reader.rest())?),
            id::FILE_OFFER => Self::FileOffer(FileOffer::read(reader)?),
            id::FILE_CONTROL => Self::FileControl(FileControl::read(reader)?),
            id::FILE_DATA => Self::FilePiece(FilePiece::read(reader)?),
            number => Self::Custom { id: CustomId::new(number)?, content: Piece::new(reader.rest())? },
        })
    }

    /// Appends it.
    pub fn write(&self, writer: &mut Writer) {
        match self {
            Self::Alive => writer.u8(id::ALIVE),
            Self::ShareRelays(relays) => writer.u8(id::SHARE_RELAYS).value(relays),
            Self::Request { nospam, text } => writer.u8(id::FRIEND_REQUEST).value(nospam).raw(text),
            Self::Online => writer.u8(id::ONLINE),
            Self::Offline => writer.u8(id::OFFLINE),
            Self::Name(name) => writer.u8(id::NAME).raw(name),
            Self::StatusMessage(message) => writer.u8(id::STATUS_MESSAGE).raw(message),
            Self::Status(status) => writer.u8(id::STATUS).u8(status.byte()),
            Self::Typing(typing) => writer.u8(id::TYPING).u8(u8::from(*typing)),
            Self::Message(message) => writer.u8(id::MESSAGE).raw(message),
            Self::Action(action) => writer.u8(id::ACTION).raw(action),
            Self::FileOffer(offer) => offer.write(writer.u8(id::FILE_OFFER)),
            Self::FileControl(control) => writer.u8(id::FILE_CONTROL).value(control),
            Self::FilePiece(piece) => piece.write(writer.u8(id::FILE_DATA)),
            Self::Custom { id, content } => writer.u8(id.0).raw(content),
        };
    }

    /// Its bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }
}
