//! Bounds of starting again, with their reasons.

use std::time::Duration;

/// Wait before a task is started again after its first panic: nobody notices it.
pub const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Longest wait before a task is started again; each wait is twice the one before.
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A task that ran this long without a panic begins to be counted anew.
pub const STEADY: Duration = Duration::from_secs(60);

/// Panics in a row after which a kept task dooms the process: about half a minute of waiting. A service manager then
/// begins with clean memory.
pub const MOST_IN_A_ROW: u32 = 9;

/// Longest text of a panic that is kept, bytes: it stands in one line of `status`.
pub const PROBLEM_BYTES: usize = 200;
