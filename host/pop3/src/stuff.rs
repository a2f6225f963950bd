//! Multi-line responses (RFC 1939 section 3): dots stuffed, ended by a line that is a single dot.

use bytes::{BufMut, BytesMut};
use memchr::memmem;

/// Dot-stuffs one message that comes in pieces, cut anywhere.
///
/// A dot is stuffed behind a bare LF too, though no line begins there: many clients end lines at any LF, and a peer
/// could otherwise send a mail whose text ends the response for them and goes on as the next reply.
#[derive(Clone, Debug)]
pub struct Stuffer {
    /// The last two bytes; at the start as if a line had just ended.
    last: [u8; 2],
    is_empty: bool,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self { last: *b"\r\n", is_empty: true }
    }
}

impl Stuffer {
    /// Appends the next piece to `output`.
    pub fn push(&mut self, piece: &[u8], output: &mut BytesMut) {
        let Some(first) = piece.first() else {
            return;
        };
        output.reserve(piece.len() + 8);
        if self.last[1] == b'\n' && *first == b'.' {
            output.put_u8(b'.');
        }
        let mut rest = piece;
        while let Some(at) = memmem::find(rest, b"\n.") {
            let (line, behind) = rest.split_at(at + 1);
            output.extend_from_slice(line);
            output.put_u8(b'.');
            rest = behind;
        }
        output.extend_from_slice(rest);
        self.is_empty = false;
        self.last = match piece {
            [.., before, last] => [*before, *last],
            [last] => [self.last[1], *last],
            [] => self.last,
        };
    }

    /// Ends the response: with a CR LF if the message lacks its own, and the dot.
    pub fn end(self, output: &mut BytesMut) {
        if !self.is_empty && self.last != *b"\r\n" {
            output.extend_from_slice(b"\r\n");
        }
        output.extend_from_slice(b".\r\n");
    }
}

/// Cuts a message behind its header section, the blank line and some lines of its body (TOP, RFC 1939 section 7).
#[derive(Clone, Debug)]
pub struct Top {
    lines_left: u64,
    in_header: bool,
    /// The current line has bytes other than CR.
    has_content: bool,
    complete: bool,
}

impl Top {
    /// The header section and `lines` of the body.
    #[must_use]
    pub fn new(lines: u64) -> Self {
        Self { lines_left: lines, in_header: true, has_content: false, complete: false }
    }

    /// The part of the next piece that is wanted.
    pub fn cut<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let mut start = 0;
        while !self.complete {
            let rest = piece.get(start..).unwrap_or_default();
            let Some(at) = memchr::memchr(b'\n', rest) else {
                self.has_content |= rest.iter().any(|byte| *byte != b'\r');
                return piece;
            };
            let has_content =
                self.has_content || rest.get(..at).is_some_and(|line| line.iter().any(|byte| *byte != b'\r'));
            start += at + 1;
            self.line_ended(has_content);
        }
        piece.get(..start).unwrap_or_default()
    }

    fn line_ended(&mut self, has_content: bool) {
        self.has_content = false;
        if self.in_header {
            self.in_header = has_content;
        } else {
            self.lines_left = self.lines_left.saturating_sub(1);
        }
        self.complete = !self.in_header && self.lines_left == 0;
    }

    /// Nothing more is wanted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

#[cfg(test)]
mod tests;
