//! The durable cell store: the board's [`Shelf`] on redb, in a file of its own.
//!
//! A cell's row (36 bytes of key, 16 240 of cell) fits one 16 KB page. Each [`Batch`] is one write
//! transaction: cells, spent marks and counters become durable together. Every commit saves what a
//! quick opening after a crash needs. After an I/O error the file is opened again before the next
//! use.

mod aside;
mod copy;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use frame::{ReadError, Reader};
use mail::Wall;
use redb::{Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};

use crate::board::shelf::{Batch, Held, Invitation, Loaded, Shelf, ShelfError, Totals};
use crate::cell::{BoardKey, Cell, Name};
use crate::mailbox::Period;
use crate::segment::{ClosedSegment, EditionFacts, Entry};
use crate::token::SpentMark;
use crate::ttl::Ttl;

pub use aside::set_aside;
pub use copy::copy_without_cells;

/// Key of a cell: segment (big-endian, so that the cells of a segment are together), name.
type CellKey = [u8; 36];

const CELLS: TableDefinition<'_, &CellKey, &[u8]> = TableDefinition::new("cells");
/// ttl class, digest.
const ENTRIES: TableDefinition<'_, &CellKey, &[u8; 33]> = TableDefinition::new("entries");
/// segment, held until.
const NAMES: TableDefinition<'_, &[u8; 32], &[u8; 12]> = TableDefinition::new("names");
/// period (big-endian), input.
const MARKS: TableDefinition<'_, &[u8; 36], ()> = TableDefinition::new("marks");
const INVITATIONS: TableDefinition<'_, &[u8; 32], &[u8; 8]> = TableDefinition::new("invitations");
const CLOSED: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("closed");
const KEYS: TableDefinition<'_, u32, &[u8; 32]> = TableDefinition::new("keys");
const SYSTEM: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("system");

/// The file format this crate writes.
const FORMAT: u8 = 1;

/// Why a cell store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened.
    #[error("the cell store {} cannot be opened: {why}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The content of the file makes no sense: see [`set_aside`].
    #[error("the cell store {} is damaged: {why}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a later version.
    #[error("the cell store {} was written by a newer toxmail (format {found}); use that one", file.display())]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u8,
    },
    /// It belongs to another board.
    #[error("the cell store {} belongs to another board identity; restore that identity or remove the file", file.display())]
    OtherBoard {
        /// The file.
        file: PathBuf,
    },
}

/// The cells of one board on disk. One process, any number of threads.
pub struct CellStore {
    /// Opens the database; again after an error.
    opener: Opener,
    database: RwLock<Option<Database>>,
    /// Whether the disk has room for more.
    room: Room,
}

/// Says whether the disk has room for more.
pub type Room = Box<dyn Fn() -> bool + Send + Sync>;

type Opener = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send + Sync>;

impl std::fmt::Debug for CellStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CellStore").field("database", &self.database).finish_non_exhaustive()
    }
}

impl CellStore {
    /// Opens the store of `board` in the file `path`, making it if it is not there. The cache takes up to `cache_bytes` of memory. What
    /// a board needs at its start was read once when this returns.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path, board: &BoardKey, cache_bytes: usize) -> Result<Self, OpenError> {
        let file = path.to_owned();
        let opener = move || Builder::new().set_cache_size(cache_bytes).create(&file);
        Self::open_with(path, board, Box::new(opener))
    }

    fn open_with(path: &Path, board: &BoardKey, opener: Opener) -> Result<Self, OpenError> {
        let file = || path.to_owned();
        let failed = |failure: Failure| {
            let (file, why) = (file(), failure.to_string());
            if failure.is_damage() { OpenError::Damaged { file, why } } else { OpenError::File { file, why } }
        };
        let database = opener().map_err(|error| failed(Failure::Database(error.into())))?;
        let known = prepare(&database, board).map_err(|error| failed(Failure::Database(error)))?;
        if known == (FORMAT, true) {
            read_head(&database).map_err(failed)?;
        }
        match known {
            (format, _) if format > FORMAT => Err(OpenError::NewerFormat { file: file(), found: format }),
            (_, false) => Err(OpenError::OtherBoard { file: file() }),
            _ => Ok(Self { opener, database: RwLock::new(Some(database)), room: Box::new(|| true) }),
        }
    }

    /// Takes new cells only while `room` says so: other things on the same disk need some too.
    #[must_use]
    pub fn within(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// Cells held, as the database counts them.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub fn cells(&self) -> Result<u64, ShelfError> {
        self.read(|transaction| Ok(redb::ReadableTableMetadata::len(&transaction.open_table(CELLS)?)?))
    }

    fn read<T>(&self, f: impl FnOnce(&ReadTransaction) -> Result<T, Failure>) -> Result<T, ShelfError> {
        let result = {
            let guard = self.opened()?;
            let database = guard.as_ref().ok_or_else(unavailable)?;
            database.begin_read().map_err(Failure::from).and_then(|transaction| f(&transaction))
        };
        result.map_err(|failure| self.failed(failure))
    }

    /// The database. It is opened again if an error closed it.
    fn opened(&self) -> Result<RwLockReadGuard<'_, Option<Database>>, ShelfError> {
        let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
        if guard.is_some() {
            return Ok(guard);
        }
        drop(guard);
        let mut writing = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if writing.is_none() {
            *writing = Some((self.opener)().map_err(|error| ShelfError(error.to_string()))?);
        }
        drop(writing);
        Ok(self.database.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// After an I/O error the database refuses everything. This closes it, so that the next use
    /// opens it again.
    fn failed(&self, failure: Failure) -> ShelfError {
        if matches!(failure, Failure::Database(redb::Error::Io(_) | redb::Error::PreviousIo)) {
            drop(self.database.write().unwrap_or_else(PoisonError::into_inner).take());
        }
        ShelfError(failure.to_string())
    }
}

/// What goes wrong inside.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Database(redb::Error),
    #[error("a damaged row: {0}")]
    Row(#[from] ReadError),
    #[error("a damaged row")]
    Damaged,
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Failure {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_redb!(StorageError, TableError, TransactionError);

impl Failure {
    /// Whether the file itself is to blame, and no disk, right or lock.
    fn is_damage(&self) -> bool {
        match self {
            Self::Row(_) | Self::Damaged => true,
            Self::Database(redb::Error::Io(error)) => {
                matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
            }
            Self::Database(error) => matches!(
                error,
                redb::Error::Corrupted(_)
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableIsMultimap(_)
                    | redb::Error::TableIsNotMultimap(_)
                    | redb::Error::TypeDefinitionChanged { .. }
            ),
        }
    }
}

/// Reads what a board reads at its start.
fn read_head(database: &Database) -> Result<(), Failure> {
    let transaction = database.begin_read()?;
    let open = load(&transaction)?.totals.map_or(1, |totals| totals.open);
    for entry in entries(&transaction, open)? {
        held(&transaction, &entry.name)?;
    }
    Ok(())
}

fn unavailable() -> ShelfError {
    ShelfError("its file could not be opened again after an error".to_owned())
}

/// Makes the tables of a new file; says format and whether the file is this board's.
fn prepare(database: &Database, board: &BoardKey) -> Result<(u8, bool), redb::Error> {
    let transaction = database.begin_write()?;
    let known = {
        let mut system = transaction.open_table(SYSTEM)?;
        let format = system.get("format")?.and_then(|value| value.value().first().copied());
        let is_ours = system.get("board")?.map(|value| value.value() == board.0);
        if format.is_none() {
            system.insert("format", &[FORMAT][..])?;
            system.insert("board", &board.0[..])?;
        }
        transaction.open_table(CELLS)?;
        transaction.open_table(ENTRIES)?;
        transaction.open_table(NAMES)?;
        transaction.open_table(MARKS)?;
        transaction.open_table(INVITATIONS)?;
        transaction.open_table(CLOSED)?;
        transaction.open_table(KEYS)?;
        (format.unwrap_or(FORMAT), is_ours.unwrap_or(format.is_none()))
    };
    commit(transaction)?;
    Ok(known)
}

/// Durable, and quick to open after a crash.
fn commit(mut transaction: redb::WriteTransaction) -> Result<(), redb::CommitError> {
    transaction.set_quick_repair(true);
    transaction.commit()
}

fn cell_key(segment: u32, name: &Name) -> CellKey {
    let mut key = [0; 36];
    key[..4].copy_from_slice(&segment.to_be_bytes());
    key[4..].copy_from_slice(&name.0);
    key
}

fn mark_key(mark: &SpentMark) -> [u8; 36] {
    cell_key(mark.period.0, &Name(mark.input))
}

/// All keys of one segment, or all marks of one period.
fn keys_of(number: u32) -> (CellKey, CellKey) {
    (cell_key(number, &Name([0; 32])), cell_key(number, &Name([255; 32])))
}

fn encode_totals(totals: &Totals) -> Vec<u8> {
    let mut row = Vec::with_capacity(36);
    row.extend_from_slice(&totals.cells.to_le_bytes());
    for number in [totals.day, totals.today_stamps, totals.today_tokens, totals.open, totals.open_cells] {
        row.extend_from_slice(&number.to_le_bytes());
    }
    row.extend_from_slice(&totals.opened.0.to_le_bytes());
    row
}

fn decode_totals(row: &[u8]) -> Result<Totals, ReadError> {
    let mut reader = Reader::new(row);
    let totals = Totals {
        cells: reader.u64("cells")?,
        day: reader.u32("day")?,
        today_stamps: reader.u32("today")?,
        today_tokens: reader.u32("today")?,
        open: reader.u32("open segment")?,
        open_cells: reader.u32("open segment")?,
        opened: Wall(reader.u64("time")?),
    };
    reader.finish()?;
    Ok(totals)
}

fn encode_closed(closed: &ClosedSegment) -> Vec<u8> {
    let mut row = Vec::with_capacity(8 + 4 * 34);
    row.extend_from_slice(&closed.closed.0.to_le_bytes());
    for facts in &closed.editions {
        row.extend_from_slice(&facts.count.to_le_bytes());
        row.extend_from_slice(&facts.hash);
    }
    row
}

fn decode_closed(number: u32, row: &[u8]) -> Result<ClosedSegment, ReadError> {
    let mut reader = Reader::new(row);
    let closed = Wall(reader.u64("time")?);
    let mut facts = || Ok(EditionFacts { count: reader.u16("count")?, hash: reader.array("hash")? });
    let editions = [facts()?, facts()?, facts()?, facts()?];
    reader.finish()?;
    Ok(ClosedSegment { number, closed, editions })
}

fn read_entry(name: Name, row: &[u8; 33]) -> Result<Entry, Failure> {
    let mut reader = Reader::new(row);
    let ttl = Ttl::from_class(reader.u8("ttl class")?).ok_or(Failure::Damaged)?;
    Ok(Entry { name, ttl, digest: reader.array("digest")? })
}

fn load(transaction: &ReadTransaction) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    if let Some(row) = transaction.open_table(SYSTEM)?.get("totals")? {
        loaded.totals = Some(decode_totals(row.value())?);
    }
    for row in transaction.open_table(CLOSED)?.iter()? {
        let (number, row) = row?;
        loaded.closed.push(decode_closed(number.value(), row.value())?);
    }
    for row in transaction.open_table(INVITATIONS)?.iter()? {
        let (name, row) = row?;
        let mut reader = Reader::new(row.value());
        let period = Period(reader.u32("period")?);
        let invitation = Invitation { period, issued: reader.u32("issued")? };
        loaded.invitations.push((*name.value(), invitation));
    }
    for row in transaction.open_table(KEYS)?.iter()? {
        let (period, key) = row?;
        loaded.keys.push((Period(period.value()), *key.value()));
    }
    Ok(loaded)
}

fn entry(transaction: &ReadTransaction, segment: u32, name: &Name) -> Result<Option<Entry>, Failure> {
    let row = transaction.open_table(ENTRIES)?.get(&cell_key(segment, name))?;
    row.map(|row| read_entry(*name, row.value())).transpose()
}

fn entries(transaction: &ReadTransaction, segment: u32) -> Result<Vec<Entry>, Failure> {
    let (first, last) = keys_of(segment);
    let table = transaction.open_table(ENTRIES)?;
    let rows = table.range::<&CellKey>(&first..=&last)?;
    rows.map(|row| {
        let (key, row) = row?;
        let mut name = [0; 32];
        name.copy_from_slice(&key.value()[4..]);
        read_entry(Name(name), row.value())
    })
    .collect()
}

fn held(transaction: &ReadTransaction, name: &Name) -> Result<Option<Held>, Failure> {
    let Some(row) = transaction.open_table(NAMES)?.get(&name.0)? else { return Ok(None) };
    let mut reader = Reader::new(row.value());
    let (segment, until) = (reader.u32("segment")?, Wall(reader.u64("time")?));
    let entry = entry(transaction, segment, name)?.ok_or(Failure::Damaged)?;
    Ok(Some(Held { segment, digest: entry.digest, ttl: entry.ttl, until }))
}

fn write_cells(transaction: &redb::WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    let mut cells = transaction.open_table(CELLS)?;
    let mut entries = transaction.open_table(ENTRIES)?;
    let mut names = transaction.open_table(NAMES)?;
    // In the order of their keys pages are filled one after the other.
    let mut news: Vec<_> = batch.cells.iter().collect();
    news.sort_unstable_by_key(|new| (new.held.segment, new.name));
    for new in news {
        let key = cell_key(new.held.segment, &new.name);
        let mut entry = [new.held.ttl.class(); 33];
        entry[1..].copy_from_slice(&new.held.digest);
        let mut name = [0; 12];
        name[..4].copy_from_slice(&new.held.segment.to_le_bytes());
        name[4..].copy_from_slice(&new.held.until.0.to_le_bytes());
        cells.insert(&key, new.cell.bytes().as_ref())?;
        entries.insert(&key, &entry)?;
        names.insert(&new.name.0, &name)?;
    }
    for (segment, name) in &batch.erased {
        let key = cell_key(*segment, name);
        cells.remove(&key)?;
        entries.remove(&key)?;
        names.remove(&name.0)?;
    }
    Ok(())
}

fn write_rest(transaction: &redb::WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    let mut marks = transaction.open_table(MARKS)?;
    for mark in &batch.marks {
        marks.insert(&mark_key(mark), ())?;
    }
    let mut invitations = transaction.open_table(INVITATIONS)?;
    for (name, invitation) in &batch.invitations {
        let mut row = [0; 8];
        row[..4].copy_from_slice(&invitation.period.0.to_le_bytes());
        row[4..].copy_from_slice(&invitation.issued.to_le_bytes());
        invitations.insert(name, &row)?;
    }
    for name in &batch.uninvited {
        invitations.remove(name)?;
    }
    let mut closed = transaction.open_table(CLOSED)?;
    if let Some(segment) = &batch.closed {
        closed.insert(segment.number, encode_closed(segment).as_slice())?;
    }
    for segment in &batch.gone {
        closed.remove(segment)?;
    }
    let mut keys = transaction.open_table(KEYS)?;
    for (period, key) in &batch.keys {
        keys.insert(period.0, key)?;
    }
    if let Some(before) = batch.keys_before {
        keys.retain_in(..before.0, |_, _| false)?;
        let (first, _) = keys_of(before.0);
        marks.retain_in::<&CellKey, _>(..&first, |_, ()| false)?;
    }
    let mut system = transaction.open_table(SYSTEM)?;
    system.insert("totals", encode_totals(&batch.totals).as_slice())?;
    Ok(())
}

fn write(database: &Database, batch: &Batch) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    write_cells(&transaction, batch)?;
    write_rest(&transaction, batch)?;
    commit(transaction)?;
    Ok(())
}

impl Shelf for CellStore {
    fn load(&self) -> Result<Loaded, ShelfError> {
        self.read(load)
    }

    fn held(&self, name: &Name) -> Result<Option<Held>, ShelfError> {
        self.read(|transaction| held(transaction, name))
    }

    fn entries(&self, segment: u32) -> Result<Vec<Entry>, ShelfError> {
        self.read(|transaction| entries(transaction, segment))
    }

    fn cell(&self, segment: u32, name: &Name) -> Result<Option<(Ttl, Cell)>, ShelfError> {
        self.read(|transaction| {
            let Some(entry) = entry(transaction, segment, name)? else { return Ok(None) };
            let row = transaction.open_table(CELLS)?.get(&cell_key(segment, name))?;
            let row = row.ok_or(Failure::Damaged)?;
            let cell = Cell::try_from(Bytes::copy_from_slice(row.value())).map_err(|_| Failure::Damaged)?;
            Ok(Some((entry.ttl, cell)))
        })
    }

    fn is_spent(&self, mark: &SpentMark) -> Result<bool, ShelfError> {
        self.read(|transaction| Ok(transaction.open_table(MARKS)?.get(&mark_key(mark))?.is_some()))
    }

    fn has_room(&self) -> bool {
        (self.room)()
    }

    fn commit(&self, batch: &Batch) -> Result<(), ShelfError> {
        let result = {
            let guard = self.opened()?;
            write(guard.as_ref().ok_or_else(unavailable)?, batch)
        };
        result.map_err(|error| self.failed(Failure::Database(error)))
    }
}

#[cfg(test)]
mod tests;
