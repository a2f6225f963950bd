//! A copy of the whole store while it is in use.

use std::path::{Path, PathBuf};

use crate::Store;
use crate::engine::shared::{Message, Shared, Space, Urgency};
use crate::engine::tables::{copy_rows, count_rows};
use crate::engine::write_new;
use crate::error::Error;
use crate::limits::SNAPSHOT_WATCHED_ROWS;

/// How far a copy has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows copied.
    pub rows: u64,
    /// Rows there are.
    pub of: u64,
}

impl Store {
    /// Returns when everything said so far is on disk: also tells that the writer thread lives.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Failed`], [`Error::Closed`].
    pub async fn flush(&self) -> Result<(), Error> {
        self.inner.shared.send(Message::Flush)?;
        self.call(Urgency::Durable, Space::Frees, |_| Ok(())).await
    }

    /// Writes everything that was committed when this was called into a new store file at `path`
    /// (mode 0600, must not be there), which [`Store::open`] takes as `store.redb` of a directory.
    /// Mail goes on meanwhile; pages it frees are used again when the copy is done. `watch` gets
    /// the progress, and at last that all of it is written. It ends the copy by answering false;
    /// the new file is removed then.
    ///
    /// # Errors
    /// [`Error::Stopped`] where `watch` said so; [`Error::Full`], [`Error::Failed`].
    pub async fn snapshot(
        &self,
        path: PathBuf,
        watch: impl FnMut(Progress) -> bool + Send + 'static,
    ) -> Result<(), Error> {
        // What waits in memory (component state, decisions) goes to disk first.
        self.flush().await?;
        let shared = std::sync::Arc::clone(&self.inner.shared);
        self.off_async(move || {
            let written = write(&shared, &path, watch);
            if written.is_err() {
                // The error says more than that the rest of the file could not be removed.
                let _ = std::fs::remove_file(&path);
            }
            written
        })
        .await
    }
}

fn write(shared: &Shared, path: &Path, mut watch: impl FnMut(Progress) -> bool) -> Result<(), Error> {
    if path.exists() {
        return Err(Error::Exists(path.display().to_string()));
    }
    let copied = shared.engine.read(|transaction| {
        let mut progress = Progress { rows: 0, of: count_rows(transaction)? };
        let mut step = || {
            progress.rows += 1;
            !progress.rows.is_multiple_of(SNAPSHOT_WATCHED_ROWS) || watch(progress)
        };
        write_new(path, shared.options.cache_bytes, |to| copy_rows(transaction, to, &mut step))?;
        // However few rows there are, the end is told.
        if watch(Progress { rows: progress.of, ..progress }) { Ok(()) } else { Err(Error::Stopped) }
    });
    copied.map_err(|(error, _)| error)
}
