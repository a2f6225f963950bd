//! The gateway's own log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The last lines of the gateway's own log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Log {
    /// Lines, oldest first, with time, level, place and text as on standard error. Long lines are
    /// cut.
    pub lines: Vec<String>,
}
