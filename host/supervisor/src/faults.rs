//! Panics on order, for the tests that prove what a panic leads to. Only with the feature `faults`.

use std::future::Future;
use std::path::Path;

/// The program was built without the feature `faults`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATestBuild;

impl std::fmt::Display for NotATestBuild {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("this program was not built for tests: it makes no task fail on order")
    }
}

impl std::error::Error for NotATestBuild {}

/// Watches `directory`, for ever: a file in it that has the name of a task makes the next task of that name panic once,
/// and is removed when that has happened.
///
/// # Errors
/// [`NotATestBuild`]
pub fn watch_faults(directory: &Path) -> Result<(), NotATestBuild> {
    on_order::watch(directory)
}

/// Threads come by here now and then: where a panic was ordered for `name`, this is it.
pub fn checkpoint(name: &'static str) {
    on_order::checkpoint(name);
}

/// Runs `work`; where a panic is ordered for `name` meanwhile, that panic.
pub(crate) async fn or_panic<F: Future>(name: &'static str, work: F) -> F::Output {
    on_order::or_panic(name, work).await
}

#[cfg(not(feature = "faults"))]
mod on_order {
    use super::{Future, NotATestBuild, Path};

    pub(super) fn watch(_directory: &Path) -> Result<(), NotATestBuild> {
        Err(NotATestBuild)
    }

    pub(super) fn checkpoint(_name: &'static str) {}

    pub(super) async fn or_panic<F: Future>(_name: &'static str, work: F) -> F::Output {
        work.await
    }
}

#[cfg(feature = "faults")]
mod on_order {
    use std::path::PathBuf;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::{Future, NotATestBuild, Path};

    /// How often the directory is looked at.
    const LOOK: Duration = Duration::from_millis(20);

    /// Tasks that are to panic, and the files that say so.
    static ORDERED: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());
    static CHANGED: Notify = Notify::const_new();

    pub(super) fn watch(directory: &Path) -> Result<(), NotATestBuild> {
        let directory = directory.to_owned();
        tokio::spawn(async move {
            loop {
                look(&directory);
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(())
    }

    fn look(directory: &Path) {
        let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut ordered = ORDERED.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files {
            let known = ordered.iter().any(|(_, path)| *path == file.path());
            if let (false, Ok(name)) = (known, file.file_name().into_string()) {
                ordered.push((name, file.path()));
                CHANGED.notify_waiters();
            }
        }
    }

    pub(super) fn checkpoint(name: &'static str) {
        let mut ordered = ORDERED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = ordered.iter().position(|(ordered, _)| ordered == name) else { return };
        let (_, file) = ordered.remove(index);
        drop(ordered);
        // The test that ordered it waits for this. Where the file is gone the order was taken back.
        if std::fs::remove_file(file).is_ok() {
            panic!("a test ordered it");
        }
    }

    pub(super) async fn or_panic<F: Future>(name: &'static str, work: F) -> F::Output {
        let ordered = async {
            loop {
                let changed = CHANGED.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                checkpoint(name);
                changed.await;
            }
        };
        tokio::select! {
            biased;
            () = ordered => unreachable!("it ends by a panic"),
            done = work => done,
        }
    }
}
