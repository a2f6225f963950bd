//! Bringing a store of an older format up to date, with a copy of the old file kept beside it.
//!
//! | from | what is done |
//! | --- | --- |
//! | 1 | the tables `disabled` and `quarantine_counts` are made |
//! | 2 | the tables `mail_decisions` and `decision_mails` are made; decisions of before are found without them |
//! | 3 | nothing: the last byte of an outbox entry said one thing and says two, and earlier programs do not know the second |
//! | 4 | the tables `bin` and `standings` are made, and every account gets a number |
//! | 5 | decisions are counted by slot; those of before as if one component had made them |
//!
//! A step that only adds tables (or meanings of bytes) needs nothing more here than the new number of [`FORMAT`]: missing tables are made.

use std::path::{Path, PathBuf};

use crate::engine::directory;
use crate::engine::{Engine, FORMAT, FORMAT_KEY, STORE_FILE};
use crate::error::OpenError;
use crate::records::decisions;
use crate::records::standings;

/// The first format in which decisions are counted by slot and component.
const FORMAT_OF_COSTS: u64 = 6;

/// Where the file of an older format is kept.
pub(crate) fn copy_path(dir: &Path, format: u64) -> PathBuf {
    dir.join(format!("{STORE_FILE}.format-{format}"))
}

/// Copies the file, then changes it in one transaction. A crash leaves the old file or the new one; the copy is whole or not
/// there.
pub(crate) fn run(dir: &Path, engine: &Engine, found: u64) -> Result<(), OpenError> {
    let copy = copy_path(dir, found);
    tracing::info!(found, known = FORMAT, copy = %copy.display(), "the store is of an older format: copying and upgrading it");
    // A file that is open looks like that of a killed program: the copy is to be a whole one.
    engine.close();
    keep_copy(dir, &copy)?;
    engine.reopen(engine.generation())?;
    engine.write(true, |tables| {
        tables.create_all()?;
        standings::number_all(tables)?;
        if found < FORMAT_OF_COSTS {
            decisions::count_those_of_before(tables)?;
        }
        tables.system.write()?.insert(FORMAT_KEY, FORMAT)?;
        Ok(())
    })?;
    tracing::info!(copy = %copy.display(), "the store is upgraded; the copy can be deleted when all is well");
    Ok(())
}

/// Nobody writes to the file now: the directory is locked, and the writer thread is not there yet.
fn keep_copy(dir: &Path, copy: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Upgrade { copy: copy.to_owned(), source };
    let temporary = copy.with_extension("new");
    let store = dir.join(STORE_FILE);
    let size = std::fs::metadata(&store).map_err(failed)?.len();
    if directory::free_bytes(dir).is_some_and(|free| free < size) {
        return Err(failed(std::io::ErrorKind::StorageFull.into()));
    }
    let mut from = std::fs::File::open(&store).map_err(failed)?;
    let mut to = directory::private_file(&temporary).map_err(failed)?;
    to.set_len(0).map_err(failed)?;
    std::io::copy(&mut from, &mut to).map_err(failed)?;
    to.sync_all().map_err(failed)?;
    std::fs::rename(&temporary, copy).map_err(failed)?;
    directory::sync(dir).map_err(failed)
}
