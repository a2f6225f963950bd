//! Runs the schedule: wakes up when something is due, and gives each job a task.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use mail::MailId;
use mail::storage::StorageError;

use super::index::{Job, Next};
use crate::Gateway;
use crate::limits;
use crate::lock::lock;
use crate::moment::{Moment, millis};

/// Runs until the gateway is stopping; then waits for the tasks that are in the middle of a commit.
pub(crate) async fn run(gateway: Arc<Gateway>) {
    let stop = gateway.stopping.clone();
    let tasks = TaskTracker::new();
    let mut sweep_at = 0;
    while !stop.is_cancelled() {
        let now = gateway.now();
        let (jobs, next_due) = {
            let mut index = lock(&gateway.outbox.index);
            index.observe(now);
            (index.take(now), index.next_due())
        };
        let task = |id| Task { gateway: gateway.clone(), id, next: None };
        // Whatever happens from here on gives all of them back.
        let jobs: Vec<(Task, Job)> = jobs.into_iter().map(|job| (task(job.id()), job)).collect();
        for (task, job) in jobs {
            begin("mail", &tasks, run_job(task, job));
        }
        for (account, id) in gateway.due_requests(now) {
            let gateway = gateway.clone();
            begin("friend-request", &tasks, async move { gateway.repeat_request(&account, id, "").await });
        }
        if now.mono >= sweep_at && lock(&gateway.outbox.index).is_steady(now) {
            sweep_at = now.after(limits::SWEEP_EVERY);
            let gateway = gateway.clone();
            begin("sweep", &tasks, async move { gateway.sweep(now).await });
        }
        let until_due =
            next_due.map_or(limits::TICK, |due| Duration::from_millis(due.saturating_sub(now.mono)));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = gateway.outbox.changed.notified() => {}
            () = gateway.clock.sleep(until_due.min(limits::TICK)) => {}
        }
    }
    tasks.close();
    tokio::select! {
            biased;
        () = tasks.wait() => {}
        () = gateway.clock.sleep(limits::STOP_WAIT) => {}
    }
}

fn begin(name: &'static str, tasks: &TaskTracker, work: impl Future<Output = ()> + Send + 'static) {
    supervisor::job(name, tasks.track_future(work));
}

async fn run_job(mut task: Task, job: Job) {
    let gateway = task.gateway.clone();
    let done = match job {
        Job::Transfer(id) => gateway.transfer(id).await,
        Job::Visit(id) => gateway.visit(id).await,
        Job::GiveUp(id) => gateway.give_up(id).await,
        Job::TellDelay(id) => gateway.tell_delay(id).await,
    };
    task.next = Some(match done {
        Ok(next) => next,
        Err(error) => gateway.after_store_failure(task.id, &error).await,
    });
}

/// Gives the entry back when the task ends, also by a panic: then it is looked at again later.
struct Task {
    gateway: Arc<Gateway>,
    id: MailId,
    next: Option<Next>,
}

impl Drop for Task {
    fn drop(&mut self) {
        let now = self.gateway.now();
        self.gateway.outbox.finish(self.id, self.next.unwrap_or(Next::later(now)), now);
    }
}

impl Gateway {
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
        match self.storage.empty_bin(now.wall).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "mails that filters threw away were deleted for good"),
            Err(error) => tracing::warn!(%error, "the bin was not emptied; this is tried again in an hour"),
        }
    }
}
