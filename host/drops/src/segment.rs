//! Segments: what readers take, whole.
//!
//! A board numbers its segments from 1. One is open and takes deposits; it closes after an hour or 1 024 cells
//! and never changes again, except that its cells expire by ttl class: all of one class at once, counted from the closing. So
//! a closed segment has five *editions*, and every reader of one edition gets the same bytes.

use mail::Wall;

use crate::cell::{BoardKey, Name};
use crate::hash::hash;
use crate::message::Edition;
use crate::ttl::Ttl;

const LABEL: &[u8] = b"toxmail segment 1";

/// What the hash of a segment covers of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The cell's name; entries are ordered by it.
    pub name: Name,
    /// Its ttl.
    pub ttl: Ttl,
    /// BLAKE2b-256 of the cell.
    pub digest: [u8; 32],
}

/// The hash of a segment in one edition. `entries` are those of the edition, ordered by name.
#[must_use]
pub fn segment_hash(board: &BoardKey, segment: u32, edition: Edition, entries: &[Entry]) -> [u8; 32] {
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(64 + entries.len() * 65);
    bytes.extend_from_slice(LABEL);
    bytes.extend_from_slice(&board.0);
    bytes.extend_from_slice(&segment.to_le_bytes());
    bytes.push(edition);
    bytes.extend_from_slice(&count.to_le_bytes());
    for entry in entries {
        bytes.extend_from_slice(&entry.name.0);
        bytes.push(entry.ttl.class());
        bytes.extend_from_slice(&entry.digest);
    }
    hash(&[&bytes])
}

/// One edition of a closed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditionFacts {
    /// Cells in it.
    pub count: u16,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What a board keeps of a closed segment besides its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedSegment {
    /// Its number.
    pub number: u32,
    /// When it closed.
    pub closed: Wall,
    /// Editions 0 to 3; edition 4 is empty.
    pub editions: [EditionFacts; 4],
}

impl ClosedSegment {
    /// Closes a segment with these entries, ordered by name.
    #[must_use]
    pub fn new(board: &BoardKey, number: u32, closed: Wall, entries: &[Entry]) -> Self {
        let facts = |edition: Edition| {
            let left: Vec<Entry> =
                entries.iter().filter(|entry| entry.ttl.class() >= edition).copied().collect();
            EditionFacts {
                count: u16::try_from(left.len()).unwrap_or(u16::MAX),
                hash: segment_hash(board, number, edition, &left),
            }
        };
        Self { number, closed, editions: [facts(0), facts(1), facts(2), facts(3)] }
    }

    /// The edition at this time: how many ttl classes are over.
    #[must_use]
    pub fn edition(&self, now: Wall) -> Edition {
        let over = Ttl::ALL.iter().filter(|ttl| self.closed.plus(ttl.duration()) <= now).count();
        Edition::try_from(over).unwrap_or(4)
    }

    /// Facts of an edition; none for edition 4.
    #[must_use]
    pub fn facts(&self, edition: Edition) -> Option<EditionFacts> {
        self.editions.get(usize::from(edition)).copied()
    }
}

#[cfg(test)]
mod tests;
