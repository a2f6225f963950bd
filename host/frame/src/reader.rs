//! Checked reading of bytes from outside.

/// Hands out checked pieces of a message; nothing else touches its bytes. Numbers are little-endian.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It ends too early.
    #[error("the message ends in the middle of {0}")]
    Truncated(&'static str),
    /// There is more than there should be.
    #[error("the message has {0} bytes too many")]
    Trailing(usize),
    /// A length or count over its bound.
    #[error("{what} is {length} long, the maximum is {max}")]
    TooLong {
        /// The field that was read.
        what: &'static str,
        /// What its length field says.
        length: usize,
        /// What is allowed.
        max: usize,
    },
    /// Text that is not UTF-8.
    #[error("{0} is not UTF-8 text")]
    NotText(&'static str),
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `length` bytes. `what` names them in errors, here and below.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] if there are fewer; so do all below.
    pub fn take(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], ReadError> {
        let end = self.position.checked_add(length).ok_or(ReadError::Truncated(what))?;
        let piece = self.bytes.get(self.position..end).ok_or(ReadError::Truncated(what))?;
        self.position = end;
        Ok(piece)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ReadError> {
        self.take(what, N)?.try_into().map_err(|_| ReadError::Truncated(what))
    }

    /// One byte.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    pub fn u8(&mut self, what: &'static str) -> Result<u8, ReadError> {
        self.array(what).map(u8::from_le_bytes)
    }

    /// A number of two bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    pub fn u16(&mut self, what: &'static str) -> Result<u16, ReadError> {
        self.array(what).map(u16::from_le_bytes)
    }

    /// A number of four bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    pub fn u32(&mut self, what: &'static str) -> Result<u32, ReadError> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    pub fn u64(&mut self, what: &'static str) -> Result<u64, ReadError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A count of one byte, at most `max`.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::TooLong`].
    pub fn count(&mut self, what: &'static str, max: usize) -> Result<usize, ReadError> {
        let length = usize::from(self.u8(what)?);
        at_most(what, length, max)
    }

    /// Bytes after their length of two bytes, at most `max` of them.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::TooLong`].
    pub fn bytes16(&mut self, what: &'static str, max: usize) -> Result<&'a [u8], ReadError> {
        let length = usize::from(self.u16(what)?);
        self.take(what, at_most(what, length, max)?)
    }

    /// UTF-8 text after its length in bytes, a number of two bytes, at most `max`.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::TooLong`], [`ReadError::NotText`].
    pub fn text16(&mut self, what: &'static str, max: usize) -> Result<&'a str, ReadError> {
        std::str::from_utf8(self.bytes16(what, max)?).map_err(|_| ReadError::NotText(what))
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        self.position = self.bytes.len();
        rest
    }

    /// Makes sure that all was read.
    ///
    /// # Errors
    /// [`ReadError::Trailing`] otherwise.
    pub fn finish(self) -> Result<(), ReadError> {
        match self.remaining() {
            0 => Ok(()),
            more => Err(ReadError::Trailing(more)),
        }
    }
}

fn at_most(what: &'static str, length: usize, max: usize) -> Result<usize, ReadError> {
    if length > max { Err(ReadError::TooLong { what, length, max }) } else { Ok(length) }
}

#[cfg(test)]
mod tests;
