//! Files whose lines end in CR, as old Macintosh programs wrote them, or in CR CR LF, as text that was converted twice.

use std::borrow::Cow;

use memchr::memchr2;

/// Makes LF of the line ends of a file whose first line ends in CR, CR LF of those of a file whose first line ends in CR CR LF,
/// and leaves every other file as it is.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    kind: Kind,
    /// CRs of the first line end, held back until what follows them is known: two at most.
    held: usize,
    /// The last byte was a CR.
    after_cr: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// No line has ended yet.
    #[default]
    Unknown,
    Lf,
    Cr,
    CrCrLf,
}

/// How the first line of a file ends.
enum FirstEnd {
    Is(Kind),
    /// As many CRs are the last that is known.
    Open(usize),
}

impl LineEnds {
    /// The next piece of the file.
    pub fn unify<'p>(&mut self, piece: &'p [u8]) -> Cow<'p, [u8]> {
        if self.kind == Kind::Unknown && !piece.is_empty() {
            return self.find_out(piece);
        }
        match self.kind {
            Kind::Unknown | Kind::Lf => Cow::Borrowed(piece),
            Kind::Cr => Cow::Owned(self.with_lf(piece)),
            Kind::CrCrLf => Cow::Owned(self.with_single_cr(piece)),
        }
    }

    /// The end of the file: what was held back.
    pub fn finish(&self) -> &'static [u8] {
        b"\n\n".get(..self.held).unwrap_or_default()
    }

    fn find_out<'p>(&mut self, piece: &'p [u8]) -> Cow<'p, [u8]> {
        let held = std::mem::take(&mut self.held);
        let all = if held == 0 {
            Cow::Borrowed(piece)
        } else {
            Cow::Owned([&b"\r\r"[..held.min(2)], piece].concat())
        };
        let Some(at) = memchr2(b'\r', b'\n', &all) else { return all };
        match first_end(all.get(at..).unwrap_or_default()) {
            FirstEnd::Is(kind) => {
                self.kind = kind;
                match kind {
                    Kind::Unknown | Kind::Lf => all,
                    Kind::Cr => Cow::Owned(self.with_lf(&all)),
                    Kind::CrCrLf => Cow::Owned(self.with_single_cr(&all)),
                }
            }
            FirstEnd::Open(held) => {
                self.held = held;
                match all {
                    Cow::Borrowed(all) => Cow::Borrowed(all.get(..at).unwrap_or_default()),
                    Cow::Owned(mut all) => {
                        all.truncate(at);
                        Cow::Owned(all)
                    }
                }
            }
        }
    }

    fn with_lf(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(piece.len());
        for &byte in piece {
            let is_second = std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n';
            if !is_second {
                text.push(if byte == b'\r' { b'\n' } else { byte });
            }
        }
        text
    }

    fn with_single_cr(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(piece.len());
        for &byte in piece {
            let is_second = std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\r';
            if !is_second {
                text.push(byte);
            }
        }
        text
    }
}

/// What a text that begins with a CR or LF says of the line ends of its file.
fn first_end(text: &[u8]) -> FirstEnd {
    match text {
        [b'\r'] => FirstEnd::Open(1),
        [b'\r', b'\r'] => FirstEnd::Open(2),
        [b'\r', b'\r', b'\n', ..] => FirstEnd::Is(Kind::CrCrLf),
        [b'\r', next, ..] if *next != b'\n' => FirstEnd::Is(Kind::Cr),
        _ => FirstEnd::Is(Kind::Lf),
    }
}
