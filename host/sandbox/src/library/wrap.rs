//! Makes a component of the core module a Rust compiler leaves behind, so that nobody needs another tool for it.

use std::borrow::Cow;

use wit_component::ComponentEncoder;

use crate::library::check::Refused;
use crate::library::compile::{CompileError, CompileMode, encode_in_child};
use crate::library::error::LibraryError;
use crate::limits::COMPONENT_BYTES;
use crate::questions::validate::one_line;

/// The first eight bytes of a core module: magic number and version (WebAssembly core specification 5.5.16).
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The component for a file: the file itself, or for a core module built with wit-bindgen the component of it, made where components are compiled:
/// a damaged module makes the encoder panic, or call itself until its stack ends. What comes out is not yet checked. Blocks.
///
/// # Errors
/// [`Refused`] if it is a core module that does not say which world it was built for, or is too large or damaged; [`CompileError`] if the
/// child took too long or could not be run.
pub fn to_component<'a>(mode: &CompileMode, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, LibraryError> {
    if !bytes.starts_with(CORE_MODULE) {
        return Ok(Cow::Borrowed(bytes));
    }
    if bytes.len() as u64 > COMPONENT_BYTES {
        return Err(Refused::TooLarge(bytes.len() as u64).into());
    }
    let encoded = match mode {
        CompileMode::InProcess => encode(bytes).map_err(|InvalidModule(words)| CompileError::Invalid(words)),
        CompileMode::Child { exe, args, limits } => encode_in_child(exe, args, limits, bytes),
    };
    match encoded {
        Ok(component) => Ok(Cow::Owned(component)),
        Err(CompileError::Invalid(words)) => Err(Refused::Module(one_line(&words, 1000)).into()),
        Err(CompileError::TooMuchMemory(_)) => {
            Err(Refused::Module("its description of the world it was built for is damaged".to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with a core module, in the encoder's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidModule(pub String);

/// The component of a core module.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, InvalidModule> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| InvalidModule(format!("{error:#}")))
}
