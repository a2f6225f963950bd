//! Bodies that are being written: bytes the writer thread holds until they are in rows.

use std::collections::HashMap;

use mail::record::ArrivalKey;

use crate::limits::{GROWING_MEMORY_BYTES, ROW_BYTES, SMALL_BODY_BYTES};

/// Who a growing body belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody yet: gone after a restart.
    Staged,
    /// A mail that is coming in.
    Partial(ArrivalKey),
}

/// A body that is being written.
#[derive(Debug)]
pub(crate) struct Grow {
    /// Its owner.
    pub(crate) owner: Owner,
    /// Bytes in rows, as of the last commit of any kind.
    pub(crate) written: u64,
    /// Bytes in rows as of the last durable commit.
    pub(crate) durable: u64,
    /// Bytes after those.
    buffer: Vec<u8>,
}

impl Grow {
    fn new(owner: Owner, written: u64) -> Self {
        Self { owner, written, durable: written, buffer: Vec::new() }
    }

    /// Length so far.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// The bytes not in rows yet.
    pub(crate) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The part of the buffer that fills whole rows.
    pub(crate) fn whole_rows(&self) -> &[u8] {
        let whole = self.buffer.len() / ROW_BYTES * ROW_BYTES;
        self.buffer.get(..whole).unwrap_or_default()
    }

    /// Whether something of it would be lost with the machine.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.durable < self.end()
    }
}

/// All of them, by body id. Lives on the writer thread.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    bodies: HashMap<u64, Grow>,
    buffered: usize,
}

impl Growing {
    /// Starts a body, or goes on with one of which `written` bytes are durable.
    pub(crate) fn begin(&mut self, body: u64, owner: Owner, written: u64) {
        self.bodies.entry(body).or_insert_with(|| Grow::new(owner, written));
    }

    /// Appends. Appends nothing and gives false if the body is not known or `offset` is not its
    /// end: it was given up meanwhile, or lost by a fault.
    pub(crate) fn append(&mut self, body: u64, offset: u64, bytes: &[u8]) -> bool {
        match self.bodies.get_mut(&body) {
            Some(grow) if grow.end() == offset => {
                grow.buffer.extend_from_slice(bytes);
                self.buffered += bytes.len();
                true
            }
            _ => false,
        }
    }

    pub(crate) fn get(&self, body: u64) -> Option<&Grow> {
        self.bodies.get(&body)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Grow)> {
        self.bodies.iter().map(|(&body, grow)| (body, grow))
    }

    /// The first `count` bytes of the buffer are in rows now.
    pub(crate) fn advance(&mut self, body: u64, count: usize) {
        if let Some(grow) = self.bodies.get_mut(&body) {
            let count = count.min(grow.buffer.len());
            grow.buffer.drain(..count);
            // An idle transfer must not keep the memory of a busy one.
            if grow.buffer.is_empty() {
                grow.buffer = Vec::new();
            }
            grow.written += count as u64;
            self.buffered -= count;
        }
    }

    /// Takes note that everything in rows is on disk now.
    pub(crate) fn saved(&mut self) {
        for grow in self.bodies.values_mut() {
            grow.durable = grow.written;
        }
    }

    pub(crate) fn remove(&mut self, body: u64) {
        if let Some(grow) = self.bodies.remove(&body) {
            self.buffered -= grow.buffer.len();
        }
    }

    /// Forgets everything: after a fault.
    pub(crate) fn clear(&mut self) {
        self.bodies.clear();
        self.buffered = 0;
    }

    /// Whether rows must be written to keep memory bounded.
    pub(crate) fn must_spill(&self) -> bool {
        self.buffered > GROWING_MEMORY_BYTES
            || self.bodies.values().any(|grow| grow.buffer.len() >= SMALL_BODY_BYTES)
    }

    /// Bytes of incoming mails that are not on disk.
    pub(crate) fn unsaved(&self) -> u64 {
        self.bodies.values().map(|grow| grow.end() - grow.durable).sum()
    }
}

#[cfg(test)]
mod tests;
