//! Whether all lines of a mail end in CR LF.

use memchr::memchr2;

/// Looks for a CR or an LF alone in a mail that comes in pieces, cut anywhere (RFC 5322 section 2.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct LineEnds {
    after_cr: bool,
    bare: bool,
}

impl LineEnds {
    /// Takes the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !self.bare && !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) {
                self.bare = rest.first() != Some(&b'\n');
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let Some(at) = memchr2(b'\r', b'\n', rest) else { return };
            self.after_cr = rest.get(at) == Some(&b'\r');
            self.bare = !self.after_cr;
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }

    /// Whether there was a CR or an LF alone, if the mail ends here.
    #[must_use]
    pub const fn has_bare(&self) -> bool {
        self.bare || self.after_cr
    }
}
