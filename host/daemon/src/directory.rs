//! Where things lie in the data directory.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The data directory and the names in it.
#[derive(Clone, Debug)]
pub struct DataDirectory(PathBuf);

/// A file of the data directory could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}")]
pub struct FileError {
    /// The path of the file.
    pub path: PathBuf,
    /// What the system said.
    pub error: std::io::Error,
}

impl DataDirectory {
    /// The directory given, made absolute so that it can be shown and written into files.
    ///
    /// # Errors
    /// The current directory is gone; or the name is not UTF-8, so that `ready.json` and the files for mail programs could not
    /// name what lies in it.
    pub fn new(directory: &Path) -> std::io::Result<Self> {
        let directory = std::path::absolute(directory)?;
        if directory.to_str().is_none() {
            let text = "its name is not UTF-8, which files that name it have to be; name another one with --data DIR";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidFilename, text));
        }
        Ok(Self(directory))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The configuration file that is read if it is there.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The password of the first account, and nothing else.
    pub fn password(&self) -> PathBuf {
        self.0.join("password")
    }

    /// The token of the web API, and nothing else.
    pub fn token(&self) -> PathBuf {
        self.0.join("admin-token")
    }

    /// The cells of the drop relay that is served.
    pub fn cells(&self) -> PathBuf {
        self.0.join("drop-cells.redb")
    }

    /// Secrets, each in a file of its own.
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// Private mailbox keys, each in a file of its own.
    pub fn mailbox_keys(&self) -> PathBuf {
        self.0.join("mailbox-keys")
    }

    /// Compiled components.
    pub fn compiled(&self) -> PathBuf {
        self.0.join("compiled")
    }

    /// Writes a small secret file in one step, mode 0600: a reader sees all of it or nothing.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn write_secret(&self, path: &Path, text: &str) -> Result<(), FileError> {
        let failed = |error| FileError { path: path.to_owned(), error };
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.0).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        std::fs::File::open(&self.0).and_then(|directory| directory.sync_all()).map_err(failed)
    }
}
