//! Keeping a gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A key of the configuration and what holds now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationKey {
    /// As in the file: `mail.expiry_days`.
    pub key: String,
    /// What it says; null where nothing is said and nothing holds by default.
    pub value: Value,
    /// Whether that is the default.
    pub is_default: bool,
    /// Whether a change holds after a restart only.
    pub after_restart: bool,
}

/// What became of a configuration that was read again. Keys as they stand in the file: `mail.expiry_days`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// Keys that changed and hold now.
    pub changed: Vec<String>,
    /// Keys that changed and hold after a restart.
    pub after_restart: Vec<String>,
}
