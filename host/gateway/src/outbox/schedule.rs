//! The built-in schedule: when a policy component gives no answer.

use std::time::Duration;

use crate::limits::{RETRY_LONGEST, RETRY_SHORTEST};

const MINUTE: Duration = Duration::from_secs(60);

/// How long to wait after `attempts` failed ones (1 or more).
pub(super) fn builtin(attempts: u32) -> Duration {
    match attempts {
        0 | 1 => MINUTE,
        2 => 5 * MINUTE,
        3 => 15 * MINUTE,
        4 => 60 * MINUTE,
        _ => 240 * MINUTE,
    }
}

/// What a component or peer asked for, within bounds.
pub(super) fn bounded(wait: Duration) -> Duration {
    wait.clamp(RETRY_SHORTEST, RETRY_LONGEST)
}
