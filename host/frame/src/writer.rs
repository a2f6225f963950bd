//! Writing of messages.

/// Something of ours does not fit its length field or packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes do not fit into {max}")]
pub struct TooLong {
    /// How long it is.
    pub length: usize,
    /// How long it may be.
    pub max: usize,
}

/// Builds a message. Numbers are little-endian. What does not fit is reported by [`Writer::finish`].
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    too_long: Option<TooLong>,
}

impl Writer {
    /// An empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, number: u8) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A number of two bytes.
    pub fn u16(&mut self, number: u16) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A number of four bytes.
    pub fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A number of eight bytes.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A count of one byte.
    pub fn count(&mut self, count: usize) -> &mut Self {
        let number = u8::try_from(count).unwrap_or_else(|_| self.mark(count, u8::MAX.into()));
        self.u8(number)
    }

    /// Bytes after their length of two bytes.
    pub fn bytes16(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u16::try_from(bytes.len()).unwrap_or_else(|_| self.mark(bytes.len(), u16::MAX.into()));
        self.u16(length).raw(bytes)
    }

    /// Text after its length in bytes, a number of two bytes.
    pub fn text16(&mut self, text: &str) -> &mut Self {
        self.bytes16(text.as_bytes())
    }

    fn mark<N: Default>(&mut self, length: usize, max: usize) -> N {
        self.too_long = Some(TooLong { length, max });
        N::default()
    }

    /// The message; the writer is empty afterwards.
    ///
    /// # Errors
    /// Something written did not fit its length field.
    pub fn finish(&mut self) -> Result<Vec<u8>, TooLong> {
        match self.too_long.take() {
            None => Ok(std::mem::take(&mut self.bytes)),
            Some(too_long) => Err(too_long),
        }
    }
}
