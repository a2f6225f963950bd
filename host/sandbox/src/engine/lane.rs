//! Threads of a slot. Each slot has its own, so that a component that spins in one slot holds up no other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mail::Clock;
use tokio::sync::{Semaphore, oneshot};

use crate::engine::seat::Seat;
use crate::failure::Failure;
use crate::slot::Slot;

type Job = Box<dyn FnOnce() + Send>;

/// The threads of one slot and the calls that wait for them.
#[derive(Debug)]
pub struct Lane {
    jobs: Arc<Jobs>,
    /// Jobs that run at once. There is a thread for each of them, and for each job that is aside.
    free: Arc<Semaphore>,
    /// Jobs that may be aside at once.
    aside: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    longest_wait: Duration,
    clock: Arc<dyn Clock>,
}

/// Bounds of a lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneSettings {
    /// Jobs that run at once.
    pub threads: usize,
    /// Jobs that may wait aside at once for something outside the process, beside those that run. Each has a thread too.
    pub aside: usize,
    /// Stack of each in bytes.
    pub stack_bytes: usize,
    /// Calls that may wait; further ones fail at once.
    pub most_waiting: usize,
    /// How long a call waits for a thread before it fails.
    pub longest_wait: Duration,
}

impl Lane {
    /// Starts the threads.
    pub fn start(slot: Slot, settings: LaneSettings, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let lane = Self {
            jobs: Arc::default(),
            free: Arc::new(Semaphore::new(settings.threads)),
            aside: Arc::new(Semaphore::new(settings.aside)),
            waiting: AtomicUsize::new(0),
            most_waiting: settings.most_waiting,
            longest_wait: settings.longest_wait,
            clock,
        };
        for number in 0..settings.threads + settings.aside {
            let jobs = Arc::clone(&lane.jobs);
            let builder =
                thread::Builder::new().name(format!("{slot}-{number}")).stack_size(settings.stack_bytes);
            supervisor::kept_thread("slot", builder, move || work(&jobs))?;
        }
        Ok(lane)
    }

    /// Runs `job` on a thread of the lane, once the component's own `turns` and a thread are free: both are its seat, which it
    /// may leave for a while. If the caller goes away meanwhile, the job still ends by itself and keeps its seat until then.
    ///
    /// # Errors
    /// [`Failure::Busy`] if it would wait too long, [`Failure::Gateway`] if the job panicked, [`Failure::Stopped`] if the component is gone.
    pub async fn run<R: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        job: impl FnOnce(&Arc<Seat>) -> R + Send + 'static,
    ) -> Result<R, Failure> {
        let seat = self.wait(turns).await?;
        let (sender, receiver) = oneshot::channel();
        let job = move || {
            let result = supervisor::attempt_now("component-call", || job(&seat));
            seat.give_up();
            if let Some(result) = result {
                // Nobody waits any more: the answer is not needed.
                let _ = sender.send(result);
            }
        };
        self.jobs.push(Box::new(job));
        receiver
            .await
            .map_err(|_| Failure::Gateway("a fault of the gateway itself; its log says more".into()))
    }

    async fn wait(&self, turns: &Arc<Semaphore>) -> Result<Arc<Seat>, Failure> {
        let _waiting = Waiting::enter(&self.waiting, self.most_waiting)?;
        let seat = Seat::take(turns, &self.free, &self.aside);
        tokio::select! {
            biased;
            seat = seat => seat.map(Arc::new).ok_or(Failure::Stopped),
            () = self.clock.sleep(self.longest_wait) => Err(Failure::Busy),
        }
    }
}

/// One call that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize, most: usize) -> Result<Self, Failure> {
        let this = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= most { Err(Failure::Busy) } else { Ok(this) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.jobs.end();
    }
}

/// What the threads of a lane share. A job wakes one of them and no other, which a shared channel behind a lock would.
#[derive(Default)]
struct Jobs {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    ended: bool,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Jobs").field("waiting", &self.lock().jobs.len()).finish_non_exhaustive()
    }
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.changed.notify_one();
    }

    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// The next job, when there is one; None after the end, when none is left.
    fn next(&self) -> Option<Job> {
        let idle = |queue: &mut Queue| queue.jobs.is_empty() && !queue.ended;
        let mut queue = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        queue.jobs.pop_front()
    }
}

/// The life of a thread: until the lane is dropped.
fn work(jobs: &Jobs) {
    while let Some(job) = jobs.next() {
        job();
        // The next one is still in the queue.
        supervisor::checkpoint("slot");
    }
}
