//! Files: an offer, control in both directions, pieces in order. Each side has 256 numbers for the
//! files it sends.

use crate::limits;
use crate::wire::{Codec, ParseError, Piece, Reader, Writer};

/// `[1 number][4 kind][8 size][32 id][0..255 name]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOffer<'a> {
    /// The sender's number for it.
    pub number: u8,
    /// 0 for a file, 1 for an avatar; programs agree on others.
    pub kind: u32,
    /// Bytes; all bits set where it is not known.
    pub size: u64,
    /// The same for the same file, so that it can be gone on with after a break.
    pub id: [u8; 32],
    /// Its name, from outside.
    pub name: Piece<'a, 0, { limits::FILE_NAME_BYTES }>,
}

impl<'a> FileOffer<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Ok(Self {
            number: reader.u8("the number of a file")?,
            kind: reader.u32("the kind of a file")?,
            size: reader.u64("the size of a file")?,
            id: reader.array("the id of a file")?,
            name: Piece::new(reader.rest())?,
        })
    }

    pub(super) fn write<'w>(&self, writer: &'w mut Writer) -> &'w mut Writer {
        writer.u8(self.number).u32(self.kind).u64(self.size).raw(&self.id).raw(&self.name)
    }
}

/// Whose number it is that a control packet names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSide {
    /// 0: the sender of the control packet sends the file.
    Sending,
    /// 1: the sender of the control packet receives it.
    Receiving,
}

/// `[1 side][1 number][1 control]`, and for seeking `[8 position]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileControl {
    /// Whose number it is.
    pub side: FileSide,
    /// The number.
    pub number: u8,
    /// What to do.
    pub action: FileAction,
}

/// What to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAction {
    /// 0: begin, or go on.
    Accept,
    /// 1
    Pause,
    /// 2: give up. Also the answer to a control packet for an unknown file.
    Kill,
    /// 3, `[8 position]`: begin there; from the receiver, before it accepts.
    Seek(u64),
}

impl Codec for FileControl {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let side = match reader.u8("the side of a file")? {
            0 => FileSide::Sending,
            1 => FileSide::Receiving,
            other => return Err(ParseError::Value { what: "the side of a file", value: other.into() }),
        };
        let number = reader.u8("the number of a file")?;
        let action = match reader.u8("what to do with a file")? {
            0 => FileAction::Accept,
            1 => FileAction::Pause,
            2 => FileAction::Kill,
            3 => FileAction::Seek(reader.u64("a position")?),
            other => return Err(ParseError::Value { what: "what to do with a file", value: other.into() }),
        };
        Ok(Self { side, number, action })
    }

    fn write(&self, writer: &mut Writer) {
        let side = match self.side {
            FileSide::Sending => 0,
            FileSide::Receiving => 1,
        };
        writer.u8(side).u8(self.number);
        match self.action {
            FileAction::Accept => writer.u8(0),
            FileAction::Pause => writer.u8(1),
            FileAction::Kill => writer.u8(2),
            FileAction::Seek(position) => writer.u8(3).u64(position),
        };
    }
}

/// `[1 number][0..1371 bytes]`. A piece that is not full is the last; of a file whose length is a
/// multiple of full ones the last piece is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePiece<'a> {
    /// The sender's number for the file.
    pub number: u8,
    /// The next bytes.
    pub bytes: Piece<'a, 0, { limits::FILE_PIECE_BYTES }>,
}

impl<'a> FilePiece<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Ok(Self { number: reader.u8("the number of a file")?, bytes: Piece::new(reader.rest())? })
    }

    pub(super) fn write<'w>(&self, writer: &'w mut Writer) -> &'w mut Writer {
        writer.u8(self.number).raw(&self.bytes)
    }
}
