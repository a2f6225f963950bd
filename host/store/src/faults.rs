//! A disk that fails or dies when told to, for tests of this crate and of the daemon.
//!
//! It keeps what was written since the last sync apart, as a disk's cache does. When it dies, a random part of that reaches the
//! file, in any order and torn at sectors, and the rest is lost: what redb and the store must survive.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// The unit a disk writes whole.
const SECTOR: usize = 512;

/// What happens at the counted operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// That one write or sync fails with this kind of error; a failed sync writes an unknown part.
    Fail(ErrorKind),
    /// The machine stops: this and every later operation fails, unsynced writes reach the file partly.
    Die,
}

/// A plan of faults, shared by a test and the store it tests.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug)]
struct Plan {
    /// Writes, syncs and changes of length so far.
    operations: u64,
    /// When something happens, and what.
    next: Option<(u64, Fault)>,
    dead: bool,
    /// The next read fails.
    bad_read: bool,
    random: u64,
}

impl Faults {
    /// A plan with nothing in it yet; `seed` decides what survives.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self(Arc::new(Mutex::new(Plan { operations: 0, next: None, dead: false, bad_read: false, random })))
    }

    /// Lets `fault` happen at the `after`-th operation from now (0: the next).
    pub fn plan(&self, after: u64, fault: Fault) {
        let mut plan = self.lock();
        plan.next = Some((plan.operations + after, fault));
    }

    /// Lets the next read of the file fail, as a bad block does.
    pub fn fail_next_read(&self) {
        self.lock().bad_read = true;
    }

    /// Whether that read is still to come.
    #[must_use]
    pub fn is_read_waiting(&self) -> bool {
        self.lock().bad_read
    }

    /// Writes, syncs and changes of length so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Whether the planned fault is still to come.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.lock().next.is_some()
    }

    /// Whether the disk has died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// The disk over `inner`.
    ///
    /// # Errors
    /// When `inner` cannot be read.
    pub(crate) fn wrap(&self, inner: impl StorageBackend) -> Result<FaultyBackend> {
        let mut bytes = vec![0; usize::try_from(inner.len()?).map_err(Error::other)?];
        inner.read(0, &mut bytes)?;
        let view = View { bytes, unsynced: BTreeSet::new() };
        Ok(FaultyBackend { inner: Box::new(inner), faults: self.clone(), view: Mutex::new(view) })
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; says what happens to it.
    fn next(&self) -> Option<Fault> {
        let mut plan = self.lock();
        if plan.dead {
            return Some(Fault::Die);
        }
        let now = plan.operations;
        plan.operations += 1;
        let due = plan.next.filter(|(at, _)| *at <= now).map(|(_, fault)| fault)?;
        plan.next = None;
        plan.dead = due == Fault::Die;
        Some(due)
    }

    /// xorshift64: enough to vary what survives.
    fn random(&self) -> u64 {
        let mut plan = self.lock();
        plan.random ^= plan.random << 13;
        plan.random ^= plan.random >> 7;
        plan.random ^= plan.random << 17;
        plan.random
    }
}

/// The file as the running program sees it, and what of it the disk does not have yet.
#[derive(Debug)]
struct View {
    bytes: Vec<u8>,
    /// Sectors written since the last sync, by number.
    unsynced: BTreeSet<u64>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct FaultyBackend {
    inner: Box<dyn StorageBackend>,
    faults: Faults,
    view: Mutex<View>,
}

impl FaultyBackend {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings unsynced sectors to the file: all of them, or a random part.
    fn settle(&self, all: bool) -> Result<()> {
        let mut view = self.view();
        let sectors = std::mem::take(&mut view.unsynced);
        for sector in sectors {
            if !all && self.faults.random() & 1 == 0 {
                continue;
            }
            let start = usize::try_from(sector).map_err(Error::other)?.saturating_mul(SECTOR);
            let end = view.bytes.len().min(start.saturating_add(SECTOR));
            if let Some(bytes) = view.bytes.get(start..end) {
                self.inner.write(start as u64, bytes)?;
            }
        }
        Ok(())
    }

    fn fault(&self) -> Result<()> {
        match self.faults.next() {
            None => Ok(()),
            Some(Fault::Fail(kind)) => Err(Error::new(kind, "a fault of the test")),
            Some(Fault::Die) => {
                self.settle(false)?;
                Err(Error::other("the disk of the test is dead"))
            }
        }
    }
}

impl StorageBackend for FaultyBackend {
    fn len(&self) -> Result<u64> {
        Ok(self.view().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        if std::mem::take(&mut self.faults.lock().bad_read) {
            return Err(Error::other("a bad block of the test"));
        }
        let start = usize::try_from(offset).map_err(Error::other)?;
        let view = self.view();
        let bytes = start.checked_add(out.len()).and_then(|end| view.bytes.get(start..end));
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.fault()?;
        self.inner.set_len(len)?;
        self.view().bytes.resize(usize::try_from(len).map_err(Error::other)?, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        if let Err(error) = self.fault() {
            self.settle(false)?;
            return Err(error);
        }
        self.settle(true)?;
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.fault()?;
        let start = usize::try_from(offset).map_err(Error::other)?;
        let mut view = self.view();
        let end = start.saturating_add(data.len());
        view.bytes.get_mut(start..end).ok_or(ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        for sector in start / SECTOR..end.div_ceil(SECTOR) {
            view.unsynced.insert(sector as u64);
        }
        Ok(())
    }

    fn close(&self) -> Result<()> {
        // What the program wrote and did not sync is in the system's cache: it survives a close, not a death.
        if !self.faults.is_dead() {
            self.settle(true)?;
        }
        self.inner.close()
    }
}
