//! A mail as a filter reads it: headers and parts are parsed when first asked for, within bounds.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use mail::Cause;
use mail::decision::mail_filter::MessageBytes;
use mail::limits::HEADER_SECTION_BYTES;
use mail_parser::{HeaderForm, HeaderName, MessageParser};

use crate::engine::bindings::host::toxmail::gateway::message::{MessageError, Part};
use crate::limits::{HEADER_NAMES, MESSAGE_READ_BYTES, PARSED_MAIL_BYTES};
use crate::questions::parts::{Beyond, Budget, Content, Leaf, parsed, take_apart};

/// One mail, lent to one call.
pub struct Message {
    source: Arc<dyn MessageBytes>,
    headers: OnceCell<Result<Option<mail_parser::Message<'static>>, Unavailable>>,
    parts: OnceCell<Result<Vec<Leaf>, NotTaken>>,
}

/// Storage failed, and why.
#[derive(Clone, Debug)]
pub struct Unavailable(pub Cause);

/// Why nothing is told of the parts.
#[derive(Clone, Copy, Debug)]
pub enum NotTaken {
    /// The component is told so.
    Said(MessageError),
    /// The call's time ended meanwhile.
    TimeOver,
}

impl From<MessageError> for NotTaken {
    fn from(error: MessageError) -> Self {
        Self::Said(error)
    }
}

impl From<Beyond> for NotTaken {
    fn from(beyond: Beyond) -> Self {
        match beyond {
            Beyond::Structure | Beyond::Memory => Self::Said(MessageError::NotParsed),
            Beyond::Time => Self::TimeOver,
        }
    }
}

impl Message {
    /// Nothing is read yet.
    pub fn new(source: Arc<dyn MessageBytes>) -> Self {
        Self { source, headers: OnceCell::new(), parts: OnceCell::new() }
    }

    /// The size of all bytes.
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
        Ok(fields.iter().take(HEADER_NAMES).filter_map(written).collect())
    }

    /// The tree of parts. What taking the mail apart needs is taken from the budget, at the first call.
    pub fn parts(&self, budget: &mut Budget<'_>) -> Result<Vec<Part>, NotTaken> {
        Ok(self.leaves(budget)?.iter().map(|leaf| leaf.part.clone()).collect())
    }

    /// Decoded text of a part, cut between characters.
    pub fn text(
        &self,
        part: u32,
        offset: u64,
        max: u32,
        budget: &mut Budget<'_>,
    ) -> Result<String, NotTaken> {
        match &self.leaf(part, budget)?.content {
            Content::Text(text) => Ok(slice_text(text, offset, max)),
            Content::Binary(_) | Content::Container => Err(MessageError::NoSuchPart.into()),
        }
    }

    /// Decoded bytes of a part.
    pub fn content(
        &self,
        part: u32,
        offset: u64,
        max: u32,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<u8>, NotTaken> {
        match &self.leaf(part, budget)?.content {
            Content::Text(bytes) | Content::Binary(bytes) => Ok(slice(bytes, offset, max).to_vec()),
            Content::Container => Err(MessageError::NoSuchPart.into()),
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

    fn leaf(&self, part: u32, budget: &mut Budget<'_>) -> Result<&Leaf, NotTaken> {
        self.leaves(budget)?.get(part as usize).ok_or(NotTaken::Said(MessageError::NoSuchPart))
    }

    fn leaves(&self, budget: &mut Budget<'_>) -> Result<&[Leaf], NotTaken> {
        match self.parts.get_or_init(|| self.take_apart(budget)) {
            Ok(leaves) => Ok(leaves),
            Err(error) => Err(*error),
        }
    }

    fn take_apart(&self, budget: &mut Budget<'_>) -> Result<Vec<Leaf>, NotTaken> {
        let size = self.source.size();
        if size > PARSED_MAIL_BYTES {
            return Err(MessageError::NotParsed.into());
        }
        let size = usize::try_from(size).map_err(|_| MessageError::NotParsed)?;
        budget.take(size)?;
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            budget.check_time()?;
            let max = (size - bytes.len()).min(MESSAGE_READ_BYTES as usize);
            let piece = self.source.read(bytes.len() as u64, max).map_err(|_| MessageError::Unavailable)?;
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(piece.get(..max).unwrap_or(&piece));
        }
        Ok(take_apart(&Bytes::from(bytes), budget)?)
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

fn slice(bytes: &[u8], offset: u64, max: u32) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let end = start.saturating_add(max.min(MESSAGE_READ_BYTES) as usize).min(bytes.len());
    bytes.get(start..end).unwrap_or_default()
}

/// As [`slice()`] of UTF-8, and both ends go back to the border of a character.
fn slice_text(text: &[u8], offset: u64, max: u32) -> String {
    let border = |mut at: usize| {
        while text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
            at -= 1;
        }
        at
    };
    let start = border(usize::try_from(offset).unwrap_or(usize::MAX).min(text.len()));
    let end = border(start.saturating_add(max.min(MESSAGE_READ_BYTES) as usize).min(text.len()));
    String::from_utf8_lossy(text.get(start..end).unwrap_or_default()).into_owned()
}
