//! Takes a mail apart (RFC 2045, RFC 2046): one pass over its lines, and parts that are ranges of one copy.
//!
//! The mail is a stranger's. Levels and parts are bounded, what has to be decoded is counted against the call's memory before
//! it is allocated, and the call's time is looked at while lines are read. Work grows with the bytes alone.

use std::borrow::Cow;

use bytes::Bytes;
use mail::limits::HEADER_SECTION_BYTES;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, MessageParser, MimeHeaders};

use crate::engine::bindings::host::toxmail::gateway::message::Part;
use crate::limits::{ENCODED_LEVELS, MAIL_LEVELS, MAIL_PARTS};

/// Lines between two looks at the clock.
const LINES_BETWEEN_LOOKS: usize = 256;

/// Bytes one byte of another character set becomes in UTF-8, at most: U+FFFD and most letters have three.
const UTF8_GROWTH: usize = 3;

/// A part and its decoded content.
#[derive(Debug)]
pub struct Leaf {
    /// What the component is told.
    pub part: Part,
    /// Its content.
    pub content: Content,
}

/// The decoded content of a part.
#[derive(Clone, Debug)]
pub enum Content {
    /// UTF-8.
    Text(Bytes),
    /// Bytes of any other kind.
    Binary(Bytes),
    /// A multipart: its content is other parts.
    Container,
}

/// What taking apart may still use.
pub struct Budget<'a> {
    /// Bytes of memory.
    pub bytes: u64,
    /// Whether the call's time is over.
    pub is_over: &'a dyn Fn() -> bool,
}

/// Why a mail was not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It has more levels or parts than are taken apart.
    Structure,
    /// Its parts need more memory than the call has left.
    Memory,
    /// The call's time is over.
    Time,
}

impl Budget<'_> {
    /// Takes memory before it is allocated.
    pub fn take(&mut self, bytes: usize) -> Result<(), Beyond> {
        self.bytes = self.bytes.checked_sub(bytes as u64).ok_or(Beyond::Memory)?;
        Ok(())
    }

    /// Gives back what was taken and not needed.
    fn give_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Looks at the clock.
    pub fn check_time(&self) -> Result<(), Beyond> {
        if (self.is_over)() { Err(Beyond::Time) } else { Ok(()) }
    }
}

/// The parts of a mail in the order of the text, those of mails inside it too.
pub fn take_apart(mail: &Bytes, budget: &mut Budget<'_>) -> Result<Vec<Leaf>, Beyond> {
    let mut leaves = Vec::new();
    let levels = Levels { all: MAIL_LEVELS, encoded: ENCODED_LEVELS };
    Walker { data: mail, at: 0, leaves: &mut leaves, open: Vec::new(), outside: None, levels, budget }
        .walk()?;
    Ok(leaves)
}

/// Levels that may still follow.
#[derive(Clone, Copy)]
struct Levels {
    all: usize,
    encoded: usize,
}

/// What the next line belongs to.
enum State {
    /// The content of a part that has no parts of its own.
    Content(Encoded),
    /// The text before the first and behind the last part of a multipart, which nobody is shown (RFC 2046 section 5.1.1).
    Between,
}

/// A part whose end is not known yet.
struct Encoded {
    number: usize,
    start: usize,
    transfer: Transfer,
    kind: Kind,
}

/// `Content-Transfer-Encoding` (RFC 2045 section 6).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transfer {
    None,
    Base64,
    QuotedPrintable,
}

enum Kind {
    Text { charset: Option<String> },
    Mail,
    Other,
}

/// A part that holds others.
enum Open {
    Multipart { number: usize, start: usize, boundary: Vec<u8>, is_digest: bool, has_parts: bool },
    Mail { number: usize, start: usize },
}

struct Walker<'a, 'b> {
    data: &'a Bytes,
    at: usize,
    leaves: &'a mut Vec<Leaf>,
    open: Vec<Open>,
    /// The part that contains all of this.
    outside: Option<u32>,
    levels: Levels,
    budget: &'a mut Budget<'b>,
}

/// A line: where it starts, where its text ends, and where the next one starts.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    end: usize,
    next: usize,
}

impl Walker<'_, '_> {
    fn walk(mut self) -> Result<(), Beyond> {
        let mut state = self.entity(self.outside, false)?;
        let mut lines = 0_usize;
        while let Some(line) = self.line(self.at) {
            lines += 1;
            if lines.is_multiple_of(LINES_BETWEEN_LOOKS) {
                self.budget.check_time()?;
            }
            self.at = line.next;
            let Some((place, is_last)) = self.boundary(line) else { continue };
            // The end of the line before belongs to the boundary.
            let end = self.end_before(line.start);
            self.finish(state, end)?;
            self.close(place + 1, end)?;
            state = if is_last {
                self.close(place, end)?;
                State::Between
            } else {
                self.next_part(place)?
            };
        }
        self.finish(state, self.data.len())?;
        self.close(0, self.data.len())
    }

    /// Another part of the innermost multipart begins here.
    fn next_part(&mut self, place: usize) -> Result<State, Beyond> {
        let Some(Open::Multipart { number, is_digest, has_parts, .. }) = self.open.get_mut(place) else {
            return Ok(State::Between);
        };
        *has_parts = true;
        let (number, is_digest) = (as_number(*number), *is_digest);
        self.entity(Some(number), is_digest)
    }

    /// Reads the header of a part, and of the mails that begin with it.
    fn entity(&mut self, parent: Option<u32>, in_digest: bool) -> Result<State, Beyond> {
        let (mut parent, mut in_digest) = (parent, in_digest);
        loop {
            let (start, end) = self.header_section();
            let section = self.data.slice(start..end.min(start + HEADER_SECTION_BYTES));
            let number = self.leaves.len();
            if number >= MAIL_PARTS {
                return Err(Beyond::Structure);
            }
            let header = Header::read(&section, in_digest);
            let described = header.content_type.len() + header.file_name.as_ref().map_or(0, String::len);
            self.budget.take(described + size_of::<Leaf>())?;
            let part = Part {
                index: as_number(number),
                parent,
                content_type: header.content_type,
                file_name: header.file_name,
                attachment: header.is_attachment,
                size: 0,
            };
            self.leaves.push(Leaf { part, content: Content::Container });
            match header.form {
                Form::Multipart { boundary, is_digest } => {
                    self.budget.take(boundary.len())?;
                    self.open(Open::Multipart { number, start: end, boundary, is_digest, has_parts: false })?;
                    return Ok(State::Between);
                }
                Form::Single(Kind::Mail) if header.transfer == Transfer::None => {
                    self.open(Open::Mail { number, start: end })?;
                    (parent, in_digest) = (Some(as_number(number)), false);
                }
                Form::Single(kind) => {
                    return Ok(State::Content(Encoded {
                        number,
                        start: end,
                        transfer: header.transfer,
                        kind,
                    }));
                }
            }
        }
    }

    fn open(&mut self, open: Open) -> Result<(), Beyond> {
        if self.open.len() >= self.levels.all {
            return Err(Beyond::Structure);
        }
        self.open.push(open);
        Ok(())
    }

    /// From here to behind the empty line, or up to a boundary where that is missing. The walk goes on behind it.
    fn header_section(&mut self) -> (usize, usize) {
        let start = self.at;
        while let Some(line) = self.line(self.at) {
            if self.boundary(line).is_some() {
                break;
            }
            self.at = line.next;
            if line.start == line.end {
                break;
            }
        }
        (start, self.at)
    }

    fn line(&self, start: usize) -> Option<Line> {
        let rest = self.data.get(start..).filter(|rest| !rest.is_empty())?;
        let (length, next) = match memchr::memchr(b'\n', rest) {
            Some(newline) => (newline, start + newline + 1),
            None => (rest.len(), self.data.len()),
        };
        let text = rest.get(..length).unwrap_or_default();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Some(Line { start, end: start + text.len(), next })
    }

    /// Where the line before ends.
    fn end_before(&self, start: usize) -> usize {
        let before = self.data.get(..start).unwrap_or_default();
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        before.strip_suffix(b"\r").unwrap_or(before).len()
    }

    /// The open multipart whose boundary the line is, the innermost first, and whether it is the last one (RFC 2046 section 5.1.1).
    fn boundary(&self, line: Line) -> Option<(usize, bool)> {
        let text = self.data.get(line.start..line.end)?.strip_prefix(b"--")?;
        let is_blank = |rest: &[u8]| rest.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        self.open.iter().enumerate().rev().find_map(|(place, open)| {
            let Open::Multipart { boundary, .. } = open else { return None };
            let rest = text.strip_prefix(boundary.as_slice())?;
            if is_blank(rest) {
                return Some((place, false));
            }
            rest.strip_prefix(b"--").is_some_and(is_blank).then_some((place, true))
        })
    }

    /// The content of a part ends here.
    fn finish(&mut self, state: State, end: usize) -> Result<(), Beyond> {
        let State::Content(Encoded { number, start, transfer, kind }) = state else { return Ok(()) };
        let raw = self.data.slice(start.min(end)..end);
        let decoded = self.decoded(&raw, transfer)?;
        let (content, is_mail) = match (kind, decoded) {
            // What cannot be decoded is shown as it came.
            (_, None) => (Content::Text(self.text(&raw, None)?), false),
            (Kind::Text { charset }, Some(decoded)) => {
                (Content::Text(self.text(&decoded, charset.as_deref())?), false)
            }
            (Kind::Mail, Some(decoded)) => (Content::Binary(decoded), true),
            (Kind::Other, Some(decoded)) => (Content::Binary(decoded), false),
        };
        let inside = if let Content::Binary(bytes) = &content { bytes.clone() } else { Bytes::new() };
        self.fill(number, content);
        if is_mail && self.levels.encoded > 0 {
            self.walk_inside(number, &inside)?;
        }
        Ok(())
    }

    /// A mail that came encoded: its parts are ranges of the decoded copy.
    fn walk_inside(&mut self, number: usize, mail: &Bytes) -> Result<(), Beyond> {
        let all = self.levels.all.checked_sub(self.open.len() + 1).ok_or(Beyond::Structure)?;
        let levels = Levels { all, encoded: self.levels.encoded - 1 };
        let (leaves, budget) = (&mut *self.leaves, &mut *self.budget);
        let outside = Some(as_number(number));
        Walker { data: mail, at: 0, leaves, open: Vec::new(), outside, levels, budget }.walk()
    }

    /// What the transfer encoding hides; none if it is broken.
    fn decoded(&mut self, raw: &Bytes, transfer: Transfer) -> Result<Option<Bytes>, Beyond> {
        if transfer == Transfer::None {
            return Ok(Some(raw.clone()));
        }
        self.budget.check_time()?;
        // Neither encoding has fewer bytes than what it encodes.
        self.budget.take(raw.len())?;
        let decoded = match transfer {
            Transfer::Base64 => base64_decode(raw),
            _ => quoted_printable_decode(raw),
        };
        let kept = decoded.as_ref().map_or(0, Vec::len);
        self.budget.give_back(raw.len().saturating_sub(kept));
        Ok(decoded.map(|mut decoded| {
            decoded.shrink_to_fit();
            Bytes::from(decoded)
        }))
    }

    /// The text in UTF-8: a range of what is there where that is UTF-8 already.
    fn text(&mut self, bytes: &Bytes, charset: Option<&str>) -> Result<Bytes, Beyond> {
        let is_utf8 = |charset: &str| matches!(charset, "utf-8" | "utf8" | "us-ascii");
        let decoder =
            charset.filter(|charset| !is_utf8(charset)).and_then(|name| charset_decoder(name.as_bytes()));
        if decoder.is_none() && std::str::from_utf8(bytes).is_ok() {
            return Ok(bytes.clone());
        }
        self.budget.check_time()?;
        let most = bytes.len().saturating_mul(UTF8_GROWTH);
        self.budget.take(most)?;
        let mut text = match decoder {
            Some(decoder) => decoder(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.shrink_to_fit();
        self.budget.give_back(most.saturating_sub(text.len()));
        Ok(Bytes::from(text))
    }

    /// What is open from `place` on ends here.
    fn close(&mut self, place: usize, end: usize) -> Result<(), Beyond> {
        for open in self.open.split_off(place.min(self.open.len())).into_iter().rev() {
            match open {
                Open::Mail { number, start } => {
                    self.fill(number, Content::Binary(self.data.slice(start.min(end)..end)));
                }
                // Its boundary never came: all of it is text.
                Open::Multipart { number, start, has_parts: false, .. } => {
                    let text = self.text(&self.data.slice(start.min(end)..end), None)?;
                    self.fill(number, Content::Text(text));
                }
                Open::Multipart { .. } => {}
            }
        }
        Ok(())
    }

    fn fill(&mut self, number: usize, content: Content) {
        if let Some(leaf) = self.leaves.get_mut(number) {
            leaf.part.size = match &content {
                Content::Text(bytes) | Content::Binary(bytes) => bytes.len() as u64,
                Content::Container => 0,
            };
            leaf.content = content;
        }
    }
}

/// There are [`MAIL_PARTS`] parts at most.
fn as_number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What the header of a part says about it.
struct Header {
    content_type: String,
    file_name: Option<String>,
    is_attachment: bool,
    transfer: Transfer,
    form: Form,
}

enum Form {
    Multipart { boundary: Vec<u8>, is_digest: bool },
    Single(Kind),
}

impl Header {
    /// A header that cannot be read says nothing: the part is plain text, or in a digest a mail (RFC 2046 section 5.1.5).
    fn read(section: &[u8], in_digest: bool) -> Self {
        let parsed = parsed(|| {
            let headers =
                MessageParser::new().with_mime_headers().default_header_ignore().parse_headers(section)?;
            Some(Self::of(headers.parts.first()?, in_digest))
        });
        parsed.unwrap_or_else(|| Self {
            content_type: default_type(in_digest).to_owned(),
            file_name: None,
            is_attachment: false,
            transfer: Transfer::None,
            form: Form::Single(if in_digest { Kind::Mail } else { Kind::Text { charset: None } }),
        })
    }

    fn of(part: &mail_parser::MessagePart<'_>, in_digest: bool) -> Self {
        let content_type = part.content_type();
        let name = content_type.map_or_else(|| default_type(in_digest).to_owned(), type_name);
        let transfer = match part.content_transfer_encoding() {
            Some(encoding) if encoding.eq_ignore_ascii_case("base64") => Transfer::Base64,
            Some(encoding) if encoding.eq_ignore_ascii_case("quoted-printable") => Transfer::QuotedPrintable,
            _ => Transfer::None,
        };
        let attribute = |name| content_type.and_then(|content_type| content_type.attribute(name));
        let text = || Kind::Text { charset: attribute("charset").map(str::to_ascii_lowercase) };
        let form = match (name.split_once('/').unwrap_or((&name, "")), attribute("boundary")) {
            (("multipart", subtype), Some(boundary)) if !boundary.is_empty() => Form::Multipart {
                boundary: boundary.trim_end().as_bytes().to_vec(),
                is_digest: subtype == "digest",
            },
            (("multipart" | "text", _), _) => Form::Single(text()),
            (("message", "rfc822" | "global"), _) => Form::Single(Kind::Mail),
            _ => Form::Single(Kind::Other),
        };
        let is_attachment = part.content_disposition().is_some_and(ContentType::is_attachment);
        let file_name = part.attachment_name().map(str::to_owned);
        Self { content_type: name, file_name, is_attachment, transfer, form }
    }
}

fn default_type(in_digest: bool) -> &'static str {
    if in_digest { "message/rfc822" } else { "text/plain" }
}

fn type_name(content_type: &ContentType<'_>) -> String {
    let name = match content_type.subtype() {
        Some(subtype) => Cow::Owned(format!("{}/{subtype}", content_type.ctype())),
        None => Cow::Borrowed(content_type.ctype()),
    };
    name.to_ascii_lowercase()
}

/// What the parser makes of a stranger's bytes; none too if it panics, which must not cost the mail.
pub fn parsed<R>(parse: impl FnOnce() -> Option<R>) -> Option<R> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(parse)).ok().flatten()
}

#[cfg(test)]
mod tests;
