//! Files whose lines end in CR, as old Macintosh programs wrote them.

use std::borrow::Cow;

use memchr::memchr2;

/// Makes LF of the line ends of a file whose first line ends in CR, and leaves every other file as it is.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    kind: Kind,
    /// The last byte was a CR: dropped already, or yet to be understood.
    after_cr: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// No line has ended yet.
    #[default]
    Unknown,
    Lf,
    Cr,
}

impl LineEnds {
    /// The next piece of the file.
    pub fn unify<'p>(&mut self, piece: &'p [u8]) -> Cow<'p, [u8]> {
        if self.kind == Kind::Unknown && !piece.is_empty() {
            return self.find_out(piece);
        }
        match self.kind {
            Kind::Cr => Cow::Owned(self.with_lf(piece)),
            Kind::Unknown | Kind::Lf => Cow::Borrowed(piece),
        }
    }

    /// The end of the file: what was held back.
    pub fn finish(&self) -> &'static [u8] {
        if self.kind == Kind::Unknown && self.after_cr { b"\n" } else { b"" }
    }

    fn find_out<'p>(&mut self, piece: &'p [u8]) -> Cow<'p, [u8]> {
        let held: &[u8] = if std::mem::take(&mut self.after_cr) { b"\r" } else { b"" };
        let at = if held.is_empty() { memchr2(b'\r', b'\n', piece) } else { Some(0) };
        let Some(at) = at else { return Cow::Borrowed(piece) };
        let all = if held.is_empty() { Cow::Borrowed(piece) } else { Cow::Owned([held, piece].concat()) };
        match (all.get(at), all.get(at + 1)) {
            (Some(b'\r'), None) => {
                self.after_cr = true;
                Cow::Borrowed(piece.get(..at).unwrap_or_default())
            }
            (Some(b'\r'), Some(next)) if *next != b'\n' => {
                self.kind = Kind::Cr;
                Cow::Owned(self.with_lf(&all))
            }
            _ => {
                self.kind = Kind::Lf;
                all
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
}
