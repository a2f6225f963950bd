//! Scans a header section that comes in pieces, takes out what must not stay, and mends what would make the mail unreadable.

use std::sync::Arc;

use super::results;
use crate::limits::{FIELD_HELD_BYTES, FIELD_NAME_LOOK_BYTES, HEADER_SECTION_BYTES};
use crate::mbox;
use crate::tox_id::PublicKey;

/// Byte order marks taken for such at the start of a line: nobody has more than a few.
const MARKS_BYTES: usize = 8 * BYTE_ORDER_MARK.len();

/// U+FEFF in UTF-8, which editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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

/// Cleans the header section of a mail fed in pieces. Every byte it does not name comes out as it went in:
///
/// - `Bcc` and `Resent-Bcc` fields go, where they are to go ([`HeaderScanner::submitted`]);
/// - `Authentication-Results` fields that claim to be ours go, and those that do not say certainly whose they are
///   (RFC 8601 section 5);
/// - fields whose names begin with `X-Toxmail-` go where those go: readers take them for the gateway's word;
/// - byte order marks before a field go;
/// - `From ` lines of an mbox go, with any number of `>` before them: those with a date, and those that a field follows;
/// - where text begins without an empty line before it, an empty line is put there. Text is every line that neither is a field
///   nor continues one.
///
/// Fields go with their folded lines. Their names are recognised in any case and, as RFC 5322 section 4.5 asks, with blanks
/// before the colon; folded there, too, because some programs read them so. The header section ends at the first empty
/// line. Memory: the header section up to [`HEADER_SECTION_BYTES`], which is kept for parsing, and what is held back; a longer
/// section is still scanned to its end.
#[derive(Clone, Debug)]
pub struct HeaderScanner {
    removes_bcc: bool,
    /// Nobody else may write `Authentication-Results` in the names of these.
    own: Arc<[PublicKey]>,
    state: State,
    /// A line that starts with a blank continues a field.
    in_field: bool,
    /// The field being read goes, and so do its folded lines.
    removing: bool,
    /// The start of a line, or a whole field, of which it is not known yet whether it stays.
    held: Vec<u8>,
    /// Bytes of `held` before the name: a byte order mark.
    name_start: usize,
    /// Where the name in `held` ends.
    name_end: usize,
    /// `From ` lines just before: what follows decides about them.
    from_lines: Vec<u8>,
    seen: Seen,
    changed: bool,
    removed_results: bool,
    captured: Vec<u8>,
    overflowed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a line.
    LineStart,
    /// A line started with CR: the end of the section if LF follows.
    LineCr,
    /// Inside what may be a byte order mark.
    Mark,
    /// Inside what may be a field name; its bytes are held.
    Name,
    /// In the blanks behind it.
    Blank,
    /// Behind a CR there.
    BlankCr,
    /// Behind a line end there: only a blank can go on.
    BlankLf,
    /// Inside a `From ` line, which is held.
    FromLine,
    /// Inside `Authentication-Results`, which is held.
    Results,
    /// At the start of a line that may continue it.
    ResultsLf,
    /// Inside a line whose fate is known.
    Line,
    /// After the empty line.
    Body,
}

impl HeaderScanner {
    /// For a mail that a mail program submits to an account of a gateway that has the accounts with the keys `own`.
    #[must_use]
    pub fn submitted(own: Arc<[PublicKey]>) -> Self {
        Self::new(true, own)
    }

    /// For a mail that comes from a peer to such a gateway. A `Bcc` is for those who get it (RFC 5322 section 3.6.3), and stays.
    #[must_use]
    pub fn received(own: Arc<[PublicKey]>) -> Self {
        Self::new(false, own)
    }

    /// For a mail out of a file: its fields stay as they are.
    #[must_use]
    pub fn imported() -> Self {
        Self::new(false, Arc::new([]))
    }

    fn new(removes_bcc: bool, own: Arc<[PublicKey]>) -> Self {
        Self {
            removes_bcc,
            own,
            state: State::LineStart,
            in_field: false,
            removing: false,
            held: Vec::new(),
            name_start: 0,
            name_end: 0,
            from_lines: Vec::new(),
            seen: Seen::default(),
            changed: false,
            removed_results: false,
            captured: Vec::new(),
            overflowed: false,
        }
    }

    /// Scans the next piece: appends to `output` what is kept of the header section and returns how many bytes of `input`
    /// were used. Fewer than all only when the header section has ended: the rest is body, to be taken as it is.
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
            State::LineStart if self.from_lines.is_empty() => {}
            State::Line | State::Body => {}
            State::Results | State::ResultsLf => self.end_results(output),
            State::FromLine => {
                self.from_lines.append(&mut self.held);
                self.end_of_from_lines(output);
            }
            State::LineStart => self.end_of_from_lines(output),
            State::LineCr | State::Mark | State::Name | State::Blank | State::BlankCr | State::BlankLf => {
                self.begin_text(output);
            }
        }
        self.state = State::Body;
    }

    /// Whether the header section has ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::Body
    }

    /// Whether anything was taken out or put in so far.
    #[must_use]
    pub const fn has_changed(&self) -> bool {
        self.changed
    }

    /// Whether an `Authentication-Results` was taken out.
    #[must_use]
    pub const fn has_removed_results(&self) -> bool {
        self.removed_results
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
            State::Mark => self.in_mark(byte, output),
            State::Name => self.in_name(byte, output),
            State::Blank | State::BlankCr | State::BlankLf => self.in_blanks(byte, output),
            State::FromLine => self.in_from_line(byte, output),
            State::Results => self.in_results(byte),
            State::ResultsLf => self.after_results(byte, output),
            State::Line => self.rest_of_line(rest, output),
            State::Body => 0,
        }
    }

    fn start_line(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        self.name_start = 0;
        match byte {
            b' ' | b'\t' if self.in_field && self.from_lines.is_empty() => self.state = State::Line,
            b'\r' => return self.hold(byte, State::LineCr),
            b'\n' => {
                self.end_section(b"\n", output);
                return 1;
            }
            _ if BYTE_ORDER_MARK.first() == Some(&byte) => return self.hold(byte, State::Mark),
            _ => self.state = State::Name,
        }
        0
    }

    fn after_cr(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        if byte != b'\n' {
            self.begin_text(output);
            return 0;
        }
        self.held.clear();
        self.end_section(b"\r\n", output);
        1
    }

    /// The empty line.
    fn end_section(&mut self, line: &[u8], output: &mut Vec<u8>) {
        self.end_of_from_lines(output);
        if self.state != State::Body {
            self.keep(line, output);
            self.state = State::Body;
        } else {
            output.extend_from_slice(line);
        }
    }

    fn in_mark(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        let at = self.held.len() - self.name_start;
        if BYTE_ORDER_MARK.get(at) != Some(&byte) {
            self.begin_text(output);
            return 0;
        }
        self.held.push(byte);
        if at + 1 == BYTE_ORDER_MARK.len() {
            self.name_start = self.held.len();
            self.state = State::Name;
        }
        1
    }

    fn in_name(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        let length = self.held.len() - self.name_start;
        // Programs that put one before a file do so with each further saving.
        if length == 0
            && (1..MARKS_BYTES).contains(&self.name_start)
            && BYTE_ORDER_MARK.first() == Some(&byte)
        {
            return self.hold(byte, State::Mark);
        }
        let next = match byte {
            _ if length > FIELD_NAME_LOOK_BYTES => None,
            b':' | b' ' | b'\t' | b'\r' | b'\n' if length == 0 => None,
            b':' => {
                self.name_end = self.held.len();
                self.begin_field(output);
                return 0;
            }
            b' ' | b'\t' => Some(State::Blank),
            b'\r' => Some(State::BlankCr),
            b'\n' => Some(State::BlankLf),
            byte if byte.is_ascii_graphic() => return self.hold(byte, State::Name),
            _ => None,
        };
        self.name_end = self.held.len();
        if let Some(next) = next {
            return self.hold(byte, next);
        }
        self.begin_text(output);
        0
    }

    fn in_blanks(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        if self.held.len() > FIELD_HELD_BYTES {
            if self.is_removable() {
                self.begin_field(output);
            } else {
                self.begin_text(output);
            }
            return 0;
        }
        let next = match (self.state, byte) {
            (State::Blank | State::BlankLf, b' ' | b'\t') => State::Blank,
            (State::Blank, b'\r') => State::BlankCr,
            (State::Blank | State::BlankCr, b'\n') => State::BlankLf,
            (State::Blank, b':') => {
                self.begin_field(output);
                return 0;
            }
            (State::Blank, _) if self.is_from_line() => State::FromLine,
            _ => {
                self.begin_text(output);
                return 0;
            }
        };
        self.hold(byte, next)
    }

    /// Whether the held bytes start a `From ` line.
    fn is_from_line(&self) -> bool {
        let line = self.held.get(self.name_start..).unwrap_or_default();
        mbox::is_from(line) && !line.contains(&b'\n')
    }

    fn in_from_line(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        self.held.push(byte);
        if byte == b'\n' {
            self.from_lines.append(&mut self.held);
            self.state = State::LineStart;
        }
        if self.held.len() > FIELD_NAME_LOOK_BYTES || self.from_lines.len() > FIELD_HELD_BYTES {
            self.begin_text(output);
        }
        1
    }

    fn name(&self) -> &[u8] {
        self.held.get(self.name_start..self.name_end).unwrap_or_default()
    }

    fn is_bcc(&self) -> bool {
        let is = |name: &[u8]| self.name().eq_ignore_ascii_case(name);
        self.removes_bcc && (is(b"bcc") || is(b"resent-bcc"))
    }

    fn is_results(&self) -> bool {
        !self.own.is_empty() && self.name().eq_ignore_ascii_case(b"authentication-results")
    }

    /// Whether the field's name is one that only the reader's own gateway uses.
    fn is_gateways(&self) -> bool {
        const PREFIX: &[u8] = b"x-toxmail-";
        let start = self.name().get(..PREFIX.len());
        !self.own.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
    }

    fn is_removable(&self) -> bool {
        self.is_bcc() || self.is_results() || self.is_gateways()
    }

    /// The held bytes are a field's name.
    fn begin_field(&mut self, output: &mut Vec<u8>) {
        self.changed |= !self.from_lines.is_empty() || self.name_start > 0;
        self.from_lines.clear();
        match self.name().to_ascii_lowercase().as_slice() {
            b"date" => self.seen.date = true,
            b"message-id" => self.seen.message_id = true,
            b"from" => self.seen.from = true,
            _ => {}
        }
        let (goes, is_results) = (self.is_bcc() || self.is_gateways(), self.is_results());
        self.held.drain(..self.name_start);
        self.in_field = true;
        self.removing = goes;
        self.changed |= goes;
        if is_results {
            // The value begins where the name ends.
            self.name_end -= self.name_start;
            self.state = State::Results;
            return;
        }
        self.state = State::Line;
        if !goes {
            let held = std::mem::take(&mut self.held);
            self.keep(&held, output);
            self.held = held;
        }
        self.held.clear();
    }

    fn in_results(&mut self, byte: u8) -> usize {
        if self.held.len() > FIELD_HELD_BYTES {
            self.held.clear();
            self.remove_results();
            self.state = State::Line;
            return 0;
        }
        self.hold(byte, if byte == b'\n' { State::ResultsLf } else { State::Results })
    }

    fn after_results(&mut self, byte: u8, output: &mut Vec<u8>) -> usize {
        if matches!(byte, b' ' | b'\t') {
            return self.hold(byte, State::Results);
        }
        self.end_results(output);
        self.state = State::LineStart;
        0
    }

    /// All of an `Authentication-Results` is held.
    fn end_results(&mut self, output: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let value = held.get(self.name_end..).unwrap_or_default();
        if results::may_be_of(value, &self.own) {
            self.remove_results();
        } else {
            self.keep(&held, output);
        }
        self.held = held;
        self.held.clear();
    }

    fn remove_results(&mut self) {
        self.removing = true;
        self.changed = true;
        self.removed_results = true;
    }

    /// What is held is text without an empty line before it.
    fn begin_text(&mut self, output: &mut Vec<u8>) {
        self.drop_dated();
        self.changed = true;
        self.keep(b"\r\n", output);
        output.append(&mut self.from_lines);
        output.append(&mut self.held);
        self.state = State::Body;
    }

    /// No field follows the `From ` lines: those without a date are text, and so is what is behind them.
    fn end_of_from_lines(&mut self, output: &mut Vec<u8>) {
        self.drop_dated();
        if !self.from_lines.is_empty() {
            self.begin_text(output);
        }
    }

    /// Drops the `From ` lines up to the first without a date.
    fn drop_dated(&mut self) {
        let lines = self.from_lines.split_inclusive(|byte| *byte == b'\n');
        let dated: usize = lines.take_while(|line| mbox::is_dated(line)).map(<[u8]>::len).sum();
        self.changed |= dated > 0;
        self.from_lines.drain(..dated);
    }

    fn hold(&mut self, byte: u8, next: State) -> usize {
        self.held.push(byte);
        self.state = next;
        1
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
