//! What is known of the tasks of this process.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::limits::PROBLEM_BYTES;

/// What a panic in a task leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The task is started again.
    Kept,
    /// The process ends.
    Vital,
    /// Nothing: the task was one piece of work, and whoever waits for it learns of it.
    Job,
}

impl Kind {
    /// `kept`, `vital` or `job`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Vital => "vital",
            Self::Job => "job",
        }
    }
}

/// All tasks of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// Its name.
    pub name: &'static str,
    /// What a panic leads to.
    pub kind: Kind,
    /// How many run now.
    pub running: usize,
    /// How many wait to be started again, or are gone though they were vital.
    pub down: usize,
    /// Panics since the process began.
    pub panics: u64,
    /// What the last panic said.
    pub problem: Option<String>,
}

static TASKS: Mutex<BTreeMap<&'static str, TaskStatus>> = Mutex::new(BTreeMap::new());
static DOOM: Mutex<Option<String>> = Mutex::new(None);
static DOOMED: Notify = Notify::const_new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every name that was used since the process began, in order.
#[must_use]
pub fn status() -> Vec<TaskStatus> {
    lock(&TASKS).values().cloned().collect()
}

/// Waits until the process must end; says why. At once where that was so before the call.
pub async fn doomed() -> String {
    loop {
        let told = DOOMED.notified();
        tokio::pin!(told);
        told.as_mut().enable();
        if let Some(reason) = lock(&DOOM).clone() {
            return reason;
        }
        told.await;
    }
}

/// The process must end. The first reason stays.
pub(crate) fn doom(reason: String) {
    tracing::error!(reason, "the process must end");
    lock(&DOOM).get_or_insert(reason);
    DOOMED.notify_waiters();
}

fn with(name: &'static str, kind: Kind, change: impl FnOnce(&mut TaskStatus)) {
    let fresh = || TaskStatus { name, kind, running: 0, down: 0, panics: 0, problem: None };
    change(lock(&TASKS).entry(name).or_insert_with(fresh));
}

/// Counts a task as running until dropped.
pub(crate) struct Running(&'static str, Kind);

impl Running {
    pub(crate) fn new(name: &'static str, kind: Kind) -> Self {
        with(name, kind, |task| task.running += 1);
        Self(name, kind)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        with(self.0, self.1, |task| task.running -= 1);
    }
}

/// Counts a task as down until dropped.
pub(crate) struct Down(&'static str, Kind);

impl Down {
    pub(crate) fn new(name: &'static str, kind: Kind) -> Self {
        with(name, kind, |task| task.down += 1);
        Self(name, kind)
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        with(self.0, self.1, |task| task.down -= 1);
    }
}

/// Counts a panic and tells of it. Returns what it said.
pub(crate) fn panicked(name: &'static str, kind: Kind, payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    let mut text = text.unwrap_or_else(|| "a panic without a text".to_owned());
    text.truncate(text.floor_char_boundary(PROBLEM_BYTES));
    with(name, kind, |task| {
        task.panics += 1;
        task.problem = Some(text.clone());
    });
    tracing::error!(task = name, problem = text, "a task of the gateway failed");
    text
}
