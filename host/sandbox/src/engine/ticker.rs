//! The beat that ends calls which run too long: a thread advances the engine's epoch while calls run.
//!
//! Time limits are counted in these ticks. On a machine too busy to run the ticker a call gets more time, not less. When no
//! call has run for a while the ticker sleeps, so an idle gateway causes no wake-ups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Time between ticks: how exact time limits are.
pub const TICK: Duration = Duration::from_millis(5);

/// Ticks without a call after which the ticker sleeps.
const IDLE_TICKS: u32 = 200;

/// Counts ticks while calls run.
#[derive(Debug)]
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ticks: AtomicU64,
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// A call that runs; keeps the ticker awake.
#[derive(Debug)]
pub struct Running(Arc<Shared>);

impl Ticker {
    /// Starts the thread; `advance` is called once a tick.
    pub fn start(advance: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let builder = thread::Builder::new().name("ticker".into());
        let thread = supervisor::kept_thread("ticker", builder, move || beat(&theirs, &advance))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A call begins: the ticker beats until the result is dropped.
    pub fn run(&self) -> Running {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Running(Arc::clone(&self.shared))
    }
}

impl Running {
    /// Ticks so far.
    pub fn now(&self) -> u64 {
        self.0.ticks.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It catches its panics.
            let _ = thread.join();
        }
    }
}

fn beat(shared: &Shared, advance: &dyn Fn()) {
    let mut idle = 0;
    while !shared.stopped.load(Ordering::SeqCst) {
        supervisor::checkpoint("ticker");
        if shared.running.load(Ordering::SeqCst) > 0 {
            idle = 0;
        } else {
            idle += 1;
        }
        if idle > IDLE_TICKS {
            sleep_until_called(shared);
            idle = 0;
        }
        thread::park_timeout(TICK);
        shared.ticks.fetch_add(1, Ordering::Relaxed);
        advance();
    }
}

/// `asleep` is set before `running` is read, a call raises `running` before it reads `asleep`: one of them sees the other.
fn sleep_until_called(shared: &Shared) {
    shared.asleep.store(true, Ordering::SeqCst);
    while shared.running.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst) {
        thread::park();
    }
    shared.asleep.store(false, Ordering::SeqCst);
}

/// Ticks that cover `time`: one more, because the first may come at once.
pub fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}
