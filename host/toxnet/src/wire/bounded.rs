//! Values that carry their bound: what is too long cannot be built, so writing cannot fail.

use std::ops::Deref;

use super::{Codec, ParseError, Reader, Writer, within};

/// Borrowed bytes, from `LEAST` to `MOST` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a, const LEAST: usize, const MOST: usize>(&'a [u8]);

impl<'a, const LEAST: usize, const MOST: usize> Piece<'a, LEAST, MOST> {
    /// Takes `bytes` if there are neither too few nor too many.
    ///
    /// # Errors
    /// [`ParseError::Length`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, ParseError> {
        within("the content", bytes.len(), &(LEAST..=MOST))?;
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn get(self) -> &'a [u8] {
        self.0
    }
}

impl<const LEAST: usize, const MOST: usize> Deref for Piece<'_, LEAST, MOST> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

/// At most `MOST` values one after the other, without a count before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> List<T, MOST> {
    /// Takes `items` if they are not too many.
    ///
    /// # Errors
    /// [`ParseError::Length`].
    pub fn new(items: Vec<T>) -> Result<Self, ParseError> {
        within("the list", items.len(), &(0..=MOST))?;
        Ok(Self(items))
    }

    /// The first of `items`, as many as there may be.
    #[must_use]
    pub fn first_of(items: impl IntoIterator<Item = T>) -> Self {
        Self(items.into_iter().take(MOST).collect())
    }

    /// The values.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T: Codec, const MOST: usize> List<T, MOST> {
    /// Reads exactly `count` values.
    pub(crate) fn read_counted(reader: &mut Reader<'_>, count: usize) -> Result<Self, ParseError> {
        within("the list", count, &(0..=MOST))?;
        (0..count).map(|_| T::read(reader)).collect::<Result<_, _>>().map(Self)
    }

    /// Reads as many values as can be read, and no more: for hints, where half a list is better
    /// than none.
    pub(crate) fn read_leniently(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        Self::first_of(std::iter::from_fn(|| T::read(&mut reader).ok()))
    }
}

/// Reads to the end of the bytes.
impl<T: Codec, const MOST: usize> Codec for List<T, MOST> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut items = Vec::new();
        while reader.remaining() > 0 {
            within("the list", items.len() + 1, &(0..=MOST))?;
            items.push(T::read(reader)?);
        }
        Ok(Self(items))
    }

    fn write(&self, writer: &mut Writer) {
        self.0.iter().for_each(|item| item.write(writer));
    }
}

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> Deref for List<T, MOST> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// Owned bytes, at most `MOST` of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<const MOST: usize>(Vec<u8>);

impl<const MOST: usize> Text<MOST> {
    /// Takes `bytes` if they are not too many. They should be UTF-8, but nothing depends on it.
    ///
    /// # Errors
    /// [`ParseError::Length`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, ParseError> {
        let bytes = bytes.into();
        within("the text", bytes.len(), &(0..=MOST))?;
        Ok(Self(bytes))
    }
}

impl<const MOST: usize> Deref for Text<MOST> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
