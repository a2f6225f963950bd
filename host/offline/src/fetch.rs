//! When tokens are fetched.

use mail::Monotonic;

/// When tokens of a board are fetched.
pub(crate) struct Fetch {
    pub at: Monotonic,
    pub is_running: bool,
}
