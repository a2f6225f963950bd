//! The writer thread: the only place where the store changes.
//!
//! It takes what is queued, applies it in one write transaction, takes what has come meanwhile, commits once and answers all. So callers
//! that come together share an fsync, and nobody waits for others to come. A job that fails leaves the others alone: if it has changed nothing it is answered and
//! the rest goes on; if it has, the transaction is rolled back and the rest applied again without it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use mail::Monotonic;
use redb::ReadableTable;

use crate::engine::context::{Context, Effects};
use crate::engine::growing::{Growing, Owner};
use crate::engine::shared::{Job, Message, Shared, Space, Urgency};
use crate::engine::tables::Tables;
use crate::error::Error;
use crate::limits::{BATCH_JOBS, LAZY_TIME, UNSAVED_BYTES, UNSAVED_TIME};
use crate::records::{decisions, reception, state};

/// How a transaction went.
enum Attempt {
    Committed(Effects),
    /// The job with this index failed after it had changed something.
    Spoiled(usize, Error),
    /// Nothing of it can be relied on.
    Fault(Error),
}

/// The writer thread's own state.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    receiver: Receiver<Message>,
    growing: Growing,
    /// The latest time at which unsaved changes must be on disk.
    due: Option<Monotonic>,
    /// Whether it must be now.
    flush: bool,
    garbage: bool,
    stopping: bool,
    /// A message taken from the queue that has to wait for the next transaction.
    held: Option<Message>,
    /// Staged bodies that were given up half written.
    discarded: Vec<u64>,
}

/// A job with what became of it so far.
struct Pending {
    job: Box<dyn Job>,
    refused: Option<Error>,
}

impl Writer {
    /// The writer of a store just opened: tidies what an unclean end left.
    pub(crate) fn new(shared: Arc<Shared>, receiver: Receiver<Message>) -> Result<Self, Error> {
        let mut writer = Self {
            shared,
            receiver,
            growing: Growing::default(),
            due: None,
            flush: false,
            garbage: false,
            stopping: false,
            held: None,
            discarded: Vec::new(),
        };
        writer.recover()?;
        Ok(writer)
    }

    /// Runs until told to stop, then saves unsaved changes.
    pub(crate) fn run(mut self) {
        while !self.stopping {
            let Some(first) = self.wait() else { continue };
            supervisor::checkpoint("store");
            let mut jobs = Vec::new();
            self.take(first, &mut jobs);
            for _ in 0..BATCH_JOBS {
                if self.growing.must_spill() {
                    break;
                }
                match self.receiver.try_recv() {
                    Ok(message) => self.take(Some(message), &mut jobs),
                    Err(_) => break,
                }
            }
            self.process(jobs);
        }
        self.shared.engine.close();
    }

    /// The next message; `Some(None)` when something is due without one; None when all callers are gone.
    fn wait(&mut self) -> Option<Option<Message>> {
        if let Some(held) = self.held.take() {
            return Some(Some(held));
        }
        if self.garbage || self.flush {
            return Some(self.receiver.try_recv().ok());
        }
        let Some(due) = self.due else {
            let message = self.receiver.recv();
            self.stopping |= message.is_err();
            return message.ok().map(Some);
        };
        match self.receiver.recv_timeout(due.since(self.now())) {
            Ok(message) => Some(Some(message)),
            // The time is up for the receiver: with a clock that stands still that counts.
            Err(RecvTimeoutError::Timeout) => {
                self.flush = true;
                Some(None)
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.stopping = true;
                self.flush = true;
                Some(None)
            }
        }
    }

    fn take(&mut self, message: Option<Message>, jobs: &mut Vec<Pending>) {
        match message {
            None => {}
            Some(Message::Job(job)) => jobs.push(Pending { job, refused: None }),
            Some(Message::Begin { body, key, replaces }) => {
                replaces.into_iter().for_each(|old| self.growing.remove(old));
                self.growing.begin(body, Owner::Partial(key), 0);
            }
            Some(Message::Append { body, owner, offset, bytes, permit }) => {
                self.append(body, owner, offset, &bytes);
                drop(permit);
            }
            Some(Message::Discard { body }) => {
                self.growing.remove(body);
                self.discarded.push(body);
                self.save_within(LAZY_TIME);
            }
            Some(Message::Unsaved) => self.save_within(LAZY_TIME),
            Some(Message::Flush) => self.flush = true,
            Some(Message::Repair { generation, done }) => self.repair(generation, Some(done)),
            Some(Message::Stop) => {
                self.stopping = true;
                self.flush = true;
            }
        }
    }

    fn append(&mut self, body: u64, owner: Owner, offset: u64, bytes: &[u8]) {
        let limit = match owner {
            Owner::Staged => LAZY_TIME,
            Owner::Partial(_) => UNSAVED_TIME,
        };
        if offset == 0 && owner == Owner::Staged {
            self.growing.begin(body, owner, 0);
        }
        if self.growing.append(body, offset, bytes) {
            self.save_within(limit);
        }
    }

    fn now(&self) -> Monotonic {
        self.shared.options.clock.monotonic()
    }

    fn save_within(&mut self, time: Duration) {
        let latest = Monotonic(self.now().0.saturating_add(time));
        self.due = Some(self.due.map_or(latest, |due| due.min(latest)));
    }

    fn process(&mut self, mut jobs: Vec<Pending>) {
        self.refuse_without_space(&mut jobs);
        self.flush |= self.due.is_some_and(|due| due <= self.now());
        self.flush |= self.growing.unsaved() >= UNSAVED_BYTES as u64;
        let flush = std::mem::take(&mut self.flush);
        let is_open = |pending: &&Pending| pending.refused.is_none();
        let durable = flush
            || self.garbage
            || jobs.iter().filter(is_open).any(|pending| pending.job.urgency() == Urgency::Durable);
        let work = durable || self.growing.must_spill() || jobs.iter().any(|p| p.refused.is_none());
        let outcome = if work { self.commit(&mut jobs, durable, flush) } else { Ok(()) };
        if outcome.is_ok() && work && !durable {
            self.save_within(LAZY_TIME);
        }
        for pending in jobs {
            let outcome = pending.refused.map_or_else(|| outcome.clone(), Err);
            pending.job.answer(outcome);
        }
    }

    /// Looks for space where a job takes some, and refuses such jobs while there is too little.
    fn refuse_without_space(&self, jobs: &mut [Pending]) {
        let takes_space = |pending: &&mut Pending| pending.job.space() == Space::Takes;
        let mut takers = jobs.iter_mut().filter(takes_space).peekable();
        if takers.peek().is_some()
            && let Err(full) = self.shared.look_for_space()
        {
            takers.for_each(|pending| pending.refused = Some(full.clone()));
        }
    }

    fn commit(&mut self, jobs: &mut Vec<Pending>, durable: bool, flush: bool) -> Result<(), Error> {
        if !self.shared.engine.is_open() {
            self.repair(self.shared.engine.generation(), None);
        }
        loop {
            match self.attempt(jobs, durable, flush) {
                Attempt::Committed(effects) => {
                    self.committed(effects, durable, flush);
                    return Ok(());
                }
                Attempt::Spoiled(index, error) => {
                    if let Some(pending) = jobs.get_mut(index) {
                        pending.refused = Some(error);
                    }
                }
                Attempt::Fault(error) => {
                    tracing::error!(%error, "a commit failed; opening the store's file again");
                    self.repair(self.shared.engine.generation(), None);
                    // What is still unsaved is tried again, but not at once.
                    self.garbage = false;
                    self.due = None;
                    self.save_within(LAZY_TIME);
                    // Whoever waits for component state or decisions to be saved must not wait for ever.
                    self.shared.decisions().saved(false);
                    self.shared.decisions_saved.notify_all();
                    self.shared.state().saved(false);
                    self.shared.state_saved.notify_all();
                    return Err(error);
                }
            }
        }
    }

    fn attempt(&mut self, jobs: &mut Vec<Pending>, durable: bool, flush: bool) -> Attempt {
        let Self { shared, growing, discarded, receiver, held, .. } = self;
        let mut spoiled = None;
        let result = shared.engine.write(durable, |tables| {
            let mut context = Context::new(tables, shared, growing);
            write_unsaved(&mut context, discarded, durable, flush)?;
            let mut next = 0;
            while next < jobs.len() || take_more(receiver, held, jobs, durable, shared) {
                let index = next;
                next += 1;
                let Some(pending) = jobs.get_mut(index).filter(|pending| pending.refused.is_none()) else {
                    continue;
                };
                let writes = context.t.writes();
                match pending.job.apply(&mut context) {
                    Ok(()) => {}
                    Err(error) if error.is_fault() => return Err(error),
                    Err(error) if context.t.writes() == writes => pending.refused = Some(error),
                    Err(error) => {
                        spoiled = Some(index);
                        return Err(error);
                    }
                }
            }
            if durable {
                context.collect_garbage()?;
            }
            Ok(context.effects)
        });
        match (result, spoiled) {
            (Ok(effects), _) => Attempt::Committed(effects),
            (Err(error), Some(index)) if !error.is_fault() => Attempt::Spoiled(index, error),
            (Err(error), _) => Attempt::Fault(error),
        }
    }

    /// Brings memory in line with what is committed.
    fn committed(&mut self, effects: Effects, durable: bool, flush: bool) {
        self.discarded.clear();
        for (body, count) in effects.advanced {
            self.growing.advance(body, count);
        }
        if durable {
            self.growing.saved();
            reception::saved(&self.shared, &self.growing);
            self.shared.state().saved(true);
            self.shared.state_saved.notify_all();
            self.garbage = effects.garbage;
        } else {
            self.garbage |= effects.garbage;
        }
        for body in effects.finished {
            self.growing.remove(body);
            self.shared.staged().remove(body);
        }
        reception::ended(&self.shared, effects.ended);
        if flush {
            self.shared.decisions().saved(true);
            self.shared.decisions_saved.notify_all();
        }
        if durable {
            self.wait_for_the_rest(flush);
        }
    }

    /// After a durable commit that did not take everything: the rest keeps its time limit, so that commits one after another do
    /// not put it off for ever.
    fn wait_for_the_rest(&mut self, flushed: bool) {
        let before = self.due.take().filter(|_| !flushed);
        let (mut partial, mut staged) = (false, false);
        for (_, grow) in self.growing.iter().filter(|(_, grow)| grow.is_unsaved()) {
            match grow.owner {
                Owner::Staged => staged = true,
                Owner::Partial(_) => partial = true,
            }
        }
        if staged || self.shared.state().is_unsaved() || self.shared.decisions().is_unsaved() {
            self.save_within(LAZY_TIME);
        }
        if partial {
            self.save_within(UNSAVED_TIME);
        }
        if let (Some(before), Some(rest)) = (before, self.due) {
            self.due = Some(before.min(rest));
        }
    }

    /// Opens the file again after a fault, and forgets what was not on disk.
    fn repair(&mut self, generation: u64, done: Option<SyncSender<()>>) {
        match self.shared.engine.reopen(generation) {
            Ok(false) => {}
            Ok(true) => {
                self.growing.clear();
                self.discarded.clear();
                if let Err(error) = self.recover() {
                    tracing::error!(%error, "the store could not be tidied after a fault");
                }
            }
            Err(error) => {
                tracing::error!(%error, "the store's file cannot be opened again; trying at the next use")
            }
        }
        if let Some(done) = done {
            // A reader that went away does not want to know.
            let _gone = done.send(());
        }
    }

    fn recover(&mut self) -> Result<(), Error> {
        self.garbage = remove_staged(&self.shared)?;
        reception::load(&self.shared, &mut self.growing)
    }
}

/// Takes a job that came while others were applied, if it fits their transaction. What does not is held for the next.
fn take_more(
    receiver: &Receiver<Message>,
    held: &mut Option<Message>,
    jobs: &mut Vec<Pending>,
    durable: bool,
    shared: &Shared,
) -> bool {
    if held.is_some() || jobs.len() >= BATCH_JOBS {
        return false;
    }
    match receiver.try_recv() {
        Ok(Message::Job(job)) if durable || job.urgency() == Urgency::Lazy => {
            let refused = (job.space() == Space::Takes).then(|| shared.check_space().err()).flatten();
            jobs.push(Pending { job, refused });
            true
        }
        Ok(other) => {
            *held = Some(other);
            false
        }
        Err(_) => false,
    }
}

/// Writes what waits in memory: component state with every durable commit; pieces of bodies and decisions only when their time has
/// come, many at once, so that no mail's commit has to write them.
fn write_unsaved(
    context: &mut Context<'_, '_>,
    discarded: &[u64],
    durable: bool,
    flush: bool,
) -> Result<(), Error> {
    let growing = context.growing;
    if flush || growing.must_spill() {
        for (body, _) in growing.iter().filter(|(_, grow)| grow.is_unsaved()) {
            context.write_growing(body, flush)?;
        }
    }
    if flush {
        decisions::write_waiting(context)?;
    }
    for &body in discarded {
        context.discard_staged(body)?;
    }
    if durable {
        state::write_pending(context)?;
    }
    Ok(())
}

/// Removes bodies that no record took before the file was closed. True if rows are left to remove.
fn remove_staged(shared: &Shared) -> Result<bool, Error> {
    let (ids, garbage) = shared
        .engine
        .read(|transaction| {
            let staged = transaction.open_table(crate::engine::tables::STAGED)?;
            let ids = staged.iter()?.map(|row| Ok(row?.0.value())).collect::<Result<Vec<u64>, Error>>()?;
            let garbage = transaction.open_table(crate::engine::tables::GARBAGE)?;
            Ok((ids, garbage.first()?.is_some()))
        })
        .map_err(|(error, _)| error)?;
    if ids.is_empty() {
        return Ok(garbage);
    }
    let growing = Growing::default();
    shared.engine.write(true, |tables: &mut Tables<'_>| {
        let mut context = Context::new(tables, shared, &growing);
        for &body in &ids {
            context.discard_staged(body)?;
        }
        Ok(context.effects.garbage || garbage)
    })
}

/// Starts the thread.
pub(crate) fn spawn(writer: Writer) -> std::io::Result<std::thread::JoinHandle<()>> {
    supervisor::vital_thread("store", move || writer.run())
}

/// Waits for the thread to end.
pub(crate) fn join(handle: &std::sync::Mutex<Option<std::thread::JoinHandle<()>>>) {
    let thread = handle.lock().unwrap_or_else(PoisonError::into_inner).take();
    if thread.is_some_and(|thread| thread.join().is_err()) {
        tracing::error!("the store's thread panicked");
    }
}
