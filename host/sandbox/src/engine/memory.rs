//! The limits of memory and tables of one call.

use wasmtime::ResourceLimiter;

/// Counts the memory of one call: the linear one, over all of the component's memories, and what the host keeps for the call.
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    used: usize,
    /// What the host keeps for the call.
    kept: usize,
    table_elements: usize,
    denied: Option<Denied>,
}

/// What a component wanted more of than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Linear memory.
    Memory,
    /// Table elements.
    Table,
}

impl Memory {
    /// Nothing used yet.
    pub fn new(limit: u64, table_elements: u64) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            used: 0,
            kept: 0,
            table_elements: usize::try_from(table_elements).unwrap_or(usize::MAX),
            denied: None,
        }
    }

    /// Bytes of linear memory in use: memory never shrinks.
    pub fn used(&self) -> u64 {
        self.used as u64
    }

    /// Bytes that are left of the limit.
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used).saturating_sub(self.kept) as u64
    }

    /// Notes that the host keeps this many more bytes for the call, until it ends: at most what is
    /// [`left`](Self::left).
    pub fn keep(&mut self, bytes: u64) {
        self.kept = self.kept.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// What was denied last: the likely reason of a trap that follows.
    pub fn denied(&self) -> Option<Denied> {
        self.denied
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used.saturating_add(self.kept) > self.limit {
            self.denied = Some(Denied::Memory);
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The pool's own ceiling: the same to the component.
        self.denied = Some(Denied::Memory);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.table_elements;
        if !allowed {
            self.denied = Some(Denied::Table);
        }
        Ok(allowed)
    }
}
