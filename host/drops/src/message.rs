//! The messages between a board and its clients: carried in `frame` over a Tox friend connection.
//!
//! The tables of kinds, fields and refusals are in the specification (PROTOCOL.md, "Messages").

use bytes::Bytes;
use frame::{PacketId, ReadError, Reader, Writer};
use mail::Wall;

use crate::admission::Admission;
use crate::cell::{Cell, Name};
use crate::limits::{CELL_BYTES, ISSUE_TOKENS, MESSAGE_BYTES, REFUSAL_BYTES, VERSION};
use crate::mailbox::Period;
use crate::stamp::Stamp;
use crate::token::{Element, ProofBytes, Token};
use crate::ttl::Ttl;

/// The Tox custom packet id of drop messages; 160 to 191 are lossless.
#[must_use]
pub fn packet_id() -> PacketId {
    // In range; the test below holds it.
    PacketId::new(181).unwrap_or_else(|_| unreachable!())
}

/// The number a client gave its request.
pub type RequestId = u32;

/// What an invitation to a board's tokens is shown by.
pub type InvitationCode = [u8; 16];

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// What the board is like.
    Info,
    /// Hold a cell.
    Deposit {
        /// How long the cell is to be held.
        ttl: Ttl,
        /// What the depositor shows.
        admission: Admission,
        /// The cell.
        cell: Cell,
    },
    /// All cells of a closed segment.
    Read {
        /// Its number.
        segment: u32,
    },
    /// The open segment, then every cell as it comes.
    Follow,
    /// Tokens for an invited member.
    Issue {
        /// The issuing key's period.
        period: Period,
        /// The invitation.
        invitation: InvitationCode,
        /// Blinded inputs.
        blinded: Vec<Element>,
    },
    /// Claim one of the sessions kept for token holders.
    Enter {
        /// Spent by this.
        token: Token,
    },
}

/// What `info` says: the same for everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardInfo {
    /// Protocol version.
    pub version: u8,
    /// The board's day.
    pub day: u32,
    /// Cells taken today.
    pub today: u32,
    /// Cells the board takes a day.
    pub day_cells: u32,
    /// How full it is, percent.
    pub fill: u8,
    /// Full until then, at least; zero: not full.
    pub full_until: Wall,
    /// Bits of a stamp now, by ttl class.
    pub stamp_bits: [u8; 4],
    /// The oldest segment that can be read.
    pub oldest: u32,
    /// The last closed segment; 0 before the first one closed.
    pub last: u32,
    /// Its hash; all zero before the first one closed.
    pub last_hash: [u8; 32],
    /// Issuing keys of the current period and the next.
    pub keys: [(Period, Element); 2],
}

/// A board's word that it has a cell durably and will hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The cell.
    pub name: Name,
    /// The segment it will be read in.
    pub segment: u32,
    /// Held at least until then (whole seconds).
    pub until: Wall,
}

/// The ttl classes that a segment still has: classes below this number are gone, and 4 means that
/// nothing is left.
pub type Edition = u8;

/// An answer of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The answer to `Info`.
    Info(Box<BoardInfo>),
    /// The answer to `Deposit`.
    Receipt(Receipt),
    /// A segment begins.
    Begin {
        /// Its number.
        segment: u32,
        /// Its edition.
        edition: Edition,
        /// Its cells; none for the open segment.
        count: Option<u16>,
    },
    /// A cell of the segment begun.
    Cell {
        /// How long it is held.
        ttl: Ttl,
        /// The cell.
        cell: Cell,
    },
    /// The segment is complete.
    End {
        /// Its number.
        segment: u32,
        /// Its hash.
        hash: [u8; 32],
    },
    /// The answer to `Issue`.
    Issued {
        /// Evaluated elements, in the order of the request.
        evaluated: Vec<Element>,
        /// Proof that the published key was used.
        proof: ProofBytes,
    },
    /// The answer to `Enter`.
    Entered,
    /// The request is refused.
    Refused(Refusal),
}

/// Why a board refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be read.
    #[error("the board could not read the request: {0}")]
    Malformed(String),
    /// Another protocol version.
    #[error("the board speaks protocol version {0} only")]
    Version(u8),
    /// Too many requests wait, or the session did its share.
    #[error("the board is busy; try again in {0} s")]
    Busy(u32),
    /// No room for this admission.
    #[error("the board is full until {} s after 1970", .0.seconds())]
    Full(Wall),
    /// `E` is of low order.
    #[error("the cell's point is not valid")]
    Point,
    /// Another cell has this `E`.
    #[error("another cell with this point is held; seal again with a fresh one")]
    NameTaken,
    /// The stamp is worth less than needed.
    #[error("the stamp is too cheap now, {0} bits are needed")]
    StampBits(u8),
    /// The stamp is not of today, give or take a day.
    #[error("the stamp is of another day; make a new one")]
    StampDay,
    /// The stamp's segment is not one closed lately.
    #[error("the stamp names a segment that did not close lately; ask for info and make a new one")]
    StampSegment,
    /// Not a token of this board and a period it takes.
    #[error("the token is not valid here and now")]
    Token,
    /// The token was spent before.
    #[error("the token was spent before")]
    TokenSpent,
    /// The segment is open or in the future.
    #[error("this segment is not closed yet; the last closed one is {0}")]
    SegmentFuture(u32),
    /// The segment is no longer held.
    #[error("this segment is no longer held; the oldest is {0}")]
    SegmentGone(u32),
    /// The reader was too slow to follow.
    #[error("too slow to follow; read the closed segments")]
    TooSlow,
    /// Not an invitation of this board.
    #[error("the invitation is not valid; ask the board's owner for a new one")]
    Invitation,
    /// The invitation gave all its tokens of this period.
    #[error("the invitation gave all its tokens of this week")]
    InvitationSpent,
    /// The board's owner does not want it.
    #[error("the board's owner refuses this: {0}")]
    Policy(String),
    /// The board cannot store anything now.
    #[error("the board has trouble with its disk; try another one")]
    Trouble,
    /// All open sessions are taken: enter with a token.
    #[error("all open sessions are taken; enter with a token or come later")]
    Sessions,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than any message.
    #[error("a message of {0} bytes is longer than any may be")]
    TooLong(usize),
    /// A client of another protocol version.
    #[error("protocol version {0} is not spoken here")]
    Version(u8),
    /// Unknown kind.
    #[error("unknown message kind {0}")]
    Kind(u8),
    /// A field out of bounds.
    #[error("{0} is out of bounds")]
    Bounds(&'static str),
    /// The message is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Marks an open segment, in the place of a count.
const OPEN: u16 = u16::MAX;

impl Request {
    /// The message.
    #[must_use]
    pub fn encode(&self, id: RequestId) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Info => writer.u8(1).u32(id).u8(VERSION),
            Self::Deposit { ttl, admission, cell } => {
                writer.u8(2).u32(id).u8(ttl.class());
                write_admission(&mut writer, admission);
                writer.raw(cell.bytes())
            }
            Self::Read { segment } => writer.u8(3).u32(id).u32(*segment),
            Self::Follow => writer.u8(4).u32(id),
            Self::Issue { period, invitation, blinded } => {
                writer.u8(5).u32(id).u32(period.0).raw(invitation).count(blinded.len());
                blinded.iter().for_each(|element| {
                    writer.raw(element);
                });
                &mut writer
            }
            Self::Enter { token } => writer.u8(6).u32(id).raw(&token.to_bytes()),
        };
        finish(writer)
    }

    /// Reads a message from a client. The number is given even if the rest is not a request, so
    /// that a refusal reaches the client.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(message: &Bytes) -> (RequestId, Result<Self, MessageError>) {
        let mut reader = Reader::new(message);
        let head = (|| Ok((reader.u8("kind")?, reader.u32("request number")?)))();
        match head {
            Ok((kind, id)) => (id, Self::decode_fields(kind, reader, message)),
            Err(error) => (0, Err(MessageError::Read(error))),
        }
    }

    fn decode_fields(kind: u8, mut reader: Reader<'_>, message: &Bytes) -> Result<Self, MessageError> {
        check_length(message)?;
        let request = match kind {
            1 => {
                let version = reader.u8("version")?;
                if version != VERSION {
                    return Err(MessageError::Version(version));
                }
                Self::Info
            }
            2 => Self::Deposit {
                ttl: read_ttl(&mut reader)?,
                admission: read_admission(&mut reader)?,
                cell: read_cell(&mut reader, message)?,
            },
            3 => Self::Read { segment: reader.u32("segment")? },
            4 => Self::Follow,
            5 => Self::Issue {
                period: Period(reader.u32("period")?),
                invitation: reader.array("invitation")?,
                blinded: read_elements(&mut reader)?,
            },
            6 => Self::Enter { token: Token::from_bytes(&reader.array("token")?) },
            other => return Err(MessageError::Kind(other)),
        };
        reader.finish()?;
        Ok(request)
    }
}

impl Answer {
    /// The message.
    #[must_use]
    pub fn encode(&self, id: RequestId) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Info(info) => {
                writer.u8(129).u32(id);
                write_info(&mut writer, info)
            }
            Self::Receipt(receipt) => {
                writer.u8(130).u32(id).raw(&receipt.name.0).u32(receipt.segment).u64(receipt.until.seconds())
            }
            Self::Begin { segment, edition, count } => {
                writer.u8(131).u32(id).u32(*segment).u8(*edition).u16(count.unwrap_or(OPEN))
            }
            Self::Cell { ttl, cell } => writer.u8(132).u32(id).u8(ttl.class()).raw(cell.bytes()),
            Self::End { segment, hash } => writer.u8(133).u32(id).u32(*segment).raw(hash),
            Self::Issued { evaluated, proof } => {
                writer.u8(134).u32(id).count(evaluated.len());
                evaluated.iter().for_each(|element| {
                    writer.raw(element);
                });
                writer.raw(proof)
            }
            Self::Entered => writer.u8(135).u32(id),
            Self::Refused(refusal) => {
                let (code, argument, text) = refusal.parts();
                writer.u8(136).u32(id).u8(code).u64(argument).text16(cut(text))
            }
        };
        finish(writer)
    }

    /// Reads a message from a board.
    ///
    /// # Errors
    /// [`MessageError`]: the board breaks the protocol.
    pub fn decode(message: &Bytes) -> Result<(RequestId, Self), MessageError> {
        check_length(message)?;
        let mut reader = Reader::new(message);
        let (kind, id) = (reader.u8("kind")?, reader.u32("request number")?);
        let answer = match kind {
            129 => Self::Info(Box::new(read_info(&mut reader)?)),
            130 => Self::Receipt(Receipt {
                name: Name(reader.array("name")?),
                segment: reader.u32("segment")?,
                until: read_seconds(&mut reader)?,
            }),
            131 => Self::Begin {
                segment: reader.u32("segment")?,
                edition: read_edition(&mut reader)?,
                count: Some(reader.u16("cells")?).filter(|count| *count != OPEN),
            },
            132 => Self::Cell { ttl: read_ttl(&mut reader)?, cell: read_cell(&mut reader, message)? },
            133 => Self::End { segment: reader.u32("segment")?, hash: reader.array("hash")? },
            134 => Self::Issued { evaluated: read_elements(&mut reader)?, proof: reader.array("proof")? },
            135 => Self::Entered,
            136 => {
                let (code, argument) = (reader.u8("code")?, reader.u64("argument")?);
                let text = reader.text16("text", REFUSAL_BYTES)?;
                Self::Refused(Refusal::from_parts(code, argument, text)?)
            }
            other => return Err(MessageError::Kind(other)),
        };
        reader.finish()?;
        Ok((id, answer))
    }
}

impl Refusal {
    /// Code, argument and text on the wire.
    fn parts(&self) -> (u8, u64, &str) {
        match self {
            Self::Malformed(text) => (1, 0, text),
            Self::Version(version) => (2, u64::from(*version), ""),
            Self::Busy(seconds) => (3, u64::from(*seconds), ""),
            Self::Full(until) => (4, until.seconds(), ""),
            Self::Point => (5, 0, ""),
            Self::NameTaken => (6, 0, ""),
            Self::StampBits(bits) => (7, u64::from(*bits), ""),
            Self::StampDay => (8, 0, ""),
            Self::StampSegment => (9, 0, ""),
            Self::Token => (10, 0, ""),
            Self::TokenSpent => (11, 0, ""),
            Self::SegmentFuture(last) => (12, u64::from(*last), ""),
            Self::SegmentGone(oldest) => (13, u64::from(*oldest), ""),
            Self::TooSlow => (14, 0, ""),
            Self::Invitation => (15, 0, ""),
            Self::InvitationSpent => (16, 0, ""),
            Self::Policy(text) => (17, 0, text),
            Self::Trouble => (18, 0, ""),
            Self::Sessions => (19, 0, ""),
        }
    }

    fn from_parts(code: u8, argument: u64, text: &str) -> Result<Self, MessageError> {
        let small = || u32::try_from(argument).map_err(|_| MessageError::Bounds("argument"));
        let tiny = || u8::try_from(argument).map_err(|_| MessageError::Bounds("argument"));
        // Text from a stranger: one line.
        let line = || mail::text::one_line(text);
        Ok(match code {
            1 => Self::Malformed(line()),
            2 => Self::Version(tiny()?),
            3 => Self::Busy(small()?),
            4 => Self::Full(from_seconds(argument)?),
            5 => Self::Point,
            6 => Self::NameTaken,
            7 => Self::StampBits(tiny()?),
            8 => Self::StampDay,
            9 => Self::StampSegment,
            10 => Self::Token,
            11 => Self::TokenSpent,
            12 => Self::SegmentFuture(small()?),
            13 => Self::SegmentGone(small()?),
            14 => Self::TooSlow,
            15 => Self::Invitation,
            16 => Self::InvitationSpent,
            17 => Self::Policy(line()),
            18 => Self::Trouble,
            19 => Self::Sessions,
            _ => return Err(MessageError::Bounds("refusal code")),
        })
    }
}

/// Our own messages always fit their length fields: bounds are checked where the values are made.
fn finish(mut writer: Writer) -> Vec<u8> {
    writer.finish().unwrap_or_default()
}

fn check_length(message: &[u8]) -> Result<(), MessageError> {
    if message.len() > MESSAGE_BYTES { Err(MessageError::TooLong(message.len())) } else { Ok(()) }
}

/// `text`, cut to what a refusal may carry.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(REFUSAL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn write_admission(writer: &mut Writer, admission: &Admission) {
    match admission {
        Admission::Token(token) => writer.u8(1).raw(&token.to_bytes()),
        Admission::Stamp(stamp) => writer.u8(2).u32(stamp.day).u32(stamp.segment).u64(stamp.nonce),
    };
}

fn read_admission(reader: &mut Reader<'_>) -> Result<Admission, MessageError> {
    match reader.u8("admission")? {
        1 => Ok(Admission::Token(Token::from_bytes(&reader.array("token")?))),
        2 => Ok(Admission::Stamp(Stamp {
            day: reader.u32("day")?,
            segment: reader.u32("segment")?,
            nonce: reader.u64("nonce")?,
        })),
        _ => Err(MessageError::Bounds("admission")),
    }
}

fn read_ttl(reader: &mut Reader<'_>) -> Result<Ttl, MessageError> {
    Ttl::from_class(reader.u8("ttl class")?).ok_or(MessageError::Bounds("ttl class"))
}

/// A cell is a slice of the message it came in: no copy.
fn read_cell(reader: &mut Reader<'_>, message: &Bytes) -> Result<Cell, MessageError> {
    let from = reader.position();
    reader.take("cell", CELL_BYTES)?;
    Cell::try_from(message.slice(from..reader.position())).map_err(|_| MessageError::Bounds("cell"))
}

fn read_elements(reader: &mut Reader<'_>) -> Result<Vec<Element>, MessageError> {
    let count = reader.count("elements", ISSUE_TOKENS)?;
    (0..count).map(|_| Ok(reader.array("element")?)).collect()
}

fn read_edition(reader: &mut Reader<'_>) -> Result<Edition, MessageError> {
    match reader.u8("edition")? {
        edition @ 0..=4 => Ok(edition),
        _ => Err(MessageError::Bounds("edition")),
    }
}

fn from_seconds(seconds: u64) -> Result<Wall, MessageError> {
    seconds.checked_mul(1000).map(Wall).ok_or(MessageError::Bounds("time"))
}

fn read_seconds(reader: &mut Reader<'_>) -> Result<Wall, MessageError> {
    from_seconds(reader.u64("time")?)
}

fn write_info<'a>(writer: &'a mut Writer, info: &BoardInfo) -> &'a mut Writer {
    writer.u8(info.version).u32(info.day).u32(info.today).u32(info.day_cells).u8(info.fill);
    writer.u64(info.full_until.seconds()).raw(&info.stamp_bits);
    writer.u32(info.oldest).u32(info.last).raw(&info.last_hash);
    for (period, key) in &info.keys {
        writer.u32(period.0).raw(key);
    }
    writer
}

fn read_info(reader: &mut Reader<'_>) -> Result<BoardInfo, MessageError> {
    Ok(BoardInfo {
        version: reader.u8("version")?,
        day: reader.u32("day")?,
        today: reader.u32("volume")?,
        day_cells: reader.u32("volume")?,
        fill: reader.u8("fill")?,
        full_until: read_seconds(reader)?,
        stamp_bits: reader.array("stamp bits")?,
        oldest: reader.u32("segment")?,
        last: reader.u32("segment")?,
        last_hash: reader.array("hash")?,
        keys: [
            (Period(reader.u32("period")?), reader.array("issuing key")?),
            (Period(reader.u32("period")?), reader.array("issuing key")?),
        ],
    })
}

#[cfg(test)]
mod tests;
