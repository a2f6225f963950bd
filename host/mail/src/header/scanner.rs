//! Scans a header section that comes in pieces, and takes out what must not leave.

use crate::limits::HEADER_SECTION_BYTES;

/// The longest run of bytes held back while it is open whether a line starts a `Bcc` field. No program writes a field name
/// followed by that many blanks; a line that does is taken for one.
const HELD_BYTES: usize = 64 * 1024;

/// The longest field name looked at; a longer one is none of those we know.
const NAME_BYTES: usize = 1000;

/// Which fields a header section has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// `Date`.
    pub date: bool,
    /// `Message-ID`.
    pub message_id: bool,
    /// `From`.
    pub from: bool,
}

/// Removes `Bcc` fields (with their folded lines) from the header section of a mail fed in pieces.
///
/// Every other byte comes out as it went in. Field names are recognised in any case and, as RFC 5322 section 4.5 asks,
/// with blanks before the colon. The header section ends at the first empty line. Memory: the header section up to
/// [`HEADER_SECTION_BYTES`], which is kept for parsing; a longer one is still scanned to its end.
#[derive(Clone, Debug)]
pub struct HeaderScanner {
    state: State,
    /// The field being read is a `Bcc`: its folded lines go too.
    removing: bool,
    /// The start of a line, not yet known to be kept or removed.
    held: Vec<u8>,
    seen: Seen,
    captured: Vec<u8>,
    overflowed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a line.
    LineStart,
    /// A line started with CR: the end of the section if LF follows.
    LineCr,
    /// Inside what may be a field name; its bytes are held.
    Name,
    /// Inside a line whose fate is known.
    Line,
    /// After the empty line.
    Body,
}

impl Default for HeaderScanner {
    fn default() -> Self {
        Self::new()
    }
}

impl HeaderScanner {
    /// A scanner before the first byte of a mail.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::LineStart,
            removing: false,
            held: Vec::new(),
            seen: Seen { date: false, message_id: false, from: false },
            captured: Vec::new(),
            overflowed: false,
        }
    }

    /// Scans the next piece: appends to `output` what is kept of the header section and returns how many bytes of `input`
    /// belonged to it. Fewer than all only when the header section has ended: the rest is body, to be taken as it is.
    pub fn feed(&mut self, input: &[u8], output: &mut Vec<u8>) -> usize {
        let mut used = 0;
        while self.state != State::Body {
            let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) else { break };
            used += self.step(rest, output);
        }
        used
    }

    /// The mail ended: appends to `output` what was held back.
    pub fn finish(&mut self, output: &mut Vec<u8>) {
        match self.state {
            State::LineCr => self.keep(b"\r", output),
            State::Name => self.release(output),
            State::LineStart | State::Line | State::Body => {}
        }
        self.state = State::Body;
    }

    /// Whether the header section has ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::Body
    }

    /// Whether the header section is over [`HEADER_SECTION_BYTES`], so that [`Self::captured`] lacks its end.
    #[must_use]
    pub const fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Which fields there were so far.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// The kept bytes of the header section so far, with the empty line; at most [`HEADER_SECTION_BYTES`].
    #[must_use]
    pub fn captured(&self) -> &[u8] {
        &self.captured
    }

    /// Handles a part of `rest` (not empty) and returns its length. Zero when only the state changed.
    fn step(&mut self, rest: &[u8], output: &mut Vec<u8>) -> usize {
        let byte = rest.first().copied().unwrap_or(b'\n');
        match self.state {
            State::LineStart => self.start_line(byte, output),
            State::LineCr => self.after_cr(byte, output),
            State::Name => self.extend_name(byte, output),
            State::Line => self.rest_of_line(rest, output),
            State::Body => 0,
        }
    }

    fn start_line(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        match byte {
            b' ' | b'\t' => {
                self.state = State::Line;
                0
            }
            b'\r' => {
                self.state = State::LineCr;
                1
            }
            b'\n' => {
                self.keep(b"\n", output);
                self.state = State::Body;
                1
            }
            _ => {
                self.removing = false;
                self.state = State::Name;
                0
            }
        }
    }

    fn after_cr(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        if byte == b'\n' {
            self.keep(b"\r\n", output);
            self.state = State::Body;
            return 1;
        }
        self.removing = false;
        self.keep(b"\r", output);
        self.state = State::Line;
        0
    }

    fn extend_name(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        match byte {
            b':' => {
                self.end_name(output);
                0
            }
            b'\n' => {
                self.release(output);
                0
            }
            _ => {
                self.held.push(byte);
                let is_bcc = name_of(&self.held).eq_ignore_ascii_case(b"bcc");
                if is_bcc && self.held.len() > HELD_BYTES {
                    self.end_name(output);
                } else if !is_bcc && self.held.len() > NAME_BYTES {
                    self.release(output);
                }
                1
            }
        }
    }

    /// The held bytes are a field's name.
    fn end_name(&mut self, output: &mut Vec<u8>) {
        let name = name_of(&self.held);
        self.removing = name.eq_ignore_ascii_case(b"bcc");
        self.seen.date |= name.eq_ignore_ascii_case(b"date");
        self.seen.message_id |= name.eq_ignore_ascii_case(b"message-id");
        self.seen.from |= name.eq_ignore_ascii_case(b"from");
        if self.removing {
            self.held.clear();
            self.state = State::Line;
        } else {
            self.release(output);
        }
    }

    /// The held bytes are kept.
    fn release(&mut self, output: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.keep(&held, output);
        self.held = held;
        self.held.clear();
        self.state = State::Line;
    }

    fn rest_of_line(&mut self, rest: &[u8], output: &mut Vec<u8>) -> usize {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, _) = rest.split_at(length);
        if !self.removing {
            self.keep(line, output);
        }
        if line.ends_with(b"\n") {
            self.state = State::LineStart;
        }
        length
    }

    fn keep(&mut self, bytes: &[u8], output: &mut Vec<u8>) {
        output.extend_from_slice(bytes);
        let room = HEADER_SECTION_BYTES.saturating_sub(self.captured.len());
        let (fitting, beyond) = bytes.split_at(bytes.len().min(room));
        self.captured.extend_from_slice(fitting);
        self.overflowed |= !beyond.is_empty();
    }
}

/// A field's name: the held bytes without the blanks before the colon.
fn name_of(held: &[u8]) -> &[u8] {
    held.trim_ascii_end()
}
