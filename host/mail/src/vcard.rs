//! vCards (RFC 6350, 3.0 as RFC 2426 has it, and 2.1) with a Tox ID: written for people to hand on, read to add a contact.
//!
//! A Tox ID is in `IMPP:tox:<id>`. It is also looked for in `URL`, `X-TOX`, and `EMAIL` (`<id>@tox`), which other programs
//! write; also in groups of digits, in quoted-printable or base64, in UTF-16, and with any
//! line ends.

mod decode;

use crate::address::Address;
use crate::limits::VCARD_BYTES;
use crate::tox_id::{InvalidToxId, ToxId, ungrouped};

/// Why a text gives no Tox ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVcard {
    /// No vCard, or an endless one.
    #[error("this is not a vCard: it does not begin with BEGIN:VCARD, or is larger than 16 MB")]
    Form,
    /// More than one person.
    #[error("there is more than one vCard in it: give one person at a time")]
    Several,
    /// More than one Tox ID.
    #[error("there are several Tox IDs in this vCard: ask which one is right, and give that one")]
    SeveralIds,
    /// Nothing of Tox in it.
    #[error("there is no Tox ID in this vCard: ask them for theirs (`toxmail id --vcard` writes one)")]
    NoToxId,
    /// Something of Tox, mistyped.
    #[error("the Tox ID in this vCard is wrong: {0}")]
    ToxId(#[from] InvalidToxId),
}

/// The vCard of somebody: name, mail addresses, Tox ID. Ends with CRLF.
#[must_use]
pub fn write(name: &str, id: ToxId, addresses: &[Address]) -> String {
    let mut lines = vec!["BEGIN:VCARD".to_owned(), "VERSION:4.0".to_owned(), format!("FN:{}", escaped(name))];
    lines.push(format!("IMPP:tox:{id}"));
    lines.extend(addresses.iter().map(|address| format!("EMAIL:{}", escaped(&address.to_string()))));
    lines.push("END:VCARD".to_owned());
    lines.iter().map(|line| folded(line)).collect()
}

/// The Tox ID in a vCard, in whatever form its file has.
///
/// # Errors
/// [`InvalidVcard`]
pub fn tox_id(file: &[u8]) -> Result<ToxId, InvalidVcard> {
    if file.len() > VCARD_BYTES {
        return Err(InvalidVcard::Form);
    }
    let lines = decode::lines(&decode::text(file));
    let mut lines = lines.iter().filter(|line| !line.trim().is_empty());
    if !lines.next().is_some_and(|line| line.trim().eq_ignore_ascii_case("BEGIN:VCARD")) {
        return Err(InvalidVcard::Form);
    }
    let mut found: Option<ToxId> = None;
    let mut wrong: Option<InvalidToxId> = None;
    for line in lines {
        let Some(Property { name, service, value }) = property(line) else { continue };
        if name == "BEGIN" && value.trim().eq_ignore_ascii_case("VCARD") {
            return Err(InvalidVcard::Several);
        }
        match candidate(&name, service, &value).map(|candidate| candidate.parse::<ToxId>()) {
            Some(Ok(id)) if found.is_some_and(|other| other != id) => return Err(InvalidVcard::SeveralIds),
            Some(Ok(id)) => found = Some(id),
            Some(Err(why)) => wrong = Some(why),
            None => {}
        }
    }
    found.ok_or(wrong.map_or(InvalidVcard::NoToxId, InvalidVcard::ToxId))
}

/// What may be a Tox ID in a property.
fn candidate(name: &str, service: Service, value: &str) -> Option<String> {
    let value = value.trim();
    match name {
        "IMPP" | "URL" | "X-TOX" => {
            let bare = strip_scheme(value, "tox").or_else(|| {
                let is_tox = name == "X-TOX" || service == Service::Tox;
                // The scheme of services that Apple's programs do not know.
                is_tox.then(|| strip_scheme(value, "x-apple").unwrap_or(value))
            })?;
            let end = bare.find(['?', '/']).unwrap_or(bare.len());
            let id = bare.get(..end)?.replace("%20", " ");
            Some(ungrouped(&id).unwrap_or(id))
        }
        "EMAIL" => {
            let address: Address = strip_scheme(value, "mailto").unwrap_or(value).parse().ok()?;
            let is_id = address.is_tox() && address.local().len() == 2 * ToxId::BYTES;
            is_id.then(|| address.local().to_owned())
        }
        _ => None,
    }
}

/// What follows `scheme:` or `scheme://`.
fn strip_scheme<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.strip_prefix("//").unwrap_or(rest))
}

/// The messenger that a property is about, by its parameter `X-SERVICE-TYPE`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Tox,
    OtherOrNone,
}

impl Service {
    /// The service of a line, from the text before its colon.
    fn of(head: &str) -> Self {
        let is_tox = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("X-SERVICE-TYPE") && value.eq_ignore_ascii_case("tox")
        };
        if head.split(';').skip(1).any(is_tox) { Self::Tox } else { Self::OtherOrNone }
    }
}

/// A line, taken apart.
struct Property {
    /// In upper case, without group and parameters.
    name: String,
    service: Service,
    /// Its value, unescaped.
    value: String,
}

fn property(line: &str) -> Option<Property> {
    let (head, value) = split_head(line)?;
    let name = head.split(';').next()?;
    let name = name.rsplit('.').next()?.trim().to_ascii_uppercase();
    let value = if decode::is_quoted_printable(head) {
        &decode::quoted_printable(value)
    } else if decode::is_base64(head) {
        &decode::base64(value)?
    } else {
        value
    };
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            char => text.push(char),
        }
    }
    Some(Property { name, service: Service::of(head), value: text })
}

/// At the first colon that is not within quotes (RFC 6350 section 3.3).
fn split_head(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.find(|char| {
        quoted ^= char == '"';
        char == ':' && !quoted
    })?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => escaped.push_str("\\n"),
            '\\' | ',' | ';' => escaped.extend(['\\', char]),
            char if char.is_control() => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}

/// A line of at most 75 bytes, the rest behind line ends and blanks, CRLF at the end.
fn folded(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 8);
    let mut column = 0;
    for char in line.chars() {
        if column + char.len_utf8() > 75 {
            text.push_str("\r\n ");
            column = 1;
        }
        text.push(char);
        column += char.len_utf8();
    }
    text + "\r\n"
}

#[cfg(test)]
mod tests;
