//! The gateway's own log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The last lines of the gateway's own log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Log {
    /// Oldest first: time, level, where, and what, as on standard error. Long ones are cut.
    pub lines: Vec<String>,
}
