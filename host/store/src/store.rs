//! The handle.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use redb::{ReadableTable, ReadableTableMetadata};

use crate::engine::context::Context;
use crate::engine::directory;
use crate::engine::shared::{Message, Shared, Space, Start, Urgency, lock};
use crate::engine::tables::{BODIES, GARBAGE, ROWS, STAGED};
use crate::engine::writer::{self, Writer};
use crate::engine::{Engine, STORE_FILE};
use crate::error::{Error, OpenError};
use crate::options::OpenOptions;
use crate::records::{decisions, state};
use crate::upkeep::unreadable::View;

/// An open store. Clones are cheap and mean the same store, which closes when the last one goes or at [`Store::close`].
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Its lock keeps other daemons out.
    lock: Mutex<Option<File>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("dir", &self.inner.shared.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in `dir`, making both if they are not there. Blocks: a few milliseconds, also after a crash; up to a second
    /// where the file is large, and longer once where most of it is unused, which is given back to the disk.
    ///
    /// # Errors
    /// [`OpenError::InUse`] where another process has it open, [`OpenError::NewerFormat`] where a
    /// newer version wrote it, [`OpenError::Damaged`] where the file is not a store.
    pub fn open(dir: impl AsRef<Path>, options: OpenOptions) -> Result<Self, OpenError> {
        let dir = dir.as_ref();
        directory::prepare(dir)?;
        let file = directory::lock(dir)?;
        let engine = Engine::open(dir, options.cache_bytes, options.faults.clone())?;
        if let Err(error) = engine.give_back(options.give_back_bytes) {
            tracing::warn!(%error, "unused space of the store's file was not given back to the disk");
            engine.reopen(engine.generation())?;
        }
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::new(Shared::new(Start { dir: dir.to_owned(), options, engine, sender }));
        load(&shared)?;
        let writer = Writer::new(Arc::clone(&shared), receiver)?;
        let thread = writer::spawn(writer).map_err(|source| OpenError::Io {
            what: "start the thread that writes",
            path: dir.join(STORE_FILE),
            source,
        })?;
        Ok(Self {
            inner: Arc::new(Inner { shared, thread: Mutex::new(Some(thread)), lock: Mutex::new(Some(file)) }),
        })
    }

    /// Saves what is unsaved and closes the file; other handles get [`Error::Closed`] from now on. Blocks until done.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Runs a change on the writer thread.
    pub(crate) async fn call<T, F>(&self, urgency: Urgency, space: Space, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Context<'_, '_>) -> Result<T, Error> + Send + 'static,
    {
        self.inner.shared.call(urgency, space, run).await
    }

    /// A change that is durable when this returns and takes space.
    pub(crate) async fn put<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Context<'_, '_>) -> Result<T, Error> + Send + 'static,
    {
        self.call(Urgency::Durable, Space::Takes, run).await
    }

    /// A change that is durable when this returns and frees space.
    pub(crate) async fn remove<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Context<'_, '_>) -> Result<T, Error> + Send + 'static,
    {
        self.call(Urgency::Durable, Space::Frees, run).await
    }

    /// Reads one or few records, at once.
    pub(crate) fn get<T>(&self, f: impl FnMut(&View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.inner.shared.read(f)
    }

    /// Reads many records, on a blocking thread.
    pub(crate) async fn list<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&View<'_>) -> Result<T, Error> + Send + 'static,
    {
        let shared = Arc::clone(&self.inner.shared);
        self.off_async(move || shared.read(f)).await
    }

    pub(crate) async fn off_async<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        supervisor::blocking("store-read", f).await.unwrap_or_else(|error| Err(cut_off(error)))
    }
}

/// The answer of a read on a blocking thread that ended without one.
pub(crate) fn cut_off(error: tokio::task::JoinError) -> Error {
    Error::failed(error)
}

impl Inner {
    fn close(&self) {
        // Where the thread is gone already there is nothing to stop.
        let _gone = self.shared.send(Message::Stop);
        writer::join(&self.thread);
        drop(lock(&self.lock).take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The state in memory, besides the file.
fn load(shared: &Shared) -> Result<(), Error> {
    let next_body = shared.read(|transaction| {
        let last_body = transaction.open_table(BODIES)?.last()?.map_or(0, |row| row.0.value());
        let last_staged = transaction.open_table(STAGED)?.last()?.map_or(0, |row| row.0.value());
        let last_garbage = transaction.open_table(GARBAGE)?.last()?.map_or(0, |row| row.0.value());
        let last_row = transaction.open_table(ROWS)?.last()?.map_or(0, |row| row.0.value().0);
        Ok(last_body.max(last_staged).max(last_garbage).max(last_row) + 1)
    })?;
    shared.next_body.store(next_body, Ordering::Relaxed);
    state::load(shared)?;
    decisions::load(shared)
}

/// How many rows a table has.
pub(crate) fn count(table: &impl ReadableTableMetadata) -> Result<u64, Error> {
    Ok(table.len()?)
}
