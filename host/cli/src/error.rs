//! Why a verb failed.

use std::path::PathBuf;

use api::dto::Problem;

use super::ready::ReadyError;
use super::table::{printable, printable_lines};

/// Why a verb failed. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither `--data` nor a home directory.
    #[error("the data directory is not known because HOME is not set: give it with --data DIR")]
    NoDirectory,
    /// Nothing listens for this data directory.
    #[error("toxmail is not running here; start it with `toxmail up --data {0}`")]
    NotRunning(String),
    /// The ready file is there but cannot be used.
    #[error("{0}")]
    Ready(ReadyError),
    /// The token file cannot be read.
    #[error("cannot read the token {path}: {problem}; only the user who started toxmail can use it")]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file or a value that the user named cannot be read or used.
    #[error("{}", printable_lines(.0))]
    Input(String),
    /// The gateway refused.
    #[error("{}", printable(&.0.detail))]
    Refused(Problem),
    /// The gateway did not answer in time.
    #[error("toxmail does not answer; its log may say why (`toxmail up` prints it)")]
    Silent,
    /// The connection broke.
    #[error("the connection to toxmail broke ({0}); try again")]
    Broken(String),
    /// This program does not know this kind of answer.
    #[error("toxmail gave an answer this program does not understand ({0}); are both of the same version?")]
    Unexpected(String),
}

impl ClientError {
    /// An answer that does not read, or a request that cannot be written.
    pub fn unexpected(error: &serde_json::Error) -> Self {
        Self::Unexpected(error.to_string())
    }
}
