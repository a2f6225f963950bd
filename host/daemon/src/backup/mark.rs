//! The mark of a data directory that is being made of a backup.
//!
//! A restore that was killed leaves part of a data directory. The mark is the first file that a restore writes and the last
//! one it removes, so no gateway starts with a part, and the next restore into the directory begins anew.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use store::{LOCK_FILE, STORE_FILE};

use super::restore::RestoreError;
use super::{DIRECTORIES, is_known};

/// The file that marks a directory. No backup contains it.
const MARK: &str = ".restoring";

/// A directory that is being restored. Dropped before [`Marked::end`] it removes what the restore wrote, and the directory
/// itself if the restore made it.
pub struct Marked {
    directory: PathBuf,
    is_new: bool,
    is_done: bool,
    /// The open mark, which stays locked until the restore is over.
    _lock: File,
}

impl Marked {
    /// Marks a directory that is empty, is not there, or holds what a killed restore left, which goes.
    ///
    /// # Errors
    /// [`RestoreError::NotEmpty`], [`RestoreError::Busy`], [`RestoreError::Directory`]
    pub fn begin(directory: &Path) -> Result<Self, RestoreError> {
        let failed = |error| RestoreError::Directory { path: directory.to_owned(), error };
        let is_new = !directory.try_exists().map_err(failed)?;
        if !is_new && !is_marked(directory) && holds_other_files(directory).map_err(failed)? {
            return Err(RestoreError::NotEmpty(directory.to_owned()));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let path = directory.join(MARK);
        let opened = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
        let mark = opened.map_err(failed)?;
        mark.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => RestoreError::Busy(directory.to_owned()),
            TryLockError::Error(error) => failed(error),
        })?;
        sync(directory).map_err(failed)?;
        clear(directory);
        let marked = Self { directory: directory.to_owned(), is_new, is_done: false, _lock: mark };
        if holds_other_files(directory).map_err(failed)? {
            return Err(RestoreError::NotEmpty(directory.to_owned()));
        }
        Ok(marked)
    }

    /// Everything is in the directory and was checked: it is a data directory from now on.
    ///
    /// # Errors
    /// [`RestoreError::Directory`]
    pub fn end(mut self) -> Result<(), RestoreError> {
        let failed = |path: &Path, error| RestoreError::Directory { path: path.to_owned(), error };
        for part in DIRECTORIES.map(|part| self.directory.join(part)) {
            match sync(&part) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&part, error)),
                _ => {}
            }
        }
        sync(&self.directory).map_err(|error| failed(&self.directory, error))?;
        fs::remove_file(self.directory.join(MARK)).map_err(|error| failed(&self.directory, error))?;
        self.is_done = true;
        sync(&self.directory).map_err(|error| failed(&self.directory, error))
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        clear(&self.directory);
        // The error that led here says more than one of these.
        let _ = fs::remove_file(self.directory.join(MARK));
        if self.is_new {
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// Whether a restore into this directory is under way or was killed.
pub fn is_marked(directory: &Path) -> bool {
    directory.join(MARK).exists()
}

fn holds_other_files(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        if entry?.file_name() != MARK {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what a restore writes, but for the mark. What it did not write stays.
fn clear(directory: &Path) {
    for part in DIRECTORIES {
        remove_files(&directory.join(part), |name| is_known(&format!("{part}/{name}")));
        // It may not be there, or hold other files.
        let _ = fs::remove_dir(directory.join(part));
    }
    // Checking the store makes its lock, and a copy of it in an older format.
    remove_files(directory, |name| is_known(name) || name == LOCK_FILE || name.starts_with(STORE_FILE));
}

fn remove_files(directory: &Path, is_ours: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(&is_ours) {
            // What cannot be removed is found when the directory is looked at again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory).and_then(|open| open.sync_all())
}
