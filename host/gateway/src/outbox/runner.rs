//! Runs the schedule: wakes up when something is due, and gives each job a task.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use mail::MailId;

use super::index::{Job, Next};
use crate::core::Core;
use crate::limits;
use crate::lock::lock;
use crate::moment::{Moment, millis};
use crate::ports::StorageError;

/// Runs until the core is stopping; then waits for the tasks that are in the middle of a commit.
pub(crate) async fn run(core: Arc<Core>) {
    let stop = core.stopping.clone();
    let tasks = TaskTracker::new();
    let mut sweep_at = 0;
    while !stop.is_cancelled() {
        let now = core.now();
        let (jobs, next_due) = {
            let mut index = lock(&core.outbox.index);
            index.observe(now);
            (index.take(now), index.next_due())
        };
        for job in jobs {
            tasks.spawn(run_job(core.clone(), job));
        }
        for (account, id) in core.due_requests(now) {
            let core = core.clone();
            tasks.spawn(async move { core.repeat_request(&account, id, "").await });
        }
        if now.mono >= sweep_at && lock(&core.outbox.index).is_steady(now) {
            sweep_at = now.after(limits::SWEEP_EVERY);
            let core = core.clone();
            tasks.spawn(async move { core.sweep(now).await });
        }
        let until_due =
            next_due.map_or(limits::TICK, |due| Duration::from_millis(due.saturating_sub(now.mono)));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = core.outbox.changed.notified() => {}
            () = core.clock.sleep(until_due.min(limits::TICK)) => {}
        }
    }
    tasks.close();
    tokio::select! {
            biased;
        () = tasks.wait() => {}
        () = core.clock.sleep(limits::STOP_WAIT) => {}
    }
}

async fn run_job(core: Arc<Core>, job: Job) {
    let mut task = Task { core: core.clone(), id: job.id(), next: None };
    let done = match job {
        Job::Transfer(id) => core.transfer(id).await,
        Job::Visit(id) => core.visit(id).await,
        Job::GiveUp(id) => core.give_up(id).await,
        Job::TellDelay(id) => core.tell_delay(id).await,
    };
    task.next = Some(match done {
        Ok(next) => next,
        Err(error) => core.after_store_failure(task.id, &error).await,
    });
}

/// Gives the entry back when the task ends, also by a panic: then it is looked at again later.
struct Task {
    core: Arc<Core>,
    id: MailId,
    next: Option<Next>,
}

impl Drop for Task {
    fn drop(&mut self) {
        let now = self.core.now();
        self.core.outbox.finish(self.id, self.next.unwrap_or(Next::later(now)), now);
    }
}

impl Core {
    /// The entry ended meanwhile, or the store failed and it stays.
    async fn after_store_failure(&self, id: MailId, error: &StorageError) -> Next {
        if *error == StorageError::NotFound && matches!(self.storage.outbox_entry(id).await, Ok(None)) {
            return Next::Gone;
        }
        tracing::warn!(%id, %error, "the store failed; the mail stays in the outbox");
        Next::later(self.now())
    }

    /// Forgets old arrivals and unfinished mails. To be called only while the wall clock can be believed.
    async fn sweep(&self, now: Moment) {
        let before = |age: Duration| mail::Wall(now.wall.0.saturating_sub(millis(age)));
        let (arrivals, partials) = (before(mail::limits::DEDUPE_MEMORY), before(limits::PARTIAL_MEMORY));
        if let Err(error) = self.storage.sweep(arrivals, partials).await {
            tracing::warn!(%error, "old records were not swept; this is tried again in an hour");
        }
    }
}
