//! Files of components.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use api::dto::ComponentName;
use api::limits::COMPONENT_BYTES;

use crate::ToComponent;
use crate::error::ClientError;

/// The name of a file without `.wasm`.
pub(crate) fn name_of(file: &Path) -> Result<ComponentName, ClientError> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.parse().map_err(|_| {
        ClientError::Input(format!("`{stem}` cannot be a component's name: give it one with --name NAME"))
    })
}

/// The component in a file that was signed as it is.
pub(crate) fn signed_component(file: &Path, make: ToComponent) -> Result<Vec<u8>, ClientError> {
    let bytes = read_file(file)?;
    if made(file, &bytes, make)? != bytes {
        return Err(ClientError::Input(format!(
            "{} is a core module: make a component of it first (`wasm-tools component new FILE -o COMPONENT`), and sign the component",
            file.display()
        )));
    }
    Ok(bytes)
}

/// The component of a file with these bytes.
fn made(file: &Path, bytes: &[u8], make: ToComponent) -> Result<Vec<u8>, ClientError> {
    make(bytes).map_err(|error| ClientError::Input(format!("{}: {error}", file.display())))
}

/// The component in a file; a core module becomes one.
///
/// # Errors
/// [`ClientError::Input`] says what is wrong with the file.
pub fn read_component(file: &Path, make: ToComponent) -> Result<Vec<u8>, ClientError> {
    made(file, &read_file(file)?, make)
}

fn read_file(file: &Path) -> Result<Vec<u8>, ClientError> {
    let failed = |error: io::Error| ClientError::Input(format!("cannot read {}: {error}", file.display()));
    let mut bytes = Vec::new();
    File::open(file)
        .map_err(failed)?
        .take(COMPONENT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > COMPONENT_BYTES {
        let largest = COMPONENT_BYTES / 1_000_000;
        return Err(ClientError::Input(format!(
            "{} is larger than {largest} MB: it is not a component",
            file.display()
        )));
    }
    Ok(bytes)
}
