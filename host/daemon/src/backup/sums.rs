//! The SHA-256 sums of the files of an archive, in the form of `sha256sum`.

use sha2::{Digest as _, Sha256};

/// The name of the list in an archive: its last file.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// Hex digits of a sum, two blanks, a line end.
const LINE_BYTES: usize = 64 + 2 + 1;

/// The sums so far, and the file that is being read.
#[derive(Clone, Default)]
pub struct Sums {
    current: Sha256,
    text: String,
}

impl Sums {
    /// Bytes of the list of these files.
    pub fn size_of(names: &[String]) -> u64 {
        names.iter().map(|name| (LINE_BYTES + name.len()) as u64).sum()
    }

    /// More bytes of the current file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.current.update(bytes);
    }

    /// The current file is over, and was this one.
    pub fn end(&mut self, name: impl AsRef<str>) {
        let sum = hex::encode(self.current.finalize_reset());
        self.text.push_str(&format!("{sum}  {}\n", name.as_ref()));
    }

    /// The list.
    pub fn text(&self) -> String {
        self.text.clone()
    }
}
