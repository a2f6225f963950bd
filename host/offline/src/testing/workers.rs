//! Threads for computing.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::ports::Workers;
use crate::shared::lock;

/// Computing takes no time here.
pub(crate) struct Inline;

impl Workers for Inline {
    fn run(&self, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}

/// Worker threads that do nothing before they are told to.
#[derive(Default)]
pub(crate) struct Held(Mutex<VecDeque<Box<dyn FnOnce() + Send>>>);

impl Held {
    /// Jobs that wait.
    pub fn waiting(&self) -> usize {
        lock(&self.0).len()
    }

    /// Does the next one; false if none waits.
    pub fn run_next(&self) -> bool {
        let job = lock(&self.0).pop_front();
        job.map(|job| job()).is_some()
    }
}

impl Workers for Held {
    fn run(&self, job: Box<dyn FnOnce() + Send>) {
        lock(&self.0).push_back(job);
    }
}
