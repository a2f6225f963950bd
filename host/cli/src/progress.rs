//! Long work, shown to people at a terminal.

use std::io::{IsTerminal as _, Write as _};

/// Shows how far a work is, in one line that is written over. Nothing is shown where no terminal is.
pub struct Progress {
    what: &'static str,
    shown: Option<u64>,
    is_terminal: bool,
}

impl Progress {
    /// Of a work, `copying mails` for instance.
    pub fn of(what: &'static str) -> Self {
        Self { what, shown: None, is_terminal: std::io::stderr().is_terminal() }
    }

    /// Shows that `done` of `of` is done.
    pub fn at(&mut self, done: u64, of: u64) {
        let percent = done.saturating_mul(100) / of.max(1);
        if self.is_terminal && self.shown != Some(percent) {
            self.shown = Some(percent);
            // A terminal that went away shows nothing.
            let mut terminal = std::io::stderr();
            let _ = write!(terminal, "\r{}: {percent} % ", self.what).and_then(|()| terminal.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            // A terminal that went away shows nothing.
            let _ = writeln!(std::io::stderr());
        }
    }
}
