//! The text after DATA: dots unstuffed, the end found, a CR or LF alone noticed (RFC 5321 sections 4.1.1.4 and 4.5.2).
//!
//! Streaming: no line is ever held, so lines may have any length. (998 is the RFC's limit, and mails in
//! the wild do not keep it; what such a mail gets from the next program is not for this one to decide.)

use memchr::memchr2;

/// Reads the text byte by byte, cut anywhere. The end is CR LF dot CR LF in exactly these bytes, so a sender
/// and this server never disagree about it ("SMTP smuggling").
#[derive(Clone, Debug)]
pub struct Unstuffer {
    position: Position,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    LineStart,
    InLine,
    AfterCr,
    /// After a dot at the start of a line, which is not emitted whatever follows.
    AfterDot,
    AfterDotCr,
}

/// Why [`Unstuffer::unstuff`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All input is consumed; more is needed.
    More,
    /// A CR or LF alone was just met. Reading can go on behind it, to find the end.
    Bare,
    /// The end of the text; the input behind it is the next command.
    End,
}

impl Default for Unstuffer {
    fn default() -> Self {
        Self { position: Position::LineStart }
    }
}

impl Unstuffer {
    /// Reads `input` and hands the text in it to `emit`, in order, in as large pieces as possible. Returns
    /// how many bytes of `input` were consumed, and why it stopped there. Never emits more bytes than it consumes.
    pub fn unstuff(&mut self, input: &[u8], mut emit: impl FnMut(&[u8])) -> (usize, Stop) {
        let mut at = 0;
        // Start of the text that is read and not yet emitted.
        let mut run = 0;
        let mut flush = |from: usize, to: usize| {
            if let Some(bytes) = input.get(from..to).filter(|bytes| !bytes.is_empty()) {
                emit(bytes);
            }
        };
        while let Some(&byte) = input.get(at) {
            match (self.position, byte) {
                (Position::LineStart, b'.') => {
                    flush(run, at);
                    at += 1;
                    run = at;
                    self.position = Position::AfterDot;
                }
                (Position::LineStart | Position::InLine, _) => {
                    self.position = Position::InLine;
                    let rest = input.get(at..).unwrap_or_default();
                    let Some(found) = memchr2(b'\r', b'\n', rest) else {
                        at = input.len();
                        break;
                    };
                    at += found + 1;
                    if rest.get(found) == Some(&b'\n') {
                        flush(run, at);
                        return (at, Stop::Bare);
                    }
                    self.position = Position::AfterCr;
                }
                (Position::AfterCr, b'\n') => {
                    at += 1;
                    self.position = Position::LineStart;
                }
                (Position::AfterDot, b'\r') => {
                    at += 1;
                    run = at;
                    self.position = Position::AfterDotCr;
                }
                // RFC 5321 section 4.5.2: the first dot of a line with other characters is deleted.
                (Position::AfterDot, _) => self.position = Position::InLine,
                (Position::AfterDotCr, b'\n') => {
                    self.position = Position::LineStart;
                    return (at + 1, Stop::End);
                }
                (Position::AfterCr | Position::AfterDotCr, _) => {
                    self.position = Position::InLine;
                    flush(run, at);
                    return (at, Stop::Bare);
                }
            }
        }
        flush(run, at);
        (at, Stop::More)
    }
}

#[cfg(test)]
mod tests;
