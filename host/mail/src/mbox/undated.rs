//! Lines `From ` without a date: separators of some programs, and lines that people write.
//!
//! Taken for a separator, a line of a mail would be dropped and its mail cut in two. Taken for a line of a mail, a separator stays
//! readable, and so does what is behind it. So in doubt it is a line: a separator has a header behind it that looks like one.

use super::is_field;

use crate::limits::{MBOX_SEPARATOR_BYTES, MBOX_UNDATED_LOOK_BYTES};

/// Fields that mails begin with, as written by mail servers and by the programs whose files these are.
const KNOWN: [&str; 24] = [
    "authentication-results",
    "bcc",
    "cc",
    "content-type",
    "date",
    "delivered-to",
    "dkim-signature",
    "envelope-to",
    "from",
    "list-id",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "status",
    "subject",
    "to",
    "x-account-key",
    "x-gm-thrid",
    "x-mozilla-keys",
    "x-mozilla-status",
    "x-original-to",
];

/// A line `From ` of which nothing is decided, and the lines behind it.
#[derive(Debug)]
pub(super) struct Undated {
    lines: Vec<Vec<u8>>,
    bytes: usize,
    /// Known fields so far, each once.
    fields: Vec<&'static str>,
    /// How many make it a separator.
    enough: usize,
}

/// What a line behind it decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decided {
    /// Nothing is decided yet.
    NotYet,
    /// It is a separator.
    Separator,
    /// It is a line of a mail, and the line that decided was not taken.
    Text,
}

impl Undated {
    /// A line `From `. Before the first mail any field makes it a separator, and one known field does behind a line that says nothing of
    /// a sender, as no sentence does, and in a file that began with an undated separator. Else it takes two.
    pub fn new(line: &[u8], is_first: bool, is_usual: bool) -> Option<Self> {
        if line.len() > MBOX_SEPARATOR_BYTES {
            return None;
        }
        let is_bare = matches!(line.trim_ascii_end(), b"From" | b"From -");
        let enough = match (is_first, is_bare || is_usual) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        Some(Self { lines: vec![line.to_vec()], bytes: line.len(), fields: Vec::new(), enough })
    }

    /// Takes the next line, whole or not.
    pub fn line(&mut self, text: &[u8], is_whole: bool) -> Decided {
        let continues = self.lines.len() > 1 && matches!(text.first(), Some(b' ' | b'\t'));
        if !is_whole || !(is_field(text) || continues) || self.bytes + text.len() > MBOX_UNDATED_LOOK_BYTES {
            return Decided::Text;
        }
        self.bytes += text.len();
        self.lines.push(text.to_vec());
        let known = (!continues).then(|| known(text)).flatten();
        self.fields.extend(known.filter(|name| !self.fields.contains(name)));
        if self.fields.len() >= self.enough { Decided::Separator } else { Decided::NotYet }
    }

    /// The line itself, and those that were taken.
    pub fn into_lines(self) -> Vec<Vec<u8>> {
        self.lines
    }
}

fn known(field: &[u8]) -> Option<&'static str> {
    let name = field.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
    KNOWN.into_iter().find(|known| known.as_bytes().eq_ignore_ascii_case(name))
}
