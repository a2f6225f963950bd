//! Whose an `Authentication-Results` field (RFC 8601) claims to be.

use super::trace::authserv_id;
use crate::tox_id::PublicKey;

/// Whether a field with this value may be read, by any program, as one that an account with one of the keys `own` wrote.
///
/// True also where it is not certain whose it is: programs differ about comments, quotes and escapes, and what one of
/// them reads is enough to fool its user. RFC 8601 section 5 lets a gateway remove such fields.
pub(super) fn may_be_of(value: &[u8], own: &[PublicKey]) -> bool {
    if !is_certain(value) {
        return true;
    }
    // Anywhere in the field, whatever is between its characters: nobody writes these names there for another purpose.
    let characters: Vec<u8> = squeezed(value).collect();
    own.iter().any(|key| {
        let name: Vec<u8> = squeezed(authserv_id(*key).as_bytes()).collect();
        memchr::memmem::find(&characters, &name).is_some()
    })
}

/// Letters and digits alone, in lower case.
fn squeezed(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase)
}

/// Whether the field names its writer in a form that every program reads alike: a word or a simple quoted string, perhaps a
/// version, simple comments around them, then a semicolon or the end.
fn is_certain(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let value = value.strip_prefix(b":").unwrap_or(value);
    (|| {
        let rest = after_word(after_comments(value)?)?;
        let rest = after_comments(rest)?;
        let version = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = after_comments(rest.get(version..)?)?;
        matches!(rest.first(), None | Some(b';')).then_some(())
    })()
    .is_some()
}

/// What follows blanks, line ends and comments; None where a comment is not simple.
fn after_comments(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = text.trim_ascii_start();
        let Some(comment) = text.strip_prefix(b"(") else { return Some(text) };
        let end = comment.iter().position(|byte| *byte == b')')?;
        if !comment.get(..end)?.iter().all(|byte| is_plain(*byte) || byte.is_ascii_whitespace()) {
            return None;
        }
        text = comment.get(end + 1..)?;
    }
}

/// What follows a word or a quoted string.
fn after_word(text: &[u8]) -> Option<&[u8]> {
    let (word, rest) = match text.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|byte| *byte == b'"')?;
            (quoted.get(..end)?, quoted.get(end + 1..)?)
        }
        None => text.split_at(text.iter().take_while(|byte| is_plain(**byte)).count()),
    };
    (!word.is_empty() && word.iter().all(|byte| is_plain(*byte))).then_some(rest)
}

/// Characters that mean nothing but themselves, in a comment, a quoted string or a word. Without `=`, which begins an encoded
/// word (RFC 2047).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_/:@+*!#$%&'^`{|}~".contains(&byte)
}
