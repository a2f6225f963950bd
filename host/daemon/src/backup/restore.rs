//! A data directory made of a backup.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use store::STORE_FILE;

use super::{COMPONENTS, is_known};

/// Most files of a backup: all components a gateway keeps, and more.
const FILES_AT_MOST: usize = 10_000;

/// Why nothing was restored. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error("the backup {path} cannot be read: {error}")]
    Backup {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It holds something no backup holds.
    #[error("{path} is no backup of toxmail: {why}")]
    NoBackup {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Something is there already.
    #[error(
        "{0} is not empty: nothing is restored over other data; name another directory with --data DIR, or move this one away"
    )]
    NotEmpty(PathBuf),
    /// The directory cannot be written.
    #[error("{path} cannot be written: {error}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Unpacks a backup into a directory that is empty or not there. Blocks. On an error what was written is removed. `watch` is told
/// how many bytes of how many are read.
///
/// # Errors
/// [`RestoreError`]
pub fn restore(backup: &Path, directory: &Path, watch: &mut dyn FnMut(u64, u64)) -> Result<(), RestoreError> {
    let failed = |error| RestoreError::Directory { path: directory.to_owned(), error };
    let file = File::open(backup).map_err(|error| RestoreError::Backup { path: backup.to_owned(), error })?;
    let is_new = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(failed(error)),
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(RestoreError::NotEmpty(directory.to_owned()));
            }
            false
        }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let unpacked = unpack(backup, file, directory, watch);
    if unpacked.is_err() {
        // The error that led here says more than one of these.
        for part in [directory.join(COMPONENTS), directory.to_owned()] {
            for entry in fs::read_dir(&part).into_iter().flatten().flatten() {
                let _ = fs::remove_file(entry.path());
            }
        }
        let _ = fs::remove_dir(directory.join(COMPONENTS));
        if is_new {
            let _ = fs::remove_dir(directory);
        }
    }
    unpacked
}

fn unpack(
    backup: &Path,
    file: File,
    directory: &Path,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<(), RestoreError> {
    let unreadable = |error| RestoreError::Backup { path: backup.to_owned(), error };
    let no_backup = |why: String| RestoreError::NoBackup { path: backup.to_owned(), why };
    let size = file.metadata().map_err(unreadable)?.len();
    let mut archive = tar::Archive::new(io::BufReader::new(file));
    let mut has_store = false;
    for (number, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        let mut entry = entry.map_err(|error| no_backup(error.to_string()))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // Known names alone: nothing is written elsewhere, whatever the archive says.
        if number >= FILES_AT_MOST
            || entry.header().entry_type() != tar::EntryType::Regular
            || !is_known(&name)
        {
            return Err(no_backup(format!("`{}` does not belong in one", name.escape_debug())));
        }
        has_store |= name == STORE_FILE;
        let expected = entry.header().size().map_err(unreadable)?;
        watch(entry.raw_file_position() + expected, size);
        write(&mut entry, expected, &directory.join(&name))?;
    }
    if has_store { sync(directory) } else { Err(no_backup("there is no store in it".to_owned())) }
}

fn write(entry: &mut impl io::Read, expected: u64, path: &Path) -> Result<(), RestoreError> {
    let failed = |error| RestoreError::Directory { path: path.to_owned(), error };
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    if io::copy(entry, &mut file).map_err(failed)? != expected {
        return Err(failed(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the backup ends in the middle of it",
        )));
    }
    file.sync_all().map_err(failed)
}

fn sync(directory: &Path) -> Result<(), RestoreError> {
    let synced = File::open(directory).and_then(|open| open.sync_all());
    synced.map_err(|error| RestoreError::Directory { path: directory.to_owned(), error })
}
