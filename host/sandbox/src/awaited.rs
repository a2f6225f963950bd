//! Whether somebody still waits for work that takes long: compiling a component, or asking one on the bench. What nobody waits for ends
//! early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody waits, until this is dropped.
#[derive(Debug)]
pub struct Waiter(Arc<AtomicBool>);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the work looks at. The default is awaited for ever.
#[derive(Clone, Debug, Default)]
pub struct Awaited(Option<Arc<AtomicBool>>);

impl Awaited {
    /// Work that somebody waits for.
    #[must_use]
    pub fn by_somebody() -> (Waiter, Self) {
        let is_abandoned = Arc::new(AtomicBool::new(false));
        (Waiter(Arc::clone(&is_abandoned)), Self(Some(is_abandoned)))
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_some_and(|is_abandoned| is_abandoned.load(Ordering::Relaxed))
    }

    /// Whether it can come to that.
    pub(crate) fn can_be_abandoned(&self) -> bool {
        self.0.is_some()
    }
}
