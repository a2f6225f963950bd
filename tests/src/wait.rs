//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// Long enough for Tox on a busy machine: coming online takes 7 to 8 s, noticing a killed peer 32 s.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Calls `probe` until it gives something.
///
/// # Panics
/// After [`DEADLINE`], naming `what` was waited for.
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    until_or(probe, || what.to_owned())
}

/// The same; what was waited for is told at the end, when more is known.
///
/// # Panics
/// After [`DEADLINE`].
#[allow(clippy::disallowed_methods, reason = "tests run in real time")]
pub fn until_or<T>(mut probe: impl FnMut() -> Option<T>, what: impl FnOnce() -> String) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        if start.elapsed() >= DEADLINE {
            panic!("waited {DEADLINE:?} in vain: {}", what());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How long `work` takes.
#[allow(clippy::disallowed_methods, reason = "tests run in real time")]
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
