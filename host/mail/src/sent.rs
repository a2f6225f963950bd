//! How far a mail got that nobody acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether all bytes of a mail went out in a transfer. From then on its recipient may have it, whatever is heard of them. Clones
/// are one mark; it is set once and stays.
#[derive(Clone, Debug, Default)]
pub struct SentWhole(Arc<AtomicBool>);

impl SentWhole {
    /// All bytes are on their way.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether they are.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
