//! `ready.json`: says that a gateway runs on a data directory, and where it listens.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use mail::{AccountName, ToxId};
use serde::{Deserialize, Serialize};

use crate::limits::READY_FILE_BYTES;

/// Its name in the data directory.
pub const FILE_NAME: &str = "ready.json";

/// What the file says. Other programs rely on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Process id of the gateway.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Full Tox ID of the first account; of the drop relay where there is nothing else. Absent where the only account's stored identity is
    /// damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tox_id: Option<ToxId>,
    /// The address of the drop relay served here, as others add it; absent if none is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_address: Option<String>,
    /// SMTP listener, host:port; absent where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub smtp: String,
    /// POP3 listener, host:port; absent where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pop3: String,
    /// Web listener, host:port.
    pub admin: String,
    /// The certificate of the web listener, where it is over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_certificate_file: Option<PathBuf>,
    /// The first account: the user name for SMTP and POP3.
    pub account: AccountName,
    /// File with its password and nothing else.
    pub password_file: PathBuf,
    /// File with the token of the web API and nothing else.
    pub admin_token_file: PathBuf,
    /// Every account.
    pub accounts: Vec<ReadyAccount>,
}

/// An account, in the ready file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadyAccount {
    /// Its name.
    pub name: AccountName,
    /// Its full Tox ID.
    pub tox_id: ToxId,
}

/// Why the ready file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// It is not there: no gateway runs.
    #[error("there is no {FILE_NAME}")]
    Missing,
    /// It is there and cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is there but has other content.
    #[error("{path} is damaged ({problem}); if no gateway runs there, delete it")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl Ready {
    /// Reads `directory/ready.json`.
    ///
    /// # Errors
    /// [`ReadyError`]; `Missing` where no gateway runs.
    pub fn read(directory: &Path) -> Result<Self, ReadyError> {
        let path = directory.join(FILE_NAME);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReadyError::Missing),
            Err(source) => return Err(ReadyError::Unreadable { path, source }),
        };
        let mut bytes = Vec::new();
        if let Err(source) = file.take(READY_FILE_BYTES + 1).read_to_end(&mut bytes) {
            return Err(ReadyError::Unreadable { path, source });
        }
        if bytes.len() as u64 > READY_FILE_BYTES {
            return Err(ReadyError::Damaged { path, problem: "it is too large".to_owned() });
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| ReadyError::Damaged { path, problem: error.to_string() })
    }

    /// Writes `directory/ready.json` in one step: a reader sees all of it or nothing. Mode 0600.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        // A temporary file of its own name, made with mode 0600, removed if anything fails.
        let mut file = tempfile::Builder::new().prefix(".ready-").tempfile_in(directory)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(directory.join(FILE_NAME)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes `directory/ready.json`. That it is gone already is fine.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(directory: &Path) -> io::Result<()> {
        match fs::remove_file(directory.join(FILE_NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the process that wrote it is alive (or another has taken its number meanwhile).
    #[must_use]
    pub fn is_process_alive(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| match rustix::process::test_kill_process(pid) {
            // Not ours to signal: it is there.
            Ok(()) | Err(rustix::io::Errno::PERM) => true,
            Err(_) => false,
        })
    }
}

#[cfg(test)]
mod tests;
