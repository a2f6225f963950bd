//! A data directory made of a backup.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mail::Clock;
use store::STORE_FILE;

use crate::limits::{BACKUP_FILES, BACKUP_SUMS_BYTES};

use super::mark::{self, Marked};
use super::sums::{SUMS_FILE, Sums};
use super::{BackupError, is_known};

/// Why nothing was restored. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error("the backup {path} cannot be read: {error}")]
    Backup {
        /// The path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It holds something no backup holds.
    #[error("{path} is not a Toxmail backup: {why}")]
    NoBackup {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Something is there already.
    #[error(
        "{0} is not empty: nothing is restored over other data; name another directory with --data DIR, or move this one away"
    )]
    NotEmpty(PathBuf),
    /// Another restore writes there.
    #[error("another restore into {0} is under way: wait until it is done")]
    Busy(PathBuf),
    /// A restore into the directory was killed.
    #[error(
        "{0} holds part of a backup, because a restore was interrupted: run `toxmail restore FILE` with this directory again, \
         which starts over"
    )]
    Unfinished(PathBuf),
    /// No gateway could start with the store of the backup.
    #[error("nothing was restored: {0}")]
    Store(BackupError),
    /// The directory cannot be written.
    #[error("{path} cannot be written: {error}")]
    Directory {
        /// The path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Makes a data directory of a backup, in a directory that is empty or not there, and opens its store once to see that it is
/// good. On an error what was written is removed. If the process is killed, a gateway refuses the directory
/// ([`refuse_unfinished`]) and the next restore begins anew. `watch` is told how many bytes of how many are read.
///
/// # Errors
/// [`RestoreError`]
pub async fn restore(
    backup: &Path,
    directory: &Path,
    clock: &Arc<dyn Clock>,
    watch: impl FnMut(u64, u64) + Send + 'static,
) -> Result<(), RestoreError> {
    let failed = |error| RestoreError::Directory { path: directory.to_owned(), error };
    let (from, to) = (backup.to_owned(), directory.to_owned());
    let unpacking = supervisor::blocking("restore", move || unpack(&from, &to, watch)).await;
    let marked = unpacking.map_err(|error| failed(io::Error::other(error)))??;
    super::verify(directory, clock).await.map_err(RestoreError::Store)?;
    let ending = supervisor::blocking("restore", move || marked.end()).await;
    ending.map_err(|error| failed(io::Error::other(error)))?
}

fn unpack(backup: &Path, directory: &Path, mut watch: impl FnMut(u64, u64)) -> Result<Marked, RestoreError> {
    let file = File::open(backup).map_err(|error| RestoreError::Backup { path: backup.to_owned(), error })?;
    let marked = Marked::begin(directory)?;
    read(backup, file, &mut watch, &mut |name, entry| write(entry, &directory.join(name)))?;
    Ok(marked)
}

/// Refuses a directory in which a restore was killed or is under way.
///
/// # Errors
/// [`RestoreError::Unfinished`]
pub fn refuse_unfinished(directory: &Path) -> Result<(), RestoreError> {
    if mark::is_marked(directory) { Err(RestoreError::Unfinished(directory.to_owned())) } else { Ok(()) }
}

/// Reads a backup that was just written, and says whether it is one: with a store in it, and each file as its sum says. Blocks.
///
/// # Errors
/// [`RestoreError`]
pub fn check(backup: &Path) -> Result<(), RestoreError> {
    let file = File::open(backup).map_err(|error| RestoreError::Backup { path: backup.to_owned(), error })?;
    let has_sums = read(backup, file, &mut |_, _| {}, &mut |_, entry| {
        let failed = |error| RestoreError::Backup { path: backup.to_owned(), error };
        io::copy(entry, &mut io::sink()).map_err(failed)
    })?;
    if has_sums { Ok(()) } else { Err(no_backup(backup, format!("{SUMS_FILE} is missing"))) }
}

fn no_backup(backup: &Path, why: String) -> RestoreError {
    RestoreError::NoBackup { path: backup.to_owned(), why }
}

/// Handles a file of a backup; returns how many bytes it had.
type Take<'a> = dyn FnMut(&str, &mut dyn io::Read) -> Result<u64, RestoreError> + 'a;

/// Reads a backup file by file. True if it has sums, which are then right; those of version 0.1.0 had none.
fn read(
    backup: &Path,
    file: File,
    watch: &mut dyn FnMut(u64, u64),
    take: &mut Take<'_>,
) -> Result<bool, RestoreError> {
    let unreadable = |error| RestoreError::Backup { path: backup.to_owned(), error };
    let size = file.metadata().map_err(unreadable)?.len();
    let ends = has_end(&file).map_err(unreadable)?;
    let mut archive = tar::Archive::new(io::BufReader::new(file));
    let (mut has_store, mut found, mut told) = (false, Sums::default(), None);
    for (number, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        let mut entry = entry.map_err(|error| no_backup(backup, error.to_string()))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // Known names alone: nothing is written elsewhere, whatever the archive says. The sums come last.
        if number >= BACKUP_FILES
            || entry.header().entry_type() != tar::EntryType::Regular
            || told.is_some()
            || !(is_known(&name) || name == SUMS_FILE)
        {
            return Err(no_backup(backup, format!("`{}` does not belong in one", name.escape_debug())));
        }
        let expected = entry.header().size().map_err(unreadable)?;
        watch(entry.raw_file_position() + expected, size);
        if name == SUMS_FILE {
            let mut text = String::new();
            let sums = (&mut entry).take(BACKUP_SUMS_BYTES).read_to_string(&mut text);
            sums.map_err(|error| no_backup(backup, format!("{SUMS_FILE}: {error}")))?;
            told = Some(text);
            continue;
        }
        has_store |= name == STORE_FILE;
        let mut summed = Summed { entry: &mut entry, sums: &mut found };
        if take(&name, &mut summed)? != expected {
            return Err(no_backup(backup, format!("it ends in the middle of `{name}`")));
        }
        found.end(&name);
    }
    if !has_store {
        return Err(no_backup(backup, "there is no store in it".to_owned()));
    }
    match told {
        None if !ends => {
            Err(no_backup(backup, "it ends too early: copy it again, or take another one".to_owned()))
        }
        Some(told) if told != found.text() => {
            Err(no_backup(backup, "it is damaged: a file in it is not the one that was written".to_owned()))
        }
        told => Ok(told.is_some()),
    }
}

/// Whether an archive has its end: two blocks of zeros (POSIX, pax interchange format). One that was cut between two files has not.
fn has_end(mut file: &File) -> io::Result<bool> {
    const END: usize = 2 * 512;
    let mut end = [1; END];
    let is_long = file.metadata()?.len() >= END as u64;
    if is_long {
        file.seek(io::SeekFrom::End(-(END as i64)))?;
        file.read_exact(&mut end)?;
        file.seek(io::SeekFrom::Start(0))?;
    }
    Ok(end.iter().all(|byte| *byte == 0))
}

/// Adds up what is read.
struct Summed<'a> {
    entry: &'a mut dyn io::Read,
    sums: &'a mut Sums,
}

impl io::Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(buffer)?;
        self.sums.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn write(entry: &mut dyn io::Read, path: &Path) -> Result<u64, RestoreError> {
    let failed = |error| RestoreError::Directory { path: path.to_owned(), error };
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let size = io::copy(entry, &mut file).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(size)
}
