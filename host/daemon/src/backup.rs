//! Backups: everything of a data directory in one tar archive, made while the gateway runs; and data directories made of
//! them.
//!
//! In it: the store as it was at one moment, the configuration, the owner's password, the certificate, uploaded components,
//! mailbox keys, and what makes a served drop relay the same one (identity, invitations, issuing keys, spent tokens). Left out
//! is what is made anew (compiled components, the token, the lock) and the cells of the relay, which are copies: who left them
//! still has the mail. Last comes a list of SHA-256 sums, in the form that `sha256sum --check` reads.
//!
//! One is made at a time; the store's copy is opened and verified before anything of it is handed out.

mod mark;
mod restore;
mod sums;

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use mail::storage::{People as _, StorageError};
use mail::{Clock, Wall};
use relay::Serving;
use store::{STORE_FILE, Store};

pub use restore::{RestoreError, check, refuse_unfinished, restore};

use self::sums::{SUMS_FILE, Sums};

/// Bytes read of a file at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// A record of an archive.
const BLOCK: u64 = 512;

/// What temporary directories of backups are called; one of a killed gateway is removed at the next backup.
const TEMPORARY: &str = ".backup-";

/// The process that makes a backup has this file locked.
const LOCK: &str = ".backup.lock";

/// The cells of the served drop relay; of them only what makes it the same relay goes into a backup.
const BOARD_FILE: &str = "drop-cells.redb";

/// Files of the data directory itself.
const FILES: [&str; 8] = [
    STORE_FILE,
    BOARD_FILE,
    "config.toml",
    "password",
    "tls-certificate.pem",
    "tls-key.pem",
    "localhost-certificate.pem",
    "localhost-key.pem",
];

/// Directories of which files belong in a backup.
const DIRECTORIES: [&str; 3] = ["compiled", "secrets", "mailbox-keys"];

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Another one is under way.
    #[error("another backup is being made at the moment: wait until it is done, then try again")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// The copy of the store is not good.
    #[error("the copy of the store is not good, so there is no backup: {0}")]
    Copy(String),
    /// The served drop relay.
    #[error("the drop relay cannot be copied: {0}")]
    Board(#[from] drops::board::ShelfError),
    /// A file.
    #[error("the backup cannot be made: {path}: {error}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl From<store::Error> for BackupError {
    fn from(error: store::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An archive that is ready to be read.
pub struct Archive {
    /// Its size in bytes.
    pub size: u64,
    parts: VecDeque<Part>,
    sums: Sums,
    /// Held until all of it was read, or nobody wants it any more.
    lock: File,
}

/// A part of an archive. Files are open: that they are removed or replaced meanwhile changes nothing.
enum Part {
    Bytes(Bytes),
    File {
        name: String,
        file: File,
        left: u64,
    },
    /// The sums of all files before.
    Sums,
}

/// Whether a name may be in an archive.
fn is_known(name: &str) -> bool {
    let in_directory = |(directory, name): (&str, &str)| match directory {
        "compiled" => is_component(name),
        directory => DIRECTORIES.contains(&directory) && is_secret(name),
    };
    FILES.contains(&name) || name.split_once('/').is_some_and(in_directory)
}

fn is_component(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or_default();
    ["wasm", "json"].contains(&extension)
        && stem.len() == 64
        && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// As the store names secrets; not one that is half written.
fn is_secret(name: &str) -> bool {
    (1..=store::secrets::SECRET_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with(".new")
}

/// Copies the store and opens everything that goes into the archive. `board` is the drop relay that is served, if one is. `watch` is told
/// how far the store's copy is and ends it with false.
///
/// # Errors
/// [`BackupError`]
pub async fn archive(
    store: &Store,
    directory: &Path,
    board: Option<&Serving>,
    clock: Arc<dyn Clock>,
    watch: impl FnMut(store::Progress) -> bool + Send + 'static,
) -> Result<Archive, BackupError> {
    let failed = |error| BackupError::File { path: directory.to_owned(), error };
    let lock = lock(directory)?;
    remove_old(directory).map_err(failed)?;
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(directory).map_err(failed)?;
    store.snapshot(temporary.path().join(STORE_FILE), watch).await?;
    let copied_board = temporary.path().join(BOARD_FILE);
    let cells = directory.join(BOARD_FILE);
    match board {
        Some(board) => board.copy_without_cells(copied_board).await?,
        None if cells.exists() => {
            let copying = move || copy_idle_board(&cells, &copied_board);
            supervisor::blocking("backup", copying).await.map_err(|error| failed(io::Error::other(error)))?;
        }
        None => {}
    }
    verify(temporary.path(), &clock).await?;
    // Components and keys after the store: what it names is there.
    let (directory, now) = (directory.to_owned(), clock.wall());
    let collected = supervisor::blocking("backup", move || {
        let made = collect(&directory, temporary.path(), now, lock);
        // The open files stay readable.
        drop(temporary);
        made.map_err(|(path, error)| BackupError::File { path, error })
    });
    collected.await.unwrap_or_else(|error| Err(failed(io::Error::other(error))))
}

/// Copies a board that is not served now. One that cannot be read keeps nobody from a backup of everything else.
fn copy_idle_board(cells: &Path, copy: &Path) {
    if let Err(error) = drops::cells::copy_without_cells(cells, copy) {
        tracing::error!(%error, "the cells of a drop relay that is not served cannot be read: the backup is without them");
        // What there is of it is no copy.
        let _ = std::fs::remove_file(copy);
    }
}

/// The right to make a backup of this directory, until it is dropped.
fn lock(directory: &Path) -> Result<File, BackupError> {
    let path = directory.join(LOCK);
    let opened = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let locked = opened.map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => BackupError::Busy,
        TryLockError::Error(error) => BackupError::File { path, error },
    })
}

fn remove_old(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Opens the store in `directory` as a gateway would, and reads all of it. Rows that do not fit
/// together were so before: the log names them, and the backup is made all the same.
///
/// # Errors
/// [`BackupError::Copy`] where no gateway could start with it.
async fn verify(directory: &Path, clock: &Arc<dyn Clock>) -> Result<(), BackupError> {
    let (path, options) = (directory.to_owned(), store::OpenOptions::new(Arc::clone(clock)));
    let opening = supervisor::blocking("backup", move || Store::open(path, options)).await;
    let opened = opening.map_err(|error| BackupError::Copy(error.to_string()))?;
    let store = opened.map_err(|error| BackupError::Copy(error.to_string()))?;
    let report = store.verify().await;
    let accounts = store.accounts().await;
    let closing = supervisor::blocking("backup", move || store.close()).await;
    closing.map_err(|error| BackupError::Copy(error.to_string()))?;
    match report.map(|report| report.problems) {
        Ok(problems) if problems.is_empty() => {}
        Ok(problems) => tracing::warn!(?problems, "not everything in the store fits together"),
        Err(error) => tracing::warn!(%error, "not everything in the store can be read"),
    }
    accounts.map(drop).map_err(|error| BackupError::Copy(error.to_string()))
}

fn collect(directory: &Path, copies: &Path, now: Wall, lock: File) -> Result<Archive, (PathBuf, io::Error)> {
    let mut archive = Archive { size: 0, parts: VecDeque::new(), sums: Sums::default(), lock };
    let mut names = Vec::new();
    for name in FILES {
        let is_copy = [STORE_FILE, BOARD_FILE].contains(&name);
        let path = if is_copy { copies.join(name) } else { directory.join(name) };
        match archive.add(name, &path, now) {
            Ok(()) => names.push(name.to_owned()),
            // Without its store a backup is none.
            Err(error) if error.kind() == io::ErrorKind::NotFound && name != STORE_FILE => {}
            Err(error) => return Err((path, error)),
        }
    }
    for part in DIRECTORIES {
        let inside = directory.join(part);
        for name in names_in(&inside).map_err(|error| (inside.clone(), error))? {
            let (path, name) = (inside.join(&name), format!("{part}/{name}"));
            if !is_known(&name) {
                continue;
            }
            match archive.add(&name, &path, now) {
                Ok(()) => names.push(name),
                // A key whose time is over, erased meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err((path, error)),
            }
        }
    }
    let size = Sums::size_of(&names);
    archive.head(SUMS_FILE, size, now).map_err(|error| (directory.to_owned(), error))?;
    archive.size += size;
    archive.parts.push_back(Part::Sums);
    archive.pad(size);
    // Two empty records end an archive.
    archive.push(Bytes::from(vec![0; 1024]));
    Ok(archive)
}

fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => {
            entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
        }
    }
}

impl Archive {
    fn add(&mut self, name: &str, path: &Path, now: Wall) -> io::Result<()> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        self.head(name, size, now)?;
        self.size += size;
        self.parts.push_back(Part::File { name: name.to_owned(), file, left: size });
        self.pad(size);
        Ok(())
    }

    fn head(&mut self, name: &str, size: u64, now: Wall) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_path(name)?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(now.seconds());
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.push(Bytes::copy_from_slice(header.as_bytes()));
        Ok(())
    }

    fn pad(&mut self, size: u64) {
        let padding = usize::try_from(size.next_multiple_of(BLOCK) - size).unwrap_or(0);
        self.push(Bytes::from(vec![0; padding]));
    }

    fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len() as u64;
        self.parts.push_back(Part::Bytes(bytes));
    }

    /// It, piece by piece; files are read on blocking threads.
    pub fn pieces(self) -> BoxStream<'static, io::Result<Bytes>> {
        stream::try_unfold(self, |mut archive| async move {
            loop {
                match archive.parts.pop_front() {
                    None => {
                        drop(archive.lock);
                        return Ok(None);
                    }
                    Some(Part::Bytes(bytes)) if bytes.is_empty() => {}
                    Some(Part::Bytes(bytes)) => return Ok(Some((bytes, archive))),
                    Some(Part::Sums) => return Ok(Some((archive.sums.text().into(), archive))),
                    Some(Part::File { name, left: 0, .. }) => archive.sums.end(name),
                    Some(Part::File { name, file, left }) => {
                        let read = supervisor::blocking("backup", move || read_piece(file, left)).await;
                        let (bytes, file, left) = read.map_err(io::Error::other)??;
                        archive.sums.update(&bytes);
                        archive.parts.push_front(Part::File { name, file, left });
                        return Ok(Some((bytes, archive)));
                    }
                }
            }
        })
        .boxed()
    }
}

fn read_piece(file: File, left: u64) -> io::Result<(Bytes, File, u64)> {
    let mut bytes = Vec::new();
    let mut limited = file.take(left.min(PIECE_BYTES as u64));
    limited.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter during the backup"));
    }
    let left = left - bytes.len() as u64;
    Ok((bytes.into(), limited.into_inner(), left))
}

#[cfg(test)]
mod tests;
