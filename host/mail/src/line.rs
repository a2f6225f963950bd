//! Command lines as SMTP and POP3 clients send them: ended by CR LF and nothing else.
//!
//! A CR or an LF alone never ends a command here. Two programs that disagree about that can be made to see
//! different commands in the same bytes ("SMTP smuggling"), so the line they are in is refused whole, up to the next
//! CR LF (RFC 5321 section 2.3.8). But it is never refused in silence: a client that ends its lines in its own way waits for
//! a reply after each of them, so each CR, LF and CR LF on the way gives one refusal.

mod ends;

pub use ends::LineEnds;

use memchr::memchr2;

/// Finds lines in a buffer that grows at its end. Pure: it remembers positions, the caller owns the bytes.
///
/// What it answers does not depend on how the bytes were cut into pieces.
#[derive(Clone, Debug)]
pub struct LineReader {
    longest: usize,
    /// Bytes at the front of the buffer known to hold neither CR nor LF.
    scanned: usize,
    /// Inside a refused line: everything up to the next CR LF is dropped.
    refused: Option<Refused>,
}

/// What is known of a refused line.
#[derive(Clone, Copy, Debug)]
struct Refused {
    /// Why, for each further refusal.
    error: LineError,
    /// Bytes of the part at hand were dropped, and nothing was answered to them yet.
    unanswered: bool,
    /// The part at hand was refused before its end: what ends it gives no second refusal.
    answered: bool,
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
    /// The line, or a further part of one that was refused, is refused: remove `discard` bytes and answer once. No byte up
    /// to the next CR LF comes out as a line.
    Refused {
        /// What is wrong with the line.
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
        Self { longest, scanned: 0, refused: None }
    }

    /// Looks for a line at the front of `buffer`, which holds everything received and not yet removed.
    pub fn scan(&mut self, buffer: &[u8]) -> Scan {
        if let Some(refused) = self.refused {
            return self.discard(refused, buffer);
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
        let answered = error == LineError::TooLong;
        self.refused = Some(Refused { error, unanswered: false, answered });
        Scan::Refused { error, discard }
    }

    /// Drops a part of a refused line, up to whatever ends it.
    fn discard(&mut self, refused: Refused, buffer: &[u8]) -> Scan {
        let Some(at) = memchr2(b'\r', b'\n', buffer) else {
            return self.drop_part(refused, buffer.len());
        };
        let ended = match (buffer.get(at), buffer.get(at + 1)) {
            (Some(b'\n'), _) => Some(LineError::BareLf),
            (_, Some(b'\n')) => None,
            (_, Some(_)) => Some(LineError::BareCr),
            // Whether it is a CR LF is not known yet: the CR stays.
            (_, None) => return self.drop_part(refused, at),
        };
        match ended {
            Some(error) => {
                self.refused = Some(Refused { error, unanswered: false, answered: false });
                if refused.answered { Scan::Skip(at + 1) } else { Scan::Refused { error, discard: at + 1 } }
            }
            None => {
                self.refused = None;
                // CR CR LF and LF CR LF end one line each, not two.
                let is_answered = refused.answered || (at == 0 && !refused.unanswered);
                let error = refused.error;
                if is_answered { Scan::Skip(at + 2) } else { Scan::Refused { error, discard: at + 2 } }
            }
        }
    }

    fn drop_part(&mut self, refused: Refused, bytes: usize) -> Scan {
        if bytes == 0 {
            return Scan::More;
        }
        self.refused = Some(Refused { unanswered: !refused.answered, ..refused });
        Scan::Skip(bytes)
    }
}

#[cfg(test)]
mod tests;
