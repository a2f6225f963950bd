//! From the bytes of a vCard's file to its lines.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::split_head;

/// The text of a file in UTF-8 or UTF-16 (also without a byte order mark: the first letter is a `B`), line ends as LF.
pub(super) fn text(file: &[u8]) -> String {
    let text: Cow<'_, str> = match file {
        [0xFF, 0xFE, text @ ..] => utf16(text, u16::from_le_bytes).into(),
        [0xFE, 0xFF, text @ ..] => utf16(text, u16::from_be_bytes).into(),
        [b'B' | b'b', 0, ..] => utf16(file, u16::from_le_bytes).into(),
        [0, b'B' | b'b', ..] => utf16(file, u16::from_be_bytes).into(),
        [0xEF, 0xBB, 0xBF, text @ ..] => String::from_utf8_lossy(text),
        text => String::from_utf8_lossy(text),
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Lines with what was folded put together again: behind a blank (RFC 6350 section 3.2), and in vCard 2.1 behind a `=` at the
/// end of quoted-printable.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // The last line is quoted-printable and goes on.
    let mut goes_on = false;
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (_, Some(last)) if goes_on => {
                last.pop();
                last.push_str(line);
            }
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
        goes_on = line.ends_with('=')
            && (goes_on
                || lines
                    .last()
                    .and_then(|last| split_head(last))
                    .is_some_and(|(head, _)| is_quoted_printable(head)));
    }
    lines
}

/// Whether the parameters of a property say so.
pub(super) fn is_quoted_printable(head: &str) -> bool {
    is_encoded(head, &["QUOTED-PRINTABLE"])
}

/// Whether the parameters of a property say that its value is in base64: `BASE64` (vCard 2.1), `b` (RFC 2426 section 5).
pub(super) fn is_base64(head: &str) -> bool {
    is_encoded(head, &["BASE64", "B"])
}

fn is_encoded(head: &str, names: &[&str]) -> bool {
    head.split(';').skip(1).any(|parameter| {
        // vCard 2.1 may leave the parameter's name out.
        let (name, value) = parameter.split_once('=').unwrap_or(("ENCODING", parameter));
        name.trim().eq_ignore_ascii_case("ENCODING")
            && names.iter().any(|name| value.trim().eq_ignore_ascii_case(name))
    })
}

/// Decodes base64 that is text; None where it is not: a photo, say.
pub(super) fn base64(value: &str) -> Option<String> {
    let value: String = value.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(value).ok()?).ok()
}

/// Decodes quoted-printable (RFC 2045 section 6.7). What is malformed stays as it is.
pub(super) fn quoted_printable(value: &str) -> String {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'=');
        let byte = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
