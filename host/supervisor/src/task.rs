//! Tasks of the runtime.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::faults;
use crate::limits::{FIRST_WAIT, LONGEST_WAIT, MOST_IN_A_ROW, STEADY};
use crate::registry::{Down, Kind, Running, doom, panicked};

/// Runs what `make` makes in a task of its own until it returns; after a panic `make` is asked again.
pub fn keep<F, Fut>(name: &'static str, make: F) -> JoinHandle<()>
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(keep_here(name, make))
}

/// The same as [`keep`] in the task of the caller. What is shared by all futures that `make` makes must be sound after a
/// panic in the middle of one of them.
pub async fn keep_here<F, Fut>(name: &'static str, mut make: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    let mut again = Again::default();
    loop {
        let running = Running::new(name, Kind::Kept);
        let began = Instant::now();
        // Also what `make` itself does is part of the task.
        let run = AssertUnwindSafe(async { faults::or_panic(name, make()).await });
        let Err(payload) = run.catch_unwind().await else { return };
        drop(running);
        let down = Down::new(name, Kind::Kept);
        let text = panicked(name, Kind::Kept, &*payload);
        let Some(wait) = again.after(began.elapsed()) else {
            doom(format!("the task `{name}` failed {MOST_IN_A_ROW} times in a row, at last with: {text}"));
            // Down until the process has ended, which this task must not outlive.
            return std::future::pending().await;
        };
        tokio::time::sleep(wait).await;
        drop(down);
    }
}

/// Runs one piece of work in a task of its own. A panic is counted; who waits for the handle gets it as before.
pub fn job<F>(name: &'static str, work: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(async move {
        let _running = Running::new(name, Kind::Job);
        match AssertUnwindSafe(faults::or_panic(name, work)).catch_unwind().await {
            Ok(done) => done,
            Err(payload) => {
                panicked(name, Kind::Job, &*payload);
                resume_unwind(payload)
            }
        }
    })
}

/// Runs one piece of work that waits for the disk or computes for long, on a thread for such work. A panic is counted; who
/// waits for the handle gets it as before.
pub fn blocking<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(move || {
        let _running = Running::new(name, Kind::Job);
        let run = AssertUnwindSafe(|| {
            faults::checkpoint(name);
            work()
        });
        match catch_unwind(run) {
            Ok(done) => done,
            Err(payload) => {
                panicked(name, Kind::Job, &*payload);
                resume_unwind(payload)
            }
        }
    })
}

/// Runs one piece of work within the task of the caller. None after a panic, which is counted.
pub async fn attempt<F: Future>(name: &'static str, work: F) -> Option<F::Output> {
    let _running = Running::new(name, Kind::Job);
    let done = AssertUnwindSafe(faults::or_panic(name, work)).catch_unwind().await;
    done.map_err(|payload| panicked(name, Kind::Job, &*payload)).ok()
}

/// The same for work that waits for nothing.
pub fn attempt_now<T>(name: &'static str, work: impl FnOnce() -> T) -> Option<T> {
    let _running = Running::new(name, Kind::Job);
    let run = AssertUnwindSafe(|| {
        faults::checkpoint(name);
        work()
    });
    catch_unwind(run).map_err(|payload| panicked(name, Kind::Job, &*payload)).ok()
}

/// Runs a task whose state cannot be trusted after a panic: one dooms the process.
pub fn vital<F>(name: &'static str, work: F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let running = Running::new(name, Kind::Vital);
        let done = AssertUnwindSafe(faults::or_panic(name, work)).catch_unwind().await;
        drop(running);
        if let Err(payload) = done {
            lost(name, &*payload);
        }
    })
}

/// A vital task or thread is gone for ever.
pub(crate) fn lost(name: &'static str, payload: &(dyn Any + Send)) {
    // Nothing brings it back: it counts as down from now on.
    std::mem::forget(Down::new(name, Kind::Vital));
    let text = panicked(name, Kind::Vital, payload);
    doom(format!("`{name}` failed: {text}"));
}

/// How long to wait before starting again.
#[derive(Default)]
pub(crate) struct Again {
    in_a_row: u32,
}

impl Again {
    /// The task has panicked after it `ran` so long. None: it is to be given up.
    pub(crate) fn after(&mut self, ran: Duration) -> Option<Duration> {
        if ran >= STEADY {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        let wait = FIRST_WAIT * 2_u32.pow((self.in_a_row - 1).min(16));
        (self.in_a_row < MOST_IN_A_ROW).then_some(wait.min(LONGEST_WAIT))
    }
}
