//! Backups: everything of a data directory in one tar archive, made while the gateway runs; and data directories made of
//! them.
//!
//! In it: the store as it was at one moment, the configuration, the owner's password, uploaded components. Left out is what is
//! made anew: compiled components, the token, the lock.

mod restore;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use mail::Wall;
use store::{STORE_FILE, Store};

pub use restore::restore;

/// Bytes read of a file at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// A record of an archive.
const BLOCK: u64 = 512;

/// What temporary directories of backups are called; one of a killed gateway is removed at the next backup.
const TEMPORARY: &str = ".backup-";

/// Files of the data directory itself.
const FILES: [&str; 5] = [STORE_FILE, "config.toml", "password", "tls-certificate.pem", "tls-key.pem"];

/// The directory with uploaded components, and what of it belongs in a backup.
const COMPONENTS: &str = "compiled";
const COMPONENT_EXTENSIONS: [&str; 2] = ["wasm", "json"];

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file.
    #[error("the backup cannot be made: {path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// An archive that is ready to be read.
pub struct Archive {
    /// Its bytes.
    pub size: u64,
    parts: Vec<Part>,
}

/// A part of an archive. Files are open: that they are removed or replaced meanwhile changes nothing.
enum Part {
    Bytes(Bytes),
    File { file: File, left: u64 },
}

/// Whether a name may be in an archive.
fn is_known(name: &str) -> bool {
    let is_component = |name: &str| {
        let (stem, extension) = name.split_once('.').unwrap_or_default();
        COMPONENT_EXTENSIONS.contains(&extension)
            && stem.len() == 64
            && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    FILES.contains(&name) || name.strip_prefix("compiled/").is_some_and(is_component)
}

/// Copies the store and opens everything that goes into the archive. `watch` is told how far the store's copy is and ends it with
/// false.
///
/// # Errors
/// [`BackupError`]
pub async fn archive(
    store: &Store,
    directory: &Path,
    now: Wall,
    watch: impl FnMut(store::Progress) -> bool + Send + 'static,
) -> Result<Archive, BackupError> {
    let failed = |error| BackupError::File { path: directory.to_owned(), error };
    remove_old(directory).map_err(failed)?;
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(directory).map_err(failed)?;
    let copy = temporary.path().join(STORE_FILE);
    store.snapshot(copy.clone(), watch).await?;
    // Components after the store: what it names is there.
    let directory = directory.to_owned();
    let collected = tokio::task::spawn_blocking(move || {
        let made = collect(&directory, &copy, now);
        // The open file stays readable.
        drop(temporary);
        made.map_err(|(path, error)| BackupError::File { path, error })
    });
    collected.await.unwrap_or_else(|error| Err(failed(io::Error::other(error))))
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

fn collect(directory: &Path, store: &Path, now: Wall) -> Result<Archive, (PathBuf, io::Error)> {
    let mut archive = Archive { size: 0, parts: Vec::new() };
    for name in FILES {
        let path = if name == STORE_FILE { store.to_owned() } else { directory.join(name) };
        archive.add(name, &path, now).map_err(|error| (path, error))?;
    }
    let components = directory.join(COMPONENTS);
    let names = match std::fs::read_dir(&components) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err((components, error)),
        Ok(entries) => {
            let names =
                entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
            names.collect::<io::Result<Vec<String>>>().map_err(|error| (components.clone(), error))?
        }
    };
    for name in names {
        let (path, name) = (components.join(&name), format!("{COMPONENTS}/{name}"));
        if is_known(&name) {
            archive.add(&name, &path, now).map_err(|error| (path, error))?;
        }
    }
    // Two empty records end an archive.
    archive.push(Bytes::from(vec![0; 1024]));
    Ok(archive)
}

impl Archive {
    /// Adds a file, if it is there.
    fn add(&mut self, name: &str, path: &Path, now: Wall) -> io::Result<()> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        let size = file.metadata()?.len();
        let mut header = tar::Header::new_gnu();
        header.set_path(name)?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(now.seconds());
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.push(Bytes::copy_from_slice(header.as_bytes()));
        self.size += size;
        self.parts.push(Part::File { file, left: size });
        let padding = usize::try_from(size.next_multiple_of(BLOCK) - size).unwrap_or(0);
        self.push(Bytes::from(vec![0; padding]));
        Ok(())
    }

    fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len() as u64;
        self.parts.push(Part::Bytes(bytes));
    }

    /// It, piece by piece; files are read on blocking threads.
    pub fn pieces(self) -> BoxStream<'static, io::Result<Bytes>> {
        let parts: std::collections::VecDeque<Part> = self.parts.into();
        stream::try_unfold(parts, |mut parts| async move {
            loop {
                match parts.pop_front() {
                    None => return Ok(None),
                    Some(Part::Bytes(bytes)) if bytes.is_empty() => {}
                    Some(Part::Bytes(bytes)) => return Ok(Some((bytes, parts))),
                    Some(Part::File { left: 0, .. }) => {}
                    Some(Part::File { file, left }) => {
                        let read = tokio::task::spawn_blocking(move || read_piece(file, left)).await;
                        let (bytes, file, left) = read.map_err(io::Error::other)??;
                        parts.push_front(Part::File { file, left });
                        return Ok(Some((bytes, parts)));
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
