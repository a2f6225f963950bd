//! Command lines as SMTP and POP3 clients send them: ended by CR LF and nothing else.
//!
//! A CR or an LF alone never ends a line here. Two programs that disagree about that can be made to see
//! different commands in the same bytes ("SMTP smuggling"), so the line they stand in is refused whole
//! (RFC 5321 section 2.3.8).

use memchr::{memchr, memchr2};

/// Finds lines in a buffer that grows at its end. Pure: it remembers positions, the caller owns the bytes.
///
/// What it answers does not depend on how the bytes were cut into pieces.
#[derive(Clone, Debug)]
pub struct LineReader {
    longest: usize,
    /// Bytes at the front of the buffer known to hold neither CR nor LF.
    scanned: usize,
    /// Inside a refused line: everything up to the next CR LF is dropped.
    discarding: bool,
    /// While discarding: the last byte dropped was a CR.
    after_cr: bool,
}

/// What [`LineReader::scan`] found at the front of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// No complete line yet: append what arrives and scan again.
    More,
    /// A line of this many bytes, CR LF after it: remove both (length + 2) before the next scan.
    Line(usize),
    /// Remove this many bytes, they belong to a line already refused, and scan again.
    Skip(usize),
    /// The line is refused: remove `discard` bytes and answer once; the rest of it will be skipped.
    Refused {
        /// Why.
        error: LineError,
        /// Bytes to remove from the front.
        discard: usize,
    },
}

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// More bytes without a line end than the reader's limit.
    #[error("the line is too long")]
    TooLong,
    /// A CR without LF.
    #[error("a carriage return without a line feed is not allowed")]
    BareCr,
    /// An LF without CR.
    #[error("a line feed without a carriage return is not allowed")]
    BareLf,
}

impl LineReader {
    /// A reader for lines of at most `longest` bytes, CR LF not counted.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self { longest, scanned: 0, discarding: false, after_cr: false }
    }

    /// Looks for a line at the front of `buffer`, which holds everything received and not yet removed.
    pub fn scan(&mut self, buffer: &[u8]) -> Scan {
        if self.discarding {
            return self.discard(buffer);
        }
        let unseen = buffer.get(self.scanned..).unwrap_or_default();
        let Some(at) = memchr2(b'\r', b'\n', unseen).map(|at| at + self.scanned) else {
            if buffer.len() > self.longest {
                return self.refuse(LineError::TooLong, buffer.len());
            }
            self.scanned = buffer.len();
            return Scan::More;
        };
        if at > self.longest {
            return self.refuse(LineError::TooLong, at);
        }
        match (buffer.get(at), buffer.get(at + 1)) {
            (Some(b'\n'), _) => self.refuse(LineError::BareLf, at + 1),
            (_, Some(b'\n')) => {
                self.scanned = 0;
                Scan::Line(at)
            }
            (_, Some(_)) => self.refuse(LineError::BareCr, at + 1),
            (_, None) => {
                self.scanned = at;
                Scan::More
            }
        }
    }

    fn refuse(&mut self, error: LineError, discard: usize) -> Scan {
        self.scanned = 0;
        self.discarding = true;
        self.after_cr = false;
        Scan::Refused { error, discard }
    }

    fn discard(&mut self, buffer: &[u8]) -> Scan {
        let Some(last) = buffer.last() else {
            return Scan::More;
        };
        let Some(at) = memchr(b'\n', buffer) else {
            self.after_cr = *last == b'\r';
            return Scan::Skip(buffer.len());
        };
        let after_cr = match at.checked_sub(1) {
            Some(before) => buffer.get(before) == Some(&b'\r'),
            None => self.after_cr,
        };
        self.discarding = !after_cr;
        self.after_cr = false;
        Scan::Skip(at + 1)
    }
}

#[cfg(test)]
mod tests;
