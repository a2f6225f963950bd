//! Many mails in one file: the mbox format in the variant "mboxrd" (RFC 4155 tells the family's common part).
//!
//! A mail begins behind a line `From sender date` and ends with an empty line. Lines of a mail that begin with `From `, with any
//! number of `>` before it, get one `>` more when written and lose one when read, so that everything comes back as it was. Line
//! ends are LF in the file and CRLF in mails.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock::Wall;

/// The line before a mail, LF at its end: sender, and the date as C's `asctime` writes it, in UTC.
#[must_use]
pub fn separator(received: Wall) -> String {
    let form = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    let seconds = i64::try_from(received.seconds()).unwrap_or(0);
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|time| time.format(&form).ok());
    format!("From MAILER-DAEMON {}\n", date.as_deref().unwrap_or("Thu Jan  1 00:00:00 1970"))
}

/// Whether a line is `From ` behind any number of `>`.
fn is_from(line: &[u8]) -> bool {
    let rest = line.iter().position(|byte| *byte != b'>').and_then(|at| line.get(at..));
    rest.is_some_and(|rest| rest.starts_with(b"From "))
}

/// Longest piece of a line that is held: a longer line is passed on in pieces. `From ` behind more `>` than that is nobody's mail.
const HELD_BYTES: usize = 64 * 1024;

/// Collects lines out of pieces of any size.
#[derive(Debug, Default)]
struct Lines {
    held: Vec<u8>,
    /// The line's first part was passed on already.
    continues: bool,
}

/// A line, or a part of one.
struct Line<'a> {
    text: &'a [u8],
    /// It is the first part.
    starts: bool,
    /// It is the last part.
    ends: bool,
}

impl Lines {
    fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Line<'_>)) {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(at);
            self.held.extend_from_slice(line);
            bytes = rest.get(1..).unwrap_or_default();
            self.pass(true, each);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD_BYTES {
            self.pass(false, each);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(Line<'_>)) {
        if !self.held.is_empty() || self.continues {
            self.pass(true, each);
        }
    }

    fn pass(&mut self, ends: bool, each: &mut impl FnMut(Line<'_>)) {
        // The CR of a CRLF may come with the next piece.
        let keep = usize::from(!ends && self.held.last() == Some(&b'\r'));
        let (line, rest) = self.held.split_at(self.held.len() - keep);
        let text = if ends { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        each(Line { text, starts: !self.continues, ends });
        let rest = rest.to_vec();
        self.held.clear();
        self.held.extend_from_slice(&rest);
        self.continues = !ends;
    }
}

/// Writes one mail: pieces of it in, the text for the file out. The [`separator`] goes before it.
#[derive(Debug, Default)]
pub struct Writer(Lines);

impl Writer {
    /// Takes the next piece, appends what is sure to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.0.push(piece, &mut |line| write_line(&line, out));
    }

    /// Ends the mail, with the empty line behind it.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.0.finish(&mut |line| write_line(&line, out));
        out.push(b'\n');
    }
}

fn write_line(line: &Line<'_>, out: &mut Vec<u8>) {
    if line.starts && is_from(line.text) {
        out.push(b'>');
    }
    out.extend_from_slice(line.text);
    if line.ends {
        out.push(b'\n');
    }
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A mail, its line ends CRLF.
    Mail(Vec<u8>),
    /// A mail larger than the bound: left out.
    TooLarge,
    /// Something before the first line `From `: this is no mbox.
    Junk,
}

/// Reads a file: pieces of it in, mails out. Holds one mail at a time.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    split: Split,
}

#[derive(Debug)]
struct Split {
    largest: usize,
    mail: Vec<u8>,
    is_in_mail: bool,
    is_too_large: bool,
    has_junk: bool,
    /// An empty line was read: it belongs to the mail if more comes.
    blank: bool,
}

impl Reader {
    /// Reads mails of at most `largest` bytes.
    #[must_use]
    pub fn new(largest: usize) -> Self {
        let split = Split {
            largest,
            mail: Vec::new(),
            is_in_mail: false,
            is_too_large: false,
            has_junk: false,
            blank: false,
        };
        Self { lines: Lines::default(), split }
    }

    /// Takes the next piece; gives each mail that is whole to `found`.
    pub fn push(&mut self, piece: &[u8], found: &mut impl FnMut(Found)) {
        let split = &mut self.split;
        self.lines.push(piece, &mut |line| split.line(&line, found));
    }

    /// Ends the file, and with it the last mail.
    pub fn finish(mut self, found: &mut impl FnMut(Found)) {
        let split = &mut self.split;
        self.lines.finish(&mut |line| split.line(&line, found));
        self.split.end_mail(found);
    }
}

impl Split {
    fn line(&mut self, line: &Line<'_>, found: &mut impl FnMut(Found)) {
        let may_separate = line.starts && (!self.is_in_mail || self.blank);
        if may_separate && line.text.starts_with(b"From ") {
            self.end_mail(found);
            self.is_in_mail = true;
            return;
        }
        if !self.is_in_mail {
            if !line.text.is_empty() && !std::mem::replace(&mut self.has_junk, true) {
                found(Found::Junk);
            }
            return;
        }
        // The rest of a long line of the separator's kind never comes here: such a line starts.
        if std::mem::take(&mut self.blank) {
            self.append(b"\r\n");
        }
        if line.starts && line.ends && line.text.is_empty() {
            self.blank = true;
            return;
        }
        let quoted = line.starts && line.text.first() == Some(&b'>') && is_from(line.text);
        self.append(line.text.get(usize::from(quoted)..).unwrap_or_default());
        if line.ends {
            self.append(b"\r\n");
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.is_too_large || self.mail.len() + bytes.len() > self.largest {
            self.is_too_large = true;
            self.mail = Vec::new();
        } else {
            self.mail.extend_from_slice(bytes);
        }
    }

    fn end_mail(&mut self, found: &mut impl FnMut(Found)) {
        self.blank = false;
        let mail = std::mem::take(&mut self.mail);
        if std::mem::take(&mut self.is_too_large) {
            found(Found::TooLarge);
        } else if self.is_in_mail && !mail.is_empty() {
            found(Found::Mail(mail));
        }
    }
}

#[cfg(test)]
mod tests;
