//! What the gateway reads from a header section.

use mail_parser::{HeaderName, HeaderValue, MessageParser};

use crate::address::Address;
use crate::limits::{FROM_ADDRESSES, HEADER_SECTION_BYTES};

/// What a header section says, as far as the gateway's own checks need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// How many `From` fields there are. RFC 5322 section 3.6 wants one: with more, programs differ in what they show.
    pub from_fields: usize,
    /// The addresses in `From`.
    pub from: Vec<Address>,
    /// Something in `From` could not be read as an address, or the section is not complete: nothing may be concluded
    /// from `from`.
    pub unclear: bool,
    /// Whether there is a `Reply-To`.
    pub reply_to: bool,
}

/// Reads a header section, with or without the body after it. Never fails: what cannot be read is marked unclear.
///
/// Looks at [`HEADER_SECTION_BYTES`] at most; a longer section is marked unclear.
#[must_use]
pub fn facts(bytes: &[u8]) -> HeaderFacts {
    let mut found = HeaderFacts::default();
    let section = section_of(bytes.get(..HEADER_SECTION_BYTES).unwrap_or(bytes));
    found.unclear = section.len() >= HEADER_SECTION_BYTES;
    for field in unfolded_fields(section) {
        let Some((name, value)) = split_field(&field) else { continue };
        if name.eq_ignore_ascii_case(b"from") {
            found.from_fields += 1;
            read_from(value, &mut found);
        } else if name.eq_ignore_ascii_case(b"reply-to") {
            found.reply_to = true;
        }
    }
    found
}

/// The bytes up to the first empty line.
fn section_of(bytes: &[u8]) -> &[u8] {
    let mut line_start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            let line = bytes.get(line_start..at).unwrap_or_default();
            if line.is_empty() || line == b"\r" {
                return bytes.get(..line_start).unwrap_or_default();
            }
            line_start = at + 1;
        }
    }
    bytes
}

/// Each field as one line: line ends become blanks.
fn unfolded_fields(section: &[u8]) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in section.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        match fields.last_mut() {
            Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                field.push(b' ');
                field.extend_from_slice(content);
            }
            _ => fields.push(content.to_vec()),
        }
    }
    fields
}

fn split_field(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = field.iter().position(|byte| *byte == b':')?;
    let (name, value) = field.split_at(colon);
    Some((name.trim_ascii_end(), value.get(1..).unwrap_or_default().trim_ascii()))
}

/// What the parser makes of a stranger's bytes; nothing if it panics: that must not cost the mail.
pub(crate) fn guarded<T>(parse: impl FnOnce() -> Option<T>) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(parse)).ok().flatten()
}

/// Reads one `From` value with mail-parser, in a message of its own so that no other field can interfere.
fn read_from(value: &[u8], found: &mut HeaderFacts) {
    let message = [b"From: ", value, b"\r\n\r\n"].concat();
    let parser = MessageParser::new().header_address(HeaderName::From).default_header_ignore();
    let parsed = guarded(|| parser.parse_headers(&message));
    let addresses = parsed.as_ref().and_then(|message| match message.header(HeaderName::From) {
        Some(HeaderValue::Address(addresses)) => Some(addresses),
        _ => None,
    });
    let mut any = false;
    for address in addresses.iter().flat_map(|list| list.iter()) {
        any = true;
        match address.address.as_deref().unwrap_or_default().parse() {
            Ok(address) if found.from.len() < FROM_ADDRESSES => found.from.push(address),
            _ => found.unclear = true,
        }
    }
    found.unclear |= !any;
}
