//! Secrets that must be erasable, each in a small file of its own, mode 0600.
//!
//! What is deleted in the store's file stays readable there until its pages are used again. A secret that must go for
//! good (the key of a mailbox on a relay) is overwritten in place and unlinked instead. That is best effort: flash
//! memory and copying file systems may keep old blocks, and backups do.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::engine::directory;

/// Largest secret, bytes: a key or a few, never a mail.
pub const SECRET_BYTES: usize = 64 * 1024;

/// Longest name of a secret: with its temporary suffix a file name.
pub const SECRET_NAME_BYTES: usize = 100;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// What is appended to the name while a secret is being written.
const TEMPORARY: &str = ".new";

/// What is appended to the name of a file that was set aside, before a number.
const ASIDE: &str = ".damaged-";

/// Why a secret could not be kept, read or erased.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The name is not a plain file name.
    #[error(
        "`{0}` cannot name a secret: use 1 to 100 letters, digits, dashes, dots and underscores, not starting with a dot"
    )]
    Name(String),
    /// Too long to be a secret.
    #[error("a secret of {0} bytes is too long")]
    TooLong(u64),
    /// The system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A directory (mode 0700) of secrets. Calls block for an fsync: make them off async threads.
#[derive(Clone, Debug)]
pub struct Secrets {
    dir: PathBuf,
}

impl Secrets {
    /// The secrets in `dir`, which is made if it is not there. Remains of a write that was cut off are erased.
    ///
    /// # Errors
    /// [`SecretError::Io`].
    pub fn open(dir: &Path) -> Result<Self, SecretError> {
        directory::prepare(dir).map_err(|error| io_error("open", dir)(io::Error::other(error)))?;
        let secrets = Self { dir: dir.to_owned() };
        for entry in std::fs::read_dir(dir).map_err(io_error("list", dir))? {
            let path = entry.map_err(io_error("list", dir))?.path();
            if path.extension().is_some_and(|extension| extension == "new") {
                secrets.erase_file(&path)?;
            }
        }
        Ok(secrets)
    }

    /// Keeps `secret` under `name`: whole and durable, or not at all. One that was there before is replaced, but not overwritten:
    /// [`Secrets::erase`] it first where that matters.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn write(&self, name: &str, secret: &[u8]) -> Result<(), SecretError> {
        let path = self.path(name)?;
        if secret.len() > SECRET_BYTES {
            return Err(SecretError::TooLong(secret.len() as u64));
        }
        let temporary = self.dir.join(format!("{name}{TEMPORARY}"));
        let failed = io_error("write", &temporary);
        let write = || -> io::Result<()> {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(secret)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)?;
            directory::sync(&self.dir)
        };
        write().map_err(failed)
    }

    /// The secret under `name`; None if there is none.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let path = self.path(name)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error("read", &path)(source)),
        };
        let length = file.metadata().map_err(io_error("read", &path))?.len();
        if length > SECRET_BYTES as u64 {
            return Err(SecretError::TooLong(length));
        }
        // Reserved at once: a growing vector leaves copies behind.
        let mut secret = Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
        file.take(SECRET_BYTES as u64).read_to_end(&mut secret).map_err(io_error("read", &path))?;
        Ok(Some(secret))
    }

    /// The key of [`KEY_BYTES`] under `name`; None if there is none. A file of another length was
    /// not written here, or not to its end: it is set aside, so that no other key is written in its
    /// place.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read_key(&self, name: &str) -> Result<Option<Zeroizing<[u8; KEY_BYTES]>>, SecretError> {
        let length = match self.read(name) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => match bytes.as_slice().try_into() {
                Ok(key) => return Ok(Some(Zeroizing::new(key))),
                Err(_) => bytes.len() as u64,
            },
            Err(SecretError::TooLong(length)) => length,
            Err(error) => return Err(error),
        };
        let aside = self.set_aside(name)?;
        tracing::error!(
            file = %aside.display(),
            length,
            "a key file has another length than a key: it is set aside, what was sealed to its key cannot be read"
        );
        Ok(None)
    }

    /// Moves a secret to a name that is free. Returns where it is now.
    fn set_aside(&self, name: &str) -> Result<PathBuf, SecretError> {
        let path = self.path(name)?;
        let mut number = 1;
        let aside = loop {
            let aside = self.dir.join(format!("{name}{ASIDE}{number}"));
            if !aside.try_exists().map_err(io_error("look for", &aside))? {
                break aside;
            }
            number += 1;
        };
        std::fs::rename(&path, &aside)
            .and_then(|()| directory::sync(&self.dir))
            .map_err(io_error("set aside", &path))?;
        Ok(aside)
    }

    /// What was set aside: each file, and the name of the secret that it was.
    ///
    /// # Errors
    /// [`SecretError::Io`].
    pub fn asides(&self) -> Result<Vec<(PathBuf, String)>, SecretError> {
        let names = self.names()?.into_iter();
        Ok(names
            .filter_map(|name| {
                let (of, _) = name.rsplit_once(ASIDE)?;
                Some((self.dir.join(&name), of.to_owned()))
            })
            .collect())
    }

    /// The names of all secrets, in no order; also those of files that were set aside.
    ///
    /// # Errors
    /// [`SecretError::Io`].
    pub fn names(&self) -> Result<Vec<String>, SecretError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(io_error("list", &self.dir))? {
            let name = entry.map_err(io_error("list", &self.dir))?.file_name();
            names.extend(name.to_str().filter(|name| !name.ends_with(TEMPORARY)).map(str::to_owned));
        }
        Ok(names)
    }

    /// Overwrites the secret under `name` and removes it, and what was set aside of it. False if
    /// there was none.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn erase(&self, name: &str) -> Result<bool, SecretError> {
        let path = self.path(name)?;
        for (aside, of) in self.asides()? {
            if of == name {
                self.erase_file(&aside)?;
            }
        }
        self.erase_file(&path)
    }

    fn erase_file(&self, path: &Path) -> Result<bool, SecretError> {
        let mut file = match std::fs::OpenOptions::new().write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(io_error("erase", path)(source)),
        };
        let mut overwrite = || -> io::Result<()> {
            let length = file.metadata()?.len().min(SECRET_BYTES as u64);
            io::copy(&mut io::repeat(0).take(length), &mut file)?;
            file.sync_all()?;
            std::fs::remove_file(path)?;
            directory::sync(&self.dir)
        };
        overwrite().map_err(io_error("erase", path))?;
        Ok(true)
    }

    fn path(&self, name: &str) -> Result<PathBuf, SecretError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let valid = (1..=SECRET_NAME_BYTES).contains(&name.len())
            && name.bytes().all(plain)
            && !name.starts_with('.')
            && !name.ends_with(TEMPORARY);
        if valid { Ok(self.dir.join(name)) } else { Err(SecretError::Name(name.chars().take(120).collect())) }
    }
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SecretError {
    let path = path.to_owned();
    move |source| SecretError::Io { what, path, source }
}

#[cfg(test)]
mod tests;
