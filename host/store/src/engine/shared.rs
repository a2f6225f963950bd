//! What callers and the writer thread share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use bytes::Bytes;
use mail::Cause;
use mail::MailId;
use mail::record::{ArrivalKey, Partial};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::engine::Engine;
use crate::engine::context::Context;
use crate::engine::growing::Owner;
use crate::engine::room::Counted;
use crate::error::Error;
use crate::limits::{QUEUE_JOBS, QUEUE_KIB, STAGED_MEMORY_BYTES};
use crate::options::OpenOptions;
use crate::records::decisions::Waiting;
use crate::records::state::Overlay;
use crate::upkeep::unreadable::{Unreadable, View};

/// Whether a job waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Answered after an fsync.
    Durable,
    /// Answered when it is applied; on disk with the next durable commit, at the latest after `LAZY_TIME`.
    Lazy,
}

/// Whether a job takes space: such jobs are refused on a full disk, deleting goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Takes,
    Frees,
}

/// A change, applied within a write transaction that many share. It may be applied again after its
/// transaction was rolled back for another job's sake.
pub(crate) trait Job: Send {
    fn urgency(&self) -> Urgency;
    fn space(&self) -> Space;
    /// Applies the change; keeps the answer for [`Job::answer`].
    fn apply(&mut self, context: &mut Context<'_, '_>) -> Result<(), Error>;
    /// Tells the caller, after the commit or instead of it.
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

/// A message to the writer thread.
pub(crate) enum Message {
    Job(Box<dyn Job>),
    /// The body of a mail coming in starts; `replaces` is given up.
    Begin {
        body: u64,
        key: ArrivalKey,
        replaces: Option<u64>,
    },
    /// A piece of a body.
    Append {
        body: u64,
        owner: Owner,
        offset: u64,
        bytes: Bytes,
        permit: OwnedSemaphorePermit,
    },
    /// A staged body is not wanted.
    Discard {
        body: u64,
    },
    /// There is component state or a decision to save within `LAZY_TIME`.
    Unsaved,
    /// Save what is unsaved now; there is too much of it.
    Flush,
    /// A reader met a fault in this generation. It is answered when the file was opened again, or
    /// when that failed.
    Repair {
        generation: u64,
        done: SyncSender<()>,
    },
    /// Save and end.
    Stop,
}

/// Small staged bodies, in memory until a record takes them.
#[derive(Debug, Default)]
pub(crate) struct StagedMemory {
    bodies: HashMap<u64, Bytes>,
    bytes: usize,
}

impl StagedMemory {
    /// Keeps a body; gives it back if there is no room.
    pub(crate) fn insert(&mut self, body: u64, bytes: Bytes) -> Result<(), Bytes> {
        if self.bytes + bytes.len() > STAGED_MEMORY_BYTES {
            return Err(bytes);
        }
        self.bytes += bytes.len();
        self.bodies.insert(body, bytes);
        Ok(())
    }

    pub(crate) fn get(&self, body: u64) -> Option<Bytes> {
        self.bodies.get(&body).cloned()
    }

    pub(crate) fn remove(&mut self, body: u64) -> bool {
        let removed = self.bodies.remove(&body);
        self.bytes -= removed.as_ref().map_or(0, Bytes::len);
        removed.is_some()
    }
}

/// A mail that is coming in, as callers see it.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// As it would be on disk; `durable` is.
    pub(crate) partial: Partial,
    /// Bytes taken over, durable or not.
    pub(crate) received: u64,
}

/// See the module.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: OpenOptions,
    pub(crate) engine: Engine,
    pub(crate) staged: Mutex<StagedMemory>,
    pub(crate) partials: Mutex<HashMap<ArrivalKey, Progress>>,
    pub(crate) state: Mutex<Overlay>,
    /// Wakes those who wait for room in `state`.
    pub(crate) state_saved: Condvar,
    pub(crate) decisions: Mutex<Waiting>,
    /// Wakes those who wait for room in `decisions`.
    pub(crate) decisions_saved: Condvar,
    pub(crate) next_body: AtomicU64,
    /// Rows that cannot be read, as far as they were met.
    pub(crate) unreadable: Unreadable,
    /// How much room the file had.
    pub(crate) counted: Mutex<Counted>,
    sender: mpsc::Sender<Message>,
    queue_kib: Arc<Semaphore>,
    queue_jobs: Arc<Semaphore>,
}

/// What [`Shared`] starts with.
pub(crate) struct Start {
    pub(crate) dir: PathBuf,
    pub(crate) options: OpenOptions,
    pub(crate) engine: Engine,
    pub(crate) sender: mpsc::Sender<Message>,
}

impl Shared {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            dir: start.dir,
            options: start.options,
            engine: start.engine,
            sender: start.sender,
            staged: Mutex::default(),
            partials: Mutex::default(),
            state: Mutex::default(),
            state_saved: Condvar::new(),
            decisions_saved: Condvar::new(),
            decisions: Mutex::default(),
            next_body: AtomicU64::new(1),
            unreadable: Unreadable::default(),
            counted: Mutex::default(),
            queue_kib: Arc::new(Semaphore::new(QUEUE_KIB)),
            queue_jobs: Arc::new(Semaphore::new(QUEUE_JOBS)),
        }
    }

    /// Runs `f` on a snapshot of what is committed. After a fault the file is opened again and `f`
    /// is tried once more.
    pub(crate) fn read<T>(&self, mut f: impl FnMut(&View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let generation = match self.read_once(&mut f) {
            Err((error, generation)) if error.is_fault() => generation,
            other => return other.map_err(|(error, _)| error),
        };
        self.repair(generation)?;
        self.read_once(f).map_err(|(error, _)| error)
    }

    /// As [`Engine::read`], passing over what cannot be read.
    pub(crate) fn read_once<T>(
        &self,
        f: impl FnOnce(&View<'_>) -> Result<T, Error>,
    ) -> Result<T, (Error, u64)> {
        self.engine.read(|transaction| f(&View { transaction, unreadable: &self.unreadable }))
    }

    /// Has the file opened again after a fault seen in `generation`, unless that has happened
    /// already.
    pub(crate) fn repair(&self, generation: u64) -> Result<(), Error> {
        let (done, repaired) = sync_channel(1);
        self.send(Message::Repair { generation, done })?;
        repaired.recv().map_err(|_| Error::Closed)
    }

    /// Has `run` applied by the writer thread and waits for the answer.
    pub(crate) async fn call<T, F>(&self, urgency: Urgency, space: Space, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Context<'_, '_>) -> Result<T, Error> + Send + 'static,
    {
        let permit = Arc::clone(&self.queue_jobs).acquire_owned().await.map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let call = Call { run, output: None, reply, urgency, space, _permit: permit };
        self.send(Message::Job(Box::new(call)))?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Room in the queue for a piece of a body.
    pub(crate) async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let kib = u32::try_from(bytes.div_ceil(1024).clamp(1, QUEUE_KIB)).unwrap_or(u32::MAX);
        Arc::clone(&self.queue_kib).acquire_many_owned(kib).await.map_err(|_| Error::Closed)
    }

    pub(crate) fn send(&self, message: Message) -> Result<(), Error> {
        self.sender.send(message).map_err(|_| Error::Closed)
    }

    pub(crate) fn staged(&self) -> MutexGuard<'_, StagedMemory> {
        lock(&self.staged)
    }

    pub(crate) fn partials(&self) -> MutexGuard<'_, HashMap<ArrivalKey, Progress>> {
        lock(&self.partials)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, Overlay> {
        lock(&self.state)
    }

    pub(crate) fn decisions(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.decisions)
    }

    /// A new body id.
    pub(crate) fn new_body_id(&self) -> u64 {
        self.next_body.fetch_add(1, Ordering::Relaxed)
    }

    /// A new random id.
    pub(crate) fn random_id(&self) -> Result<MailId, Error> {
        let mut id = [0; 16];
        (self.options.random)(&mut id).map_err(|error| Error::NoRandom(Cause::new(error)))?;
        Ok(MailId(id))
    }
}

/// A panic while one of these locks was held leaves nothing half done: every section under one is short and
/// changes one thing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A closure as a job.
struct Call<T, F> {
    run: F,
    output: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
    urgency: Urgency,
    space: Space,
    _permit: OwnedSemaphorePermit,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Context<'_, '_>) -> Result<T, Error> + Send,
{
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn space(&self) -> Space {
        self.space
    }

    fn apply(&mut self, context: &mut Context<'_, '_>) -> Result<(), Error> {
        self.output = Some((self.run)(context)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { output, reply, .. } = *self;
        // A caller that went away does not want to know.
        let _gone = reply.send(outcome.and_then(|()| output.ok_or(Error::Closed)));
    }
}
