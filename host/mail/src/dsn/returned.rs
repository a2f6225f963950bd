//! The part that returns the mail or its headers.

use mail_parser::{HeaderName, MessageParser};

use super::{Report, Returned, quoted_printable};
use crate::header::guarded;
use crate::limits::DSN_RETURNED_BYTES;

/// The longest line of a mail (RFC 5322 section 2.1.1), without CRLF.
const LINE_BYTES: usize = 998;

/// The returned part, headers included.
pub(super) fn part(report: &Report<'_>) -> Vec<u8> {
    match report.returned {
        Returned::Full(mail) if is_fit(mail) => full(mail),
        Returned::Full(mail) | Returned::Headers(mail) => headers(section_of(mail)),
    }
}

/// The subject of the mail, decoded.
pub(super) fn subject_of(returned: Returned<'_>) -> Option<String> {
    let (Returned::Headers(mail) | Returned::Full(mail)) = returned;
    let message = [section_of(mail), b"\r\n"].concat();
    let parser = MessageParser::new().header_text(HeaderName::Subject).default_header_ignore();
    guarded(|| parser.parse_headers(&message)?.subject().map(str::to_owned))
}

fn full(mail: &[u8]) -> Vec<u8> {
    let kind: &[u8] = if section_of(mail).is_ascii() {
        b"Content-Type: message/rfc822\r\n"
    } else {
        b"Content-Type: message/global\r\n"
    };
    let encoding: &[u8] = if mail.is_ascii() {
        b"Content-Transfer-Encoding: 7bit\r\n\r\n"
    } else {
        b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    };
    [kind, encoding, mail, b"\r\n"].concat()
}

fn headers(section: &[u8]) -> Vec<u8> {
    let is_text = section.is_ascii() || std::str::from_utf8(section).is_err();
    let kind: &[u8] = if is_text {
        b"Content-Type: text/rfc822-headers\r\n"
    } else {
        b"Content-Type: message/global-headers\r\n"
    };
    if section.is_ascii() && is_fit(section) {
        return [kind, b"Content-Transfer-Encoding: 7bit\r\n\r\n", section, b"\r\n"].concat();
    }
    let encoded = quoted_printable::encode(section);
    [kind, b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", &encoded, b"\r\n"].concat()
}

/// The header section: up to the empty line, at most [`DSN_RETURNED_BYTES`].
fn section_of(mail: &[u8]) -> &[u8] {
    let bounded = mail.get(..DSN_RETURNED_BYTES).unwrap_or(mail);
    if bounded.starts_with(b"\r\n") {
        return b"";
    }
    let end = memchr::memmem::find(bounded, b"\r\n\r\n").map_or(bounded.len(), |at| at + 2);
    bounded.get(..end).unwrap_or(bounded)
}

/// Whether the bytes can stand in a message unencoded: whole lines that end in CRLF, none over 998 bytes, no bare CR or
/// LF, no NUL (RFC 2045 section 2.8).
fn is_fit(mail: &[u8]) -> bool {
    mail.split_inclusive(|byte| *byte == b'\n').all(|line| {
        line.strip_suffix(b"\r\n").is_some_and(|content| {
            content.len() <= LINE_BYTES && !content.contains(&b'\r') && !content.contains(&0)
        })
    })
}
