//! Makes a component of the core module a Rust compiler leaves behind, so that nobody needs another tool for it.

use std::borrow::Cow;

use wit_component::ComponentEncoder;

use crate::check::Refused;
use crate::limits::COMPONENT_BYTES;
use crate::validate::one_line;

/// The first eight bytes of a core module: magic number and version (WebAssembly core specification 5.5.16).
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The component for a file: the file itself, or for a core module built with wit-bindgen the component of it. What comes out is
/// not yet checked. For programs on the user's side; the gateway takes components only.
///
/// # Errors
/// [`Refused`] if it is a core module that does not say which world it was built for, or is too large.
pub fn to_component(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Refused> {
    if !bytes.starts_with(CORE_MODULE) {
        return Ok(Cow::Borrowed(bytes));
    }
    if bytes.len() as u64 > COMPONENT_BYTES {
        return Err(Refused::TooLarge(bytes.len() as u64));
    }
    let component = ComponentEncoder::default()
        .validate(true)
        .module(bytes)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| Refused::Module(one_line(&format!("{error:#}"), 1000)))?;
    Ok(Cow::Owned(component))
}
