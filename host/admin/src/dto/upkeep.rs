//! Keeping a gateway.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a configuration that was read again. Keys as they stand in the file: `mail.expiry_days`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// Keys that changed and hold now.
    pub changed: Vec<String>,
    /// Keys that changed and hold after a restart.
    pub after_restart: Vec<String>,
}
