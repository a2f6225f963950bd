//! Threads of their own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use crate::limits::MOST_IN_A_ROW;
use crate::registry::{Down, Kind, Running, doom, panicked};
use crate::task::{Again, lost};

/// Starts a thread whose state cannot be trusted after a panic: one dooms the process.
///
/// # Errors
/// The system gives no thread.
pub fn vital_thread(name: &'static str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        let running = Running::new(name, Kind::Vital);
        let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { return };
        drop(running);
        lost(name, &*payload);
    })
}

/// Starts a thread that begins anew with `run` after each panic. `builder` has its stack and name for the system; `name`
/// is the one it is counted under.
///
/// # Errors
/// The system gives no thread.
pub fn kept_thread(
    name: &'static str,
    builder: Builder,
    mut run: impl FnMut() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    builder.spawn(move || {
        let mut again = Again::default();
        loop {
            let running = Running::new(name, Kind::Kept);
            #[allow(
                clippy::disallowed_methods,
                reason = "how long a thread really ran, in any simulated time"
            )]
            let began = Instant::now();
            let Err(payload) = catch_unwind(AssertUnwindSafe(&mut run)) else { return };
            drop(running);
            let down = Down::new(name, Kind::Kept);
            let text = panicked(name, Kind::Kept, &*payload);
            let Some(wait) = again.after(began.elapsed()) else {
                std::mem::forget(down);
                doom(format!(
                    "the thread `{name}` failed {MOST_IN_A_ROW} times in a row, at last with: {text}"
                ));
                return;
            };
            std::thread::sleep(wait);
        }
    })
}
