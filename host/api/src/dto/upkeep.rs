//! Keeping a gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A key of the configuration and its value in effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationKey {
    /// Its name as in the file: `mail.expiry_days`.
    pub key: String,
    /// The value; null if the file has none and there is no default.
    pub value: Value,
    /// Whether the value is the default.
    pub is_default: bool,
    /// Whether a change takes effect only after a restart.
    pub after_restart: bool,
}

/// The result of reading the configuration again. Keys are written as in the file:
/// `mail.expiry_days`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// Keys that changed and are in effect now.
    pub changed: Vec<String>,
    /// Keys that changed and take effect after a restart.
    pub after_restart: Vec<String>,
}
