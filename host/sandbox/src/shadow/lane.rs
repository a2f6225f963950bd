//! The one thread of all shadows: what finds no place in its short queue is not run at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::limits::SHADOW_WAITING;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs after everything else (niceness 10).
#[derive(Debug)]
pub struct ShadowLane(SyncSender<Job>);

impl ShadowLane {
    /// Starts the thread.
    pub fn start(stack_bytes: usize) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(SHADOW_WAITING);
        thread::Builder::new().name("shadow".into()).stack_size(stack_bytes).spawn(move || work(&jobs))?;
        Ok(Self(sender))
    }

    /// Runs `job` when its turn comes; false, and never, if too many wait. Does not wait.
    pub fn offer(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.0.try_send(Box::new(job)).is_ok()
    }
}

fn work(jobs: &Receiver<Job>) {
    // On Linux this is the thread's own. If it fails, shadows compete like everybody else, with one thread.
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!("shadows run with ordinary priority: {error}");
    }
    while let Ok(job) = jobs.recv() {
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a shadow call failed within the gateway");
        }
    }
}
