//! A component out of a core module.

use wit_component::ComponentEncoder;

/// The component of a core module, or what is wrong with that.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))
}
