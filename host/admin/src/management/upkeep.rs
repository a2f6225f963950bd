//! What keeps a gateway going: a part of [`Management`](super::Management).

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use super::Result;
use crate::dto::{ConfigurationKey, History, Log, Reloaded};
use crate::metrics::Metric;

/// A backup that is ready to go out.
pub struct Backup {
    /// Its size in bytes.
    pub size: u64,
    /// Its bytes, piece by piece.
    pub pieces: BoxStream<'static, std::io::Result<Bytes>>,
}

/// Log, figures, configuration and backup.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// The last lines of the gateway's own log, oldest first: at most [`limits::LOG_LINES`](crate::limits::LOG_LINES).
    async fn log(&self) -> Result<Log>;
    /// Figures of the last hour and days.
    async fn history(&self) -> Result<History>;
    /// Everything `/metrics` shows.
    async fn metrics(&self) -> Vec<Metric>;
    /// Every key of the configuration file, and what of the file holds now; options of the command line are not in it.
    async fn configuration(&self) -> Result<Vec<ConfigurationKey>>;
    /// Reads the configuration again. `Unprocessable` where it is not right; nothing changes then.
    async fn reload(&self) -> Result<Reloaded>;
    /// Copies everything while mail goes on, and gives the archive.
    async fn backup(&self) -> Result<Backup>;
}
