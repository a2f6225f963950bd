//! Reading and writing of bytes. Numbers are big-endian, as on the network; saved data has its own,
//! little-endian.

mod bounded;

use std::ops::RangeInclusive;

pub use bounded::{List, Piece, Text};

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It ends too early.
    #[error("it ends in the middle of {0}")]
    Truncated(&'static str),
    /// There is more than there should be.
    #[error("it has {0} bytes too many")]
    Trailing(usize),
    /// A length or count outside its bounds.
    #[error("{what} has {length}, allowed are {least} to {most}")]
    Length {
        /// What was measured or counted.
        what: &'static str,
        /// How long it is, or how many there are.
        length: usize,
        /// The least allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
    /// A value that the format does not have.
    #[error("{what} is {value}, which does not exist")]
    Value {
        /// The field.
        what: &'static str,
        /// What stands there.
        value: u64,
    },
}

/// Checks a length or count against its bounds. `what` names it in the error.
pub(crate) fn within(
    what: &'static str,
    length: usize,
    bounds: &RangeInclusive<usize>,
) -> Result<(), ParseError> {
    if bounds.contains(&length) {
        return Ok(());
    }
    Err(ParseError::Length { what, length, least: *bounds.start(), most: *bounds.end() })
}

/// A value with a form in bytes.
///
/// `T::parse(&value.to_vec())` gives the value again. The other way round holds where a type's
/// documentation does not say otherwise: what was parsed is written as the same bytes.
pub trait Codec: Sized {
    /// Reads one from the front.
    ///
    /// # Errors
    /// [`ParseError`]: the bytes are not one.
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError>;

    /// Appends it.
    fn write(&self, writer: &mut Writer);

    /// Reads one that takes all bytes.
    ///
    /// # Errors
    /// [`ParseError`], also where bytes are left over.
    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes);
        let value = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    /// Its bytes.
    fn to_vec(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }
}

/// Hands out checked pieces; nothing else touches bytes from outside.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The next `length` bytes. `what` names them in errors, here and below.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] if there are fewer; so do all below.
    pub fn take(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], ParseError> {
        let (piece, rest) = self.0.split_at_checked(length).ok_or(ParseError::Truncated(what))?;
        self.0 = rest;
        Ok(piece)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ParseError> {
        let (piece, rest) = self.0.split_first_chunk().ok_or(ParseError::Truncated(what))?;
        self.0 = rest;
        Ok(*piece)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    pub fn u8(&mut self, what: &'static str) -> Result<u8, ParseError> {
        self.array(what).map(u8::from_be_bytes)
    }

    /// A number of two bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    pub fn u16(&mut self, what: &'static str) -> Result<u16, ParseError> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// A number of four bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    pub fn u32(&mut self, what: &'static str) -> Result<u32, ParseError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    pub fn u64(&mut self, what: &'static str) -> Result<u64, ParseError> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// A byte that must be `expected`.
    ///
    /// # Errors
    /// [`ParseError::Truncated`], [`ParseError::Value`].
    pub fn expect(&mut self, what: &'static str, expected: u8) -> Result<(), ParseError> {
        match self.u8(what)? {
            byte if byte == expected => Ok(()),
            byte => Err(ParseError::Value { what, value: byte.into() }),
        }
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// All that is left, which must be as long as `bounds` say.
    ///
    /// # Errors
    /// [`ParseError::Length`].
    pub fn rest_within(
        &mut self,
        what: &'static str,
        bounds: &RangeInclusive<usize>,
    ) -> Result<&'a [u8], ParseError> {
        within(what, self.remaining(), bounds)?;
        Ok(self.rest())
    }

    /// Makes sure that all was read.
    ///
    /// # Errors
    /// [`ParseError::Trailing`] otherwise.
    pub fn finish(self) -> Result<(), ParseError> {
        match self.remaining() {
            0 => Ok(()),
            more => Err(ParseError::Trailing(more)),
        }
    }
}

/// Builds bytes.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing yet, with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends to `bytes`.
    #[must_use]
    pub fn onto(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// So many zeros.
    pub fn zeros(&mut self, number: usize) -> &mut Self {
        self.0.resize(self.0.len() + number, 0);
        self
    }

    /// One byte.
    pub fn u8(&mut self, number: u8) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// A number of two bytes.
    pub fn u16(&mut self, number: u16) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// A number of four bytes.
    pub fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// A number of eight bytes.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// A value with a form of its own.
    pub fn value(&mut self, value: &impl Codec) -> &mut Self {
        value.write(self);
        self
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was written from `start` on; nothing beyond the end.
    pub(crate) fn tail_mut(&mut self, start: usize) -> &mut [u8] {
        self.0.get_mut(start..).unwrap_or_default()
    }

    /// What was built.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_in_order_and_never_beyond_the_end() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u16("b"), Ok(0x0203));
        assert_eq!(reader.u32("c"), Ok(0x0405_0607));
        assert_eq!(reader.u8("d"), Err(ParseError::Truncated("d")));
        assert_eq!(Reader::new(&[0; 3]).finish(), Err(ParseError::Trailing(3)));
        assert!(Reader::new(&[0; 3]).rest_within("e", &(4..=5)).is_err());
        assert_eq!(Reader::new(&[9]).expect("f", 8), Err(ParseError::Value { what: "f", value: 9 }));
    }

    #[test]
    fn numbers_are_written_big_endian() {
        let mut writer = Writer::onto(vec![9]);
        writer.u8(1).u16(2).u32(3).u64(4).zeros(1);
        assert_eq!(writer.into_bytes(), [9, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    }
}
