//! The board's storage port: what must be durable, and the questions to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mail::Wall;

use crate::cell::{Cell, Name};
use crate::hash::hash;
use crate::mailbox::Period;
use crate::message::InvitationCode;
use crate::segment::{ClosedSegment, Entry};
use crate::token::SpentMark;
use crate::ttl::Ttl;

/// Storage failed: the board refuses deposits and gives no receipt until it works again.
#[derive(Debug, thiserror::Error)]
#[error("the cell store failed: {0}")]
pub struct ShelfError(pub String);

/// The place of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its segment.
    pub segment: u32,
    /// BLAKE2b-256 of the cell.
    pub digest: [u8; 32],
    /// Its ttl.
    pub ttl: Ttl,
    /// What its receipt says.
    pub until: Wall,
}

/// A cell to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCell {
    /// Its name.
    pub name: Name,
    /// Its place.
    pub held: Held,
    /// The cell.
    pub cell: Cell,
}

/// An invitation to tokens, kept under the BLAKE2b-256 of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Invitation {
    /// The period of the count.
    pub period: Period,
    /// Tokens issued in that period.
    pub issued: u32,
}

impl Invitation {
    /// Tokens issued in `period`.
    pub(super) fn issued_in(&self, period: Period) -> u32 {
        if self.period == period { self.issued } else { 0 }
    }
}

/// The name of an invitation: the first bytes of the BLAKE2b-256 of its code. Says nothing about the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvitationName(pub [u8; 8]);

/// A text that is not the name of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of an invitation is 16 hex digits")]
pub struct InvalidInvitationName;

impl InvitationName {
    /// The name of the invitation with this code.
    #[must_use]
    pub fn of(code: &InvitationCode) -> Self {
        Self::of_hash(&hash(&[code]))
    }

    pub(super) fn of_hash(hash: &[u8; 32]) -> Self {
        let mut name = [0; 8];
        name.copy_from_slice(&hash[..8]);
        Self(name)
    }
}

impl fmt::Display for InvitationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl FromStr for InvitationName {
    type Err = InvalidInvitationName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
        number.map(|number| Self(number.to_be_bytes())).ok_or(InvalidInvitationName)
    }
}

/// Counters kept with the cells, in the same commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Totals {
    /// Number of cells held.
    pub cells: u64,
    /// The day the next two count.
    pub day: u32,
    /// Cells taken that day for stamps.
    pub today_stamps: u32,
    /// Cells taken that day for tokens.
    pub today_tokens: u32,
    /// The open segment's number, from 1.
    pub open: u32,
    /// When it was opened.
    pub opened: Wall,
    /// Cells in it.
    pub open_cells: u32,
}

/// What becomes durable together, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// New cells.
    pub cells: Vec<NewCell>,
    /// Tokens spent.
    pub marks: Vec<SpentMark>,
    /// Invitations, by hash of their code: changed or new.
    pub invitations: Vec<([u8; 32], Invitation)>,
    /// Invitations taken back.
    pub uninvited: Vec<[u8; 32]>,
    /// A segment closed.
    pub closed: Option<ClosedSegment>,
    /// Cells whose time is over.
    pub erased: Vec<(u32, Name)>,
    /// Segments of which nothing is left.
    pub gone: Vec<u32>,
    /// New issuing keys: secret scalars.
    pub keys: Vec<(Period, [u8; 32])>,
    /// Issuing keys and spent marks of periods before this are erased.
    pub keys_before: Option<Period>,
    /// The counters after all this.
    pub totals: Totals,
}

/// What a board needs to know when it starts.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The counters; none on the first start.
    pub totals: Option<Totals>,
    /// Closed segments.
    pub closed: Vec<ClosedSegment>,
    /// Invitations by hash of their code.
    pub invitations: Vec<([u8; 32], Invitation)>,
    /// Issuing keys.
    pub keys: Vec<(Period, [u8; 32])>,
}

/// The board's storage. Reading and committing may happen at the same time from different threads.
pub trait Shelf: Send + Sync {
    /// What a board needs to know when it starts. Its cost must not depend on the number of cells.
    ///
    /// # Errors
    /// [`ShelfError`], here and below.
    fn load(&self) -> Result<Loaded, ShelfError>;

    /// The place of the cell with this name.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn held(&self, name: &Name) -> Result<Option<Held>, ShelfError>;

    /// The cells of a segment, ordered by name.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn entries(&self, segment: u32) -> Result<Vec<Entry>, ShelfError>;

    /// A cell.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn cell(&self, segment: u32, name: &Name) -> Result<Option<(Ttl, Cell)>, ShelfError>;

    /// Whether a token was spent.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn is_spent(&self, mark: &SpentMark) -> Result<bool, ShelfError>;

    /// Whether new cells may be stored: not where the disk has to be left to others.
    fn has_room(&self) -> bool {
        true
    }

    /// Makes `batch` durable: when this returns `Ok`, it is on disk.
    ///
    /// # Errors
    /// [`ShelfError`]: nothing of the batch is stored.
    fn commit(&self, batch: &Batch) -> Result<(), ShelfError>;
}

/// A shelf in memory, for tests and simulations. Durable for as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryShelf(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    names: HashMap<Name, Held>,
    cells: BTreeMap<(u32, Name), Cell>,
    marks: BTreeSet<SpentMark>,
    invitations: BTreeMap<[u8; 32], Invitation>,
    closed: BTreeMap<u32, ClosedSegment>,
    keys: BTreeMap<Period, [u8; 32]>,
    totals: Option<Totals>,
}

impl MemoryShelf {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf for MemoryShelf {
    fn load(&self) -> Result<Loaded, ShelfError> {
        let memory = self.lock();
        Ok(Loaded {
            totals: memory.totals,
            closed: memory.closed.values().copied().collect(),
            invitations: memory.invitations.iter().map(|(code, invitation)| (*code, *invitation)).collect(),
            keys: memory.keys.iter().map(|(period, key)| (*period, *key)).collect(),
        })
    }

    fn held(&self, name: &Name) -> Result<Option<Held>, ShelfError> {
        Ok(self.lock().names.get(name).copied())
    }

    fn entries(&self, segment: u32) -> Result<Vec<Entry>, ShelfError> {
        let memory = self.lock();
        let range = (segment, Name([0; 32]))..=(segment, Name([255; 32]));
        let entries = memory.cells.range(range).filter_map(|((_, name), _)| {
            let held = memory.names.get(name)?;
            Some(Entry { name: *name, ttl: held.ttl, digest: held.digest })
        });
        Ok(entries.collect())
    }

    fn cell(&self, segment: u32, name: &Name) -> Result<Option<(Ttl, Cell)>, ShelfError> {
        let memory = self.lock();
        let found = memory.names.get(name).zip(memory.cells.get(&(segment, *name)));
        Ok(found.map(|(held, cell)| (held.ttl, cell.clone())))
    }

    fn is_spent(&self, mark: &SpentMark) -> Result<bool, ShelfError> {
        Ok(self.lock().marks.contains(mark))
    }

    fn commit(&self, batch: &Batch) -> Result<(), ShelfError> {
        let mut memory = self.lock();
        for new in &batch.cells {
            memory.names.insert(new.name, new.held);
            memory.cells.insert((new.held.segment, new.name), new.cell.clone());
        }
        memory.marks.extend(batch.marks.iter().copied());
        memory.invitations.extend(batch.invitations.iter().copied());
        for code in &batch.uninvited {
            memory.invitations.remove(code);
        }
        memory.closed.extend(batch.closed.iter().map(|closed| (closed.number, *closed)));
        for (segment, name) in &batch.erased {
            memory.names.remove(name);
            memory.cells.remove(&(*segment, *name));
        }
        for segment in &batch.gone {
            memory.closed.remove(segment);
        }
        memory.keys.extend(batch.keys.iter().copied());
        if let Some(before) = batch.keys_before {
            memory.keys.retain(|period, _| *period >= before);
            memory.marks.retain(|mark| mark.period >= before);
        }
        memory.totals = Some(batch.totals);
        Ok(())
    }
}
