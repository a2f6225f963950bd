//! A mail as a filter reads it: headers and parts are parsed when first asked for, within bounds.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use mail::limits::HEADER_SECTION_BYTES;
use mail_parser::{HeaderForm, HeaderName, MessageParser, MimeHeaders, PartType};

use crate::bindings::host::toxmail::gateway::message::{MessageError, Part};
use crate::capabilities::MessageSource;
use crate::limits::{MAIL_PARTS, MESSAGE_READ_BYTES, PARSED_MAIL_BYTES};

/// One mail, lent to one call.
pub struct Message {
    source: Arc<dyn MessageSource>,
    headers: OnceCell<Result<Option<mail_parser::Message<'static>>, Unavailable>>,
    parts: OnceCell<Result<Vec<Leaf>, MessageError>>,
}

/// Storage failed, and why.
#[derive(Clone, Debug)]
pub struct Unavailable(pub String);

/// A part and its decoded content.
struct Leaf {
    part: Part,
    content: Content,
}

enum Content {
    Text(String),
    Binary(Vec<u8>),
    /// A multipart: its content is other parts.
    Container,
}

impl Message {
    /// Nothing is read yet.
    pub fn new(source: Arc<dyn MessageSource>) -> Self {
        Self { source, headers: OnceCell::new(), parts: OnceCell::new() }
    }

    /// All bytes.
    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// Decoded values of all header fields of a name.
    pub fn header(&self, name: &str) -> Result<Vec<String>, Unavailable> {
        let (Some(headers), Some(name)) = (self.headers()?, HeaderName::parse(name.to_owned())) else {
            return Ok(Vec::new());
        };
        let values = headers.header_as(name, HeaderForm::Text);
        Ok(values.into_iter().filter_map(|value| value.into_text().map(|text| text.into_owned())).collect())
    }

    /// Names of all header fields, in order, as written.
    pub fn header_names(&self) -> Result<Vec<String>, Unavailable> {
        let Some(headers) = self.headers()? else { return Ok(Vec::new()) };
        let fields = headers.parts.first().map(|part| part.headers.as_slice()).unwrap_or_default();
        let raw = headers.raw_message.as_ref();
        let written = |field: &mail_parser::Header<'_>| {
            // Up to the colon before the value; the parser itself knows common names in one spelling only.
            let bytes = raw.get(field.offset_field as usize..field.offset_start as usize)?;
            let text = String::from_utf8_lossy(bytes);
            let name = text.trim_end_matches(':').trim();
            // What is no mail has lines that are no header fields.
            let printable = !name.is_empty() && !name.chars().any(char::is_control);
            printable.then(|| name.to_owned())
        };
        Ok(fields.iter().take(MAIL_PARTS).filter_map(written).collect())
    }

    /// The tree of parts.
    pub fn parts(&self) -> Result<Vec<Part>, MessageError> {
        Ok(self.leaves()?.iter().map(|leaf| leaf.part.clone()).collect())
    }

    /// Decoded text of a part, cut between characters.
    pub fn text(&self, part: u32, offset: u64, max: u32) -> Result<String, MessageError> {
        match &self.leaf(part)?.content {
            Content::Text(text) => Ok(slice_text(text, offset, max).to_owned()),
            Content::Binary(_) | Content::Container => Err(MessageError::NoSuchPart),
        }
    }

    /// Decoded bytes of a part.
    pub fn content(&self, part: u32, offset: u64, max: u32) -> Result<Vec<u8>, MessageError> {
        match &self.leaf(part)?.content {
            Content::Text(text) => Ok(slice(text.as_bytes(), offset, max).to_vec()),
            Content::Binary(bytes) => Ok(slice(bytes, offset, max).to_vec()),
            Content::Container => Err(MessageError::NoSuchPart),
        }
    }

    /// Bytes as transferred.
    pub fn raw(&self, offset: u64, max: u32) -> Result<Vec<u8>, Unavailable> {
        let max = max.min(MESSAGE_READ_BYTES) as usize;
        self.read(offset, max)
    }

    /// The header section; none if there is no header field at all.
    fn headers(&self) -> Result<Option<&mail_parser::Message<'static>>, Unavailable> {
        let headers = self.headers.get_or_init(|| {
            let section = self.header_section()?;
            Ok(parsed(|| {
                MessageParser::default().parse_headers(&section).map(mail_parser::Message::into_owned)
            }))
        });
        match headers {
            // The parser's own methods want a first part.
            Ok(headers) => Ok(headers.as_ref().filter(|headers| !headers.parts.is_empty())),
            Err(error) => Err(error.clone()),
        }
    }

    /// The bytes up to the first empty line, or as many as are parsed at most.
    fn header_section(&self) -> Result<Vec<u8>, Unavailable> {
        let mut section = Vec::new();
        while section.len() < HEADER_SECTION_BYTES {
            let piece = self.source.read(section.len() as u64, 8192).map_err(Unavailable)?;
            // An empty line may lie across the border of two pieces.
            let from = section.len().saturating_sub(3);
            section.extend_from_slice(&piece);
            let fresh = section.get(from..).unwrap_or_default();
            if let Some(end) = memchr::memmem::find(fresh, b"\r\n\r\n") {
                section.truncate(from + end + 4);
                break;
            }
            if piece.is_empty() {
                break;
            }
        }
        section.truncate(HEADER_SECTION_BYTES);
        Ok(section)
    }

    fn leaf(&self, part: u32) -> Result<&Leaf, MessageError> {
        self.leaves()?.get(part as usize).ok_or(MessageError::NoSuchPart)
    }

    fn leaves(&self) -> Result<&[Leaf], MessageError> {
        match self.parts.get_or_init(|| self.parse_parts()) {
            Ok(leaves) => Ok(leaves),
            Err(error) => Err(*error),
        }
    }

    fn parse_parts(&self) -> Result<Vec<Leaf>, MessageError> {
        let size = self.source.size();
        if size > PARSED_MAIL_BYTES {
            return Err(MessageError::NotParsed);
        }
        let size = usize::try_from(size).map_err(|_| MessageError::NotParsed)?;
        let bytes = self.read(0, size).map_err(|_| MessageError::Unavailable)?;
        if content_types(&bytes) > MAIL_PARTS {
            return Err(MessageError::NotParsed);
        }
        let leaves = parsed(|| {
            let mail = MessageParser::default().parse(&bytes)?;
            let mut leaves = Vec::new();
            flatten(mail, None, &mut leaves).ok()?;
            Some(leaves)
        });
        leaves.ok_or(MessageError::NotParsed)
    }

    fn read(&self, offset: u64, max: usize) -> Result<Vec<u8>, Unavailable> {
        let mut bytes = Vec::new();
        while bytes.len() < max {
            let at = offset.saturating_add(bytes.len() as u64);
            let piece: Bytes = self.source.read(at, max - bytes.len()).map_err(Unavailable)?;
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(piece.get(..max - bytes.len()).unwrap_or(&piece));
        }
        Ok(bytes)
    }
}

/// What the parser makes of a stranger's bytes; none too if it panics, which must not cost the mail.
fn parsed<R>(parse: impl FnOnce() -> Option<R>) -> Option<R> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(parse)).ok().flatten()
}

/// Lines that begin with `Content-Type`: nested mails and parts each need one, at every second level at least. Counting
/// them first bounds how deep the parser's result is nested, since freeing it recurses.
fn content_types(bytes: &[u8]) -> usize {
    const FIELD: &[u8] = b"content-type";
    let begins = |from: usize| {
        bytes.get(from..from + FIELD.len()).is_some_and(|start| start.eq_ignore_ascii_case(FIELD))
    };
    usize::from(begins(0)) + memchr::memchr_iter(b'\n', bytes).filter(|newline| begins(newline + 1)).count()
}

/// Numbers the parts of a mail in the order of the text, those of mails inside it too.
fn flatten(
    mail: mail_parser::Message<'_>,
    inside: Option<u32>,
    leaves: &mut Vec<Leaf>,
) -> Result<(), MessageError> {
    let mut parents = vec![inside; mail.parts.len()];
    let mut numbers = Vec::with_capacity(mail.parts.len());
    for (place, part) in mail.parts.into_iter().enumerate() {
        let number = u32::try_from(leaves.len()).map_err(|_| MessageError::NotParsed)?;
        if leaves.len() >= MAIL_PARTS {
            return Err(MessageError::NotParsed);
        }
        numbers.push(number);
        if let PartType::Multipart(children) = &part.body {
            for child in children {
                if let Some(parent) = parents.get_mut(*child as usize) {
                    *parent = Some(number);
                }
            }
        }
        let parent = parents.get(place).copied().flatten();
        let mut described = describe(&part, number, parent);
        match part.body {
            PartType::Text(text) | PartType::Html(text) => {
                described.size = text.len() as u64;
                leaves.push(Leaf { part: described, content: Content::Text(text.into_owned()) });
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                described.size = bytes.len() as u64;
                leaves.push(Leaf { part: described, content: Content::Binary(bytes.into_owned()) });
            }
            PartType::Multipart(_) => leaves.push(Leaf { part: described, content: Content::Container }),
            PartType::Message(nested) => {
                let raw = nested.raw_message().to_vec();
                described.size = raw.len() as u64;
                leaves.push(Leaf { part: described, content: Content::Binary(raw) });
                flatten(nested, Some(number), leaves)?;
            }
        }
    }
    Ok(())
}

fn describe(part: &mail_parser::MessagePart<'_>, index: u32, parent: Option<u32>) -> Part {
    let content_type = part.content_type().map_or_else(
        || "text/plain".to_owned(),
        |content_type| match content_type.subtype() {
            Some(subtype) => format!("{}/{subtype}", content_type.ctype()).to_ascii_lowercase(),
            None => content_type.ctype().to_ascii_lowercase(),
        },
    );
    let attachment = part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment);
    let file_name = part.attachment_name().map(str::to_owned);
    Part { index, parent, content_type, file_name, attachment, size: 0 }
}

fn slice(bytes: &[u8], offset: u64, max: u32) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let end = start.saturating_add(max.min(MESSAGE_READ_BYTES) as usize).min(bytes.len());
    bytes.get(start..end).unwrap_or_default()
}

/// As [`slice()`], and both ends go back to the border of a character.
fn slice_text(text: &str, offset: u64, max: u32) -> &str {
    let border = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(usize::try_from(offset).unwrap_or(usize::MAX).min(text.len()));
    let end = border(start.saturating_add(max.min(MESSAGE_READ_BYTES) as usize).min(text.len()));
    text.get(start..end).unwrap_or_default()
}
