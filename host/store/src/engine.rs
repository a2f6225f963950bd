//! redb's file: opened, read from, and opened anew after a fault.
//!
//! After any failed read or write redb refuses everything until its file is closed and opened. That is safe here: every durable
//! commit is two-phase, so the file holds either the state before or after the commit that failed, and opening rewrites and
//! syncs the header before anything is read.

pub mod codec;
pub(crate) mod context;
pub(crate) mod directory;
pub(crate) mod growing;
pub(crate) mod room;
pub(crate) mod shared;
pub(crate) mod tables;
pub(crate) mod writer;

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, Durability, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction,
};

use crate::engine::tables::{SYSTEM, Tables};
use crate::error::{Error, OpenError};
use crate::faults::Faults;
use crate::limits::MOVED_BYTES;
use crate::upkeep::upgrade;

/// The store's file in the data directory.
pub const STORE_FILE: &str = "store.redb";

/// The format this program writes. A larger number in the file means a newer program wrote it, a smaller one that the file is
/// brought up to date when it is opened, see `upgrade.rs`.
///
/// 2: accounts can be switched off (the table `disabled`), mails in quarantine are counted (`quarantine_counts`).
///
/// 3: decisions are found by the mail they are about (`mail_decisions`, `decision_mails`).
///
/// 4: the last byte of an outbox entry says more (`mail::record::Marks`).
///
/// 5: mails that a filter threw away wait in a bin (`bin`), accounts have numbers that are never used again (`standings`).
///
/// 6: decisions are counted by slot and component (`decision_components`, `decision_costs`, `decision_usage`).
pub const FORMAT: u64 = 6;

/// The key of the format in the `system` table.
pub(crate) const FORMAT_KEY: &str = "format";

/// The open database, or none between a fault and a successful reopening.
#[derive(Debug)]
struct Live {
    database: Option<Database>,
    /// Counts openings, so that a fault is repaired once however many notice it.
    generation: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Engine {
    path: PathBuf,
    cache_bytes: usize,
    faults: Option<Faults>,
    live: RwLock<Live>,
}

impl Engine {
    /// Opens the store file in `dir`, making it if it is not there.
    pub(crate) fn open(dir: &Path, cache_bytes: usize, faults: Option<Faults>) -> Result<Self, OpenError> {
        let path = dir.join(STORE_FILE);
        if !path.exists() {
            create(dir, &path, cache_bytes)?;
        }
        let database =
            open_file(&path, cache_bytes, faults.as_ref()).map_err(|error| open_error(&path, error))?;
        let engine = Self {
            path,
            cache_bytes,
            faults,
            live: RwLock::new(Live { database: Some(database), generation: 0 }),
        };
        match engine.format() {
            Ok(Some(FORMAT)) => {}
            Ok(Some(found)) if found > FORMAT => {
                return Err(OpenError::NewerFormat { dir: dir.to_owned(), found, known: FORMAT });
            }
            Ok(Some(found)) if found > 0 => {
                upgrade::run(dir, &engine, found)?;
            }
            Ok(_) => {
                return Err(OpenError::Damaged {
                    file: engine.path,
                    why: "it names no known format".to_owned(),
                });
            }
            Err((error, _)) => {
                return Err(OpenError::Damaged { file: engine.path, why: error.to_string() });
            }
        }
        Ok(engine)
    }

    /// Gives the disk back what the file does not use, where that is most of it and at least `least` bytes. Moves what is in use, so it
    /// takes a second for some hundred megabytes; nobody may be reading.
    pub(crate) fn give_back(&self, least: u64) -> Result<(), Error> {
        let length = std::fs::metadata(&self.path).map_err(redb::StorageError::from)?.len();
        if length < least {
            return Ok(());
        }
        let unused = self.unused_bytes()?;
        let used = length.saturating_sub(unused);
        if unused < least || unused < used || used > MOVED_BYTES {
            return Ok(());
        }
        tracing::info!(unused, used, "most of the store's file is unused: giving it back to the disk");
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let database = live.database.as_mut().ok_or_else(unavailable)?;
        database.compact().map_err(Error::failed)?;
        Ok(())
    }

    /// The format of the file, if it says one.
    fn format(&self) -> Result<Option<u64>, (Error, u64)> {
        self.read(|transaction| {
            let system = transaction.open_table(SYSTEM)?;
            Ok(redb::ReadableTable::get(&system, FORMAT_KEY)?.map(|format| format.value()))
        })
    }

    /// Runs `f` on a snapshot of what is committed. A failure comes with the generation it was seen in.
    pub(crate) fn read<T>(
        &self,
        f: impl FnOnce(&ReadTransaction) -> Result<T, Error>,
    ) -> Result<T, (Error, u64)> {
        let live = self.live();
        let read = || f(&live.database.as_ref().ok_or_else(unavailable)?.begin_read()?);
        read().map_err(|error| (error, live.generation))
    }

    /// Runs `f` in a write transaction and commits what it leaves open, or aborts where it fails.
    pub(crate) fn write<T>(
        &self,
        durable: bool,
        f: impl FnOnce(&mut Tables<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let live = self.live();
        write(live.database.as_ref().ok_or_else(unavailable)?, durable, f)
    }

    /// Bytes of the file that hold nothing: what can be written before the file grows. Looks at every page, so it takes up to a
    /// second with a million records.
    pub(crate) fn unused_bytes(&self) -> Result<u64, Error> {
        let live = self.live();
        let transaction = live.database.as_ref().ok_or_else(unavailable)?.begin_write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        let used = stats.allocated_pages().saturating_mul(stats.page_size() as u64);
        let length = std::fs::metadata(&self.path).map_err(redb::StorageError::from)?.len();
        Ok(length.saturating_sub(used))
    }

    /// The number of the present opening.
    pub(crate) fn generation(&self) -> u64 {
        self.live().generation
    }

    /// Whether the file is open.
    pub(crate) fn is_open(&self) -> bool {
        self.live().database.is_some()
    }

    /// Closes the file and opens it again, unless that has happened since `generation`. True if it
    /// was opened again.
    pub(crate) fn reopen(&self, generation: u64) -> Result<bool, Error> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.generation != generation && live.database.is_some() {
            return Ok(false);
        }
        // Closed first: two handles must never write to one file.
        drop(live.database.take());
        live.database = Some(open_file(&self.path, self.cache_bytes, self.faults.as_ref())?);
        live.generation += 1;
        Ok(true)
    }

    /// Closes the file for good.
    pub(crate) fn close(&self) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = live.database.take().map(Database::close) {
            tracing::warn!(%error, "the store did not close cleanly; nothing committed is lost");
        }
    }

    fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable() -> Error {
    Error::failed("its file could not be opened again after an error; see the log")
}

/// One write transaction. Durable ones save what a quick opening after a crash needs.
fn write<T>(
    database: &Database,
    durable: bool,
    f: impl FnOnce(&mut Tables<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut transaction = database.begin_write()?;
    set_durability(&mut transaction, durable)?;
    let result = {
        let mut tables = Tables::new(&transaction);
        f(&mut tables)
    };
    match result {
        Ok(value) => {
            transaction.commit()?;
            Ok(value)
        }
        Err(error) => {
            if let Err(abort) = transaction.abort() {
                tracing::debug!(%abort, "a transaction could not be rolled back; its file is opened anew");
            }
            Err(error)
        }
    }
}

fn set_durability(transaction: &mut WriteTransaction, durable: bool) -> Result<(), Error> {
    let durability = if durable { Durability::Immediate } else { Durability::None };
    transaction.set_durability(durability).map_err(Error::failed)?;
    transaction.set_quick_repair(durable);
    Ok(())
}

/// Makes a new store under another name and renames it when it is whole: a crash leaves none or a good one.
fn create(dir: &Path, path: &Path, cache_bytes: usize) -> Result<(), OpenError> {
    let temporary = path.with_extension("new");
    let failed = |what| {
        let path = temporary.clone();
        move |source| OpenError::Io { what, path, source }
    };
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("remove")(error)),
        _ => {}
    }
    let database = open_file(&temporary, cache_bytes, None)?;
    write(&database, true, |tables| {
        tables.create_all()?;
        tables.system.write()?.insert(FORMAT_KEY, FORMAT)?;
        Ok(())
    })?;
    database.close().map_err(Error::from)?;
    std::fs::rename(&temporary, path).map_err(failed("rename"))?;
    directory::sync(dir).map_err(failed("sync the directory of"))
}

fn open_file(path: &Path, cache_bytes: usize, faults: Option<&Faults>) -> Result<Database, Error> {
    let file = directory::private_file(path).map_err(redb::StorageError::from)?;
    let backend = FileBackend::new(file)?;
    match faults {
        Some(faults) => {
            let faulty = faults.wrap(backend).map_err(redb::StorageError::from)?;
            build(faulty, cache_bytes)
        }
        None => build(backend, cache_bytes),
    }
}

/// Makes a store file at `path`, which must not be there, with what `fill` writes, and closes it.
pub(crate) fn write_new(
    path: &Path,
    cache_bytes: usize,
    fill: impl FnOnce(&WriteTransaction) -> Result<(), Error>,
) -> Result<(), Error> {
    let database = open_file(path, cache_bytes, None)?;
    let mut transaction = database.begin_write()?;
    set_durability(&mut transaction, true)?;
    fill(&transaction)?;
    transaction.commit()?;
    database.close()?;
    Ok(())
}

fn build(backend: impl StorageBackend, cache_bytes: usize) -> Result<Database, Error> {
    Ok(Builder::new().set_cache_size(cache_bytes).create_with_backend(backend)?)
}

fn open_error(path: &Path, error: Error) -> OpenError {
    match error {
        Error::Failed(why) => OpenError::Damaged { file: path.to_owned(), why: why.to_string() },
        other => OpenError::Store(other),
    }
}
