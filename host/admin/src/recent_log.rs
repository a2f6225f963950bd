//! The last lines of a log, in memory, for who looks at it from a browser.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{LOG_LINE_BYTES, LOG_LINES};

/// The last [`LOG_LINES`] lines written to it. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct RecentLog(Arc<Mutex<VecDeque<String>>>);

impl RecentLog {
    /// The lines, oldest first. Bytes that are not text are replaced.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn add(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LOG_LINES {
            lines.pop_front();
        }
        lines.push_back(line.get(..line.floor_char_boundary(LOG_LINE_BYTES)).unwrap_or_default().to_owned());
    }
}

impl io::Write for RecentLog {
    /// Takes whole lines, as a log writes them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        String::from_utf8_lossy(bytes).lines().for_each(|line| self.add(line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
