//! The one place that starts long-lived tasks and threads.
//!
//! A panic ends only the task that had it. It is caught, counted under the task's name, and logged.
//! The task's [`Kind`] says what happens next. A *kept* task is started again, after a longer pause
//! each time. A *vital* task, whose state can no longer be trusted, dooms the process, and so does
//! a kept one that fails again and again. A *job* was one piece of work.
//!
//! A bare task of the runtime elsewhere is only a shell. Everything that can fail in it runs within
//! an [`attempt`], and the shell hands on the result, so that nobody waits for it in vain.
//!
//! The state of the tasks belongs to the process. [`status`] gives it, and [`doomed`] waits for a
//! reason to end the process. This crate never decides how the process ends.

mod faults;
pub mod limits;
mod registry;
mod task;
mod thread;

pub use faults::{NotATestBuild, checkpoint, watch_faults};
pub use registry::{Kind, TaskStatus, doomed, status};
pub use task::{attempt, attempt_now, blocking, job, keep, keep_here, vital};
pub use thread::{kept_thread, vital_thread};
