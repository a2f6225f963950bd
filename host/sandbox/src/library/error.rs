//! What goes wrong with components that are kept.

use std::io;
use std::path::PathBuf;

use crate::library::check::Refused;
use crate::library::compile::CompileError;
use crate::limits::COMPONENTS;
use crate::slot::Slot;

/// Why a component could not be added, found or loaded.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The file is not a component for this gateway.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The component does not exist.
    #[error("there is no component `{0}`: `toxmail component list` shows them")]
    Unknown(String),
    /// Several components begin with these digits.
    #[error("several components begin with `{0}`: give more digits")]
    Ambiguous(String),
    /// The component does not fit the slot.
    #[error("component `{name}` is not for slot {slot}")]
    WrongSlot {
        /// The component.
        name: String,
        /// The slot.
        slot: Slot,
    },
    /// The name is not valid.
    #[error("`{0}` cannot be a component's name: use 1 to 64 letters, digits, dots, dashes or underscores")]
    InvalidName(String),
    /// Too many components.
    #[error(
        "{COMPONENTS} components are kept already: remove one first with `toxmail component remove NAME`"
    )]
    Full,
    /// The directory or a file of it cannot be used.
    #[error("the directory of components, {}: {error}", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The built-in conformance cases are damaged: a fault of the gateway.
    #[error("the conformance cases of the gateway are damaged: {0}")]
    Conformance(String),
    /// The process is stopping.
    #[error("the gateway is stopping")]
    Stopped,
}
