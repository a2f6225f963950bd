//! Many mails in one file: the mbox format in the variant "mboxrd" (RFC 4155 tells the family's common part).
//!
//! A mail begins behind a line `From sender date` and ends with an empty line. Lines of a mail that begin with `From `, with any
//! number of `>` before it, get one `>` more when written and lose one when read, so that everything comes back as it was. Line
//! ends are LF in the file and CRLF in mails.
//!
//! Other programs write less carefully, so a line `From ` separates mails only if it has a date (with an empty line before it or
//! not: Thunderbird leaves that out), or if it is behind an empty line and a mail's header follows (`undated`). Every other
//! line stays in its mail. A byte order mark at the start is passed over, and the only line ends may be CR.

mod line_ends;
mod undated;

use time::OffsetDateTime;
use time::macros::format_description;

use self::line_ends::LineEnds;
use self::undated::{Decided, Undated};
use crate::clock::Wall;
use crate::limits::{MBOX_PIECE_BYTES, MBOX_SEPARATOR_BYTES};

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
pub(crate) fn is_from(line: &[u8]) -> bool {
    let rest = line.iter().position(|byte| *byte != b'>').and_then(|at| line.get(at..));
    rest.is_some_and(|rest| rest.starts_with(b"From "))
}

/// Whether a line `From ` has a date, as `asctime` writes it (`Thu Jan  1 00:00:00 1970`, perhaps with a zone) or as mails do
/// (`Thu, 1 Jan 1970 00:00:00 +0000`), and nothing behind it but a zone or where the mail came from.
pub(crate) fn is_dated(line: &[u8]) -> bool {
    if line.len() > MBOX_SEPARATOR_BYTES {
        return false;
    }
    let text = String::from_utf8_lossy(line);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    (0..words.len()).any(|at| words.get(at..).is_some_and(starts_with_date))
}

fn starts_with_date(words: &[&str]) -> bool {
    let [weekday, one, two, rest @ ..] = words else { return false };
    if !is_one_of(weekday.trim_end_matches(','), &["mon", "tue", "wed", "thu", "fri", "sat", "sun"]) {
        return false;
    }
    let is_year = |word: &&str| word.len() == 4 && is_number(word, 1..=9999);
    match rest {
        // Zones may be between the time and the year.
        [time, rest @ ..] if is_month(one) && is_day(two) => {
            let year = rest.iter().take(3).position(is_year);
            is_time(time) && year.is_some_and(|at| ends_a_date(rest.get(at + 1..).unwrap_or_default()))
        }
        [year, time, rest @ ..] if is_day(one) && is_month(two) => {
            is_year(year) && is_time(time) && ends_a_date(rest)
        }
        _ => false,
    }
}

/// Zones, perhaps in parentheses, and the `remote from HOST` of UUCP.
fn ends_a_date(words: &[&str]) -> bool {
    let is_remote = |words: &[&str]| matches!(words, ["remote", "from", _host]);
    let is_zone = |word: &str| {
        let word = word.trim_start_matches(['(', '+', '-']).trim_end_matches(')');
        word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    let zones = words.iter().take(2).take_while(|word| is_zone(word)).count();
    let rest = words.get(zones..).unwrap_or_default();
    rest.is_empty() || is_remote(rest)
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    is_one_of(word, &MONTHS)
}

fn is_day(word: &str) -> bool {
    word.len() <= 2 && is_number(word, 1..=31)
}

/// Hours and minutes, perhaps seconds.
fn is_time(word: &str) -> bool {
    let parts: Vec<&str> = word.split(':').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.len() <= 2 && is_number(part, 0..=60))
}

fn is_number(word: &str, range: std::ops::RangeInclusive<u16>) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse().is_ok_and(|number| range.contains(&number))
}

/// Whether a line begins with a field name and a colon (RFC 5322 section 2.2).
fn is_field(line: &[u8]) -> bool {
    let name = line.iter().position(|byte| *byte == b':').and_then(|at| line.get(..at));
    let name = name.map(<[u8]>::trim_ascii_end);
    name.is_some_and(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))
}

/// Whether Thunderbird had deleted this mail and not yet taken it out of its file: `X-Mozilla-Status` with the bit 0x0008.
#[must_use]
pub fn is_expunged(mail: &[u8]) -> bool {
    const NAME: &[u8] = b"x-mozilla-status:";
    let header = mail.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    header.take_while(|line| !line.is_empty()).any(|line| {
        let status = line.split_at_checked(NAME.len());
        let status = status.filter(|(name, _)| name.eq_ignore_ascii_case(NAME)).map(|(_, value)| value);
        let status = status.and_then(|value| str::from_utf8(value.trim_ascii()).ok());
        status.and_then(|value| u16::from_str_radix(value, 16).ok()).is_some_and(|bits| bits & 0x0008 != 0)
    })
}

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
        if self.held.len() > MBOX_PIECE_BYTES {
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
    /// A separator with nothing behind it: left out.
    Empty,
    /// Something before the first separator: this is not an mbox.
    Junk,
}

/// Reads a file: pieces of it in, mails out. Holds one mail at a time.
#[derive(Debug)]
pub struct Reader {
    ends: LineEnds,
    lines: Lines,
    split: Split,
}

#[derive(Debug)]
struct Split {
    largest: usize,
    mail: Vec<u8>,
    is_first_line: bool,
    is_in_mail: bool,
    is_too_large: bool,
    has_junk: bool,
    /// An empty line was read: it belongs to the mail if more comes.
    blank: bool,
    /// A line `From ` without a date, behind an empty line.
    undecided: Option<Undated>,
    /// The first separator of the file had no date.
    is_undated: bool,
}

impl Reader {
    /// Reads mails of at most `largest` bytes.
    #[must_use]
    pub fn new(largest: usize) -> Self {
        let split = Split {
            largest,
            mail: Vec::new(),
            is_first_line: true,
            is_in_mail: false,
            is_too_large: false,
            has_junk: false,
            blank: false,
            undecided: None,
            is_undated: false,
        };
        Self { ends: LineEnds::default(), lines: Lines::default(), split }
    }

    /// Takes the next piece; gives each mail that is whole to `found`.
    pub fn push(&mut self, piece: &[u8], found: &mut impl FnMut(Found)) {
        let piece = self.ends.unify(piece);
        let split = &mut self.split;
        self.lines.push(&piece, &mut |line| split.line(&line, found));
    }

    /// Ends the file, and with it the last mail.
    pub fn finish(mut self, found: &mut impl FnMut(Found)) {
        let split = &mut self.split;
        self.lines.push(self.ends.finish(), &mut |line| split.line(&line, found));
        self.lines.finish(&mut |line| split.line(&line, found));
        if let Some(undecided) = self.split.undecided.take() {
            self.split.texts(&undecided.into_lines(), found);
        }
        self.split.end_mail(found);
    }
}

impl Split {
    fn line(&mut self, line: &Line<'_>, found: &mut impl FnMut(Found)) {
        let text = match std::mem::take(&mut self.is_first_line) {
            true => line.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.text),
            false => line.text,
        };
        let line = &Line { text, ..*line };
        if let Some(mut undecided) = self.undecided.take() {
            match undecided.line(line.text, line.starts && line.ends) {
                Decided::NotYet => {
                    self.undecided = Some(undecided);
                    return;
                }
                Decided::Separator => {
                    self.is_undated |= !self.is_in_mail;
                    self.separator(found);
                    let lines = undecided.into_lines();
                    return self.texts(lines.get(1..).unwrap_or_default(), found);
                }
                Decided::Text => self.texts(&undecided.into_lines(), found),
            }
        }
        if line.starts && line.ends && line.text.starts_with(b"From ") {
            if is_dated(line.text) {
                return self.separator(found);
            }
            if !self.is_in_mail || self.blank {
                self.undecided = Undated::new(line.text, !self.is_in_mail, self.is_undated);
                if self.undecided.is_some() {
                    return;
                }
            }
        }
        self.text(line, found);
    }

    fn separator(&mut self, found: &mut impl FnMut(Found)) {
        self.end_mail(found);
        self.is_in_mail = true;
    }

    /// Whole lines of a mail.
    fn texts(&mut self, lines: &[Vec<u8>], found: &mut impl FnMut(Found)) {
        for text in lines {
            self.text(&Line { text, starts: true, ends: true }, found);
        }
    }

    /// A line of a mail.
    fn text(&mut self, line: &Line<'_>, found: &mut impl FnMut(Found)) {
        if !self.is_in_mail {
            if !line.text.is_empty() && !std::mem::replace(&mut self.has_junk, true) {
                found(Found::Junk);
            }
            return;
        }
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
        } else if self.is_in_mail {
            found(if mail.is_empty() { Found::Empty } else { Found::Mail(mail) });
        }
    }
}

#[cfg(test)]
mod tests;
