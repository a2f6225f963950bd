//! The one thread of all shadows: what finds no place in its short queue is not run at all.

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
        let mut is_fresh = true;
        let builder = thread::Builder::new().name("shadow".into()).stack_size(stack_bytes);
        supervisor::kept_thread("shadow", builder, move || {
            // Once: a thread that begins anew is nice already.
            if std::mem::take(&mut is_fresh) {
                be_nice();
            }
            work(&jobs);
        })?;
        Ok(Self(sender))
    }

    /// Runs `job` when its turn comes; false, and never, if too many wait. Does not wait.
    pub fn offer(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.0.try_send(Box::new(job)).is_ok()
    }
}

fn be_nice() {
    // On Linux this is the thread's own. If it fails, shadows compete like everybody else, with one thread.
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!("shadows run with ordinary priority: {error}");
    }
}

fn work(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        supervisor::checkpoint("shadow");
        let _counted = supervisor::attempt_now("shadow-call", job);
    }
}
