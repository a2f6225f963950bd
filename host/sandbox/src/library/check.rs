//! Looks into an uploaded file before anything is compiled: is it a component, for which slot, and does it ask for
//! no more than that slot grants?

use wasmparser::{Encoding, Parser, Payload};

use crate::engine::wasi;
use crate::limits::COMPONENT_BYTES;
use crate::slot::Slot;

/// The WIT package components are written against.
const PACKAGE: &str = "toxmail:gateway/";

/// Its version, as it is written behind an interface.
const VERSION: &str = "0.1.0";

/// Why a file is not a component for this gateway. Each text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Larger than [`COMPONENT_BYTES`].
    #[error(
        "the file has {0} bytes; a component may have {COMPONENT_BYTES}. Leave out what it does not need, debug information first"
    )]
    TooLarge(u64),
    /// A core module.
    #[error(
        "this is a core module, not a component: `toxmail component add` makes one of it, and so does \
         `wasm-tools component new FILE -o COMPONENT`"
    )]
    CoreModule,
    /// A core module that no component can be made of.
    #[error(
        "no component can be made of this core module: {0}. In Rust it is built with wit-bindgen for the target \
         wasm32-unknown-unknown"
    )]
    Module(String),
    /// It fails where every component of its slot has to answer.
    #[error(
        "asked {function} as every component for slot {slot} is (conformance case \"{case}\"), it gave no answer: {failure}. \
         Build it so that it does: `toxmail component test FILE` asks it the same"
    )]
    Conformance {
        /// The slot.
        slot: Slot,
        /// What the case is about.
        case: String,
        /// The function.
        function: String,
        /// What went wrong.
        failure: String,
    },
    /// It comes without signature.
    #[error(
        "this gateway uses signed components only (`[components] require_signature`): add it with its signature, made with a trusted key \
         (`toxmail component add FILE --signature FILE`)"
    )]
    Unsigned,
    /// Its signature is not a trusted one.
    #[error("its signature does not count: {0}")]
    Signature(String),
    /// The text format.
    #[error("this is WebAssembly text: `wasm-tools parse FILE -o COMPONENT` makes the binary form")]
    Text,
    /// A compiled form.
    #[error("this is machine code: upload the component (.wasm) it was compiled from")]
    Compiled,
    /// Something else, or damaged.
    #[error(
        "this is not a WebAssembly component, or it is damaged: {0}. Build it again, or copy it again from where it was built"
    )]
    NotWasm(String),
    /// It exports no slot's interface.
    #[error(
        "it decides nothing here: a component exports `{PACKAGE}policy-decisions@{VERSION}` or the interface of another slot (wit/README.md)"
    )]
    NoSlot,
    /// It was built for another version of the WIT package.
    #[error(
        "it was built for `{0}`; this gateway knows version {VERSION} of {PACKAGE}: build it against the files in wit/"
    )]
    OtherVersion(String),
    /// It imports what its slot does not grant.
    #[error("it imports `{import}`, which slot {slot} does not grant: {advice}")]
    Forbidden {
        /// The import.
        import: String,
        /// The slot.
        slot: Slot,
        /// What removes the import.
        advice: String,
    },
    /// The types of an import or export are not the slot's.
    #[error("it does not fit its slot: {0}. Build it against the files in wit/")]
    WrongTypes(String),
}

/// The slots a file could fill, judged by the names of its exports and imports.
///
/// # Errors
/// [`Refused`] with the first reason found.
pub fn slots(bytes: &[u8]) -> Result<Vec<Slot>, Refused> {
    if bytes.len() as u64 > COMPONENT_BYTES {
        return Err(Refused::TooLarge(bytes.len() as u64));
    }
    let names = Names::read(bytes)?;
    let slots: Vec<Slot> =
        Slot::ALL.into_iter().filter(|slot| names.exports.iter().any(|name| name == slot.export())).collect();
    let Some(first) = slots.first() else { return Err(no_slot(&names.exports)) };
    let fitting: Vec<Slot> =
        slots.iter().copied().filter(|slot| forbidden(*slot, &names.imports).is_none()).collect();
    if fitting.is_empty() {
        return Err(forbidden(*first, &names.imports).unwrap_or(Refused::NoSlot));
    }
    Ok(fitting)
}

fn no_slot(exports: &[String]) -> Refused {
    let other = |name: &&String| {
        Slot::ALL.into_iter().any(|slot| without_version(name) == without_version(slot.export()))
    };
    match exports.iter().find(other) {
        Some(name) => Refused::OtherVersion(name.clone()),
        None => Refused::NoSlot,
    }
}

fn without_version(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

/// The first import a slot does not grant.
fn forbidden(slot: Slot, imports: &[String]) -> Option<Refused> {
    imports.iter().find_map(|import| {
        if let Some(rest) = import.strip_prefix(PACKAGE) {
            let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
            if version != VERSION {
                return Some(Refused::OtherVersion(import.clone()));
            }
            if is_granted(slot, interface) {
                return None;
            }
        } else if wasi::PACKAGES.iter().any(|package| import.starts_with(package)) && is_wasi_0_2(import) {
            return None;
        }
        Some(Refused::Forbidden { import: import.clone(), slot, advice: advice(slot, import) })
    })
}

/// The slot's capabilities, and the types of its own interface.
fn is_granted(slot: Slot, interface: &str) -> bool {
    slot.imports().contains(&interface)
}

/// Patch versions differ among toolchains and mean the same.
fn is_wasi_0_2(import: &str) -> bool {
    import.split_once('@').is_some_and(|(_, version)| version.starts_with("0.2."))
}

/// What removes an import.
fn advice(slot: Slot, import: &str) -> String {
    match without_version(import) {
        name if name.starts_with("wasi:http/") => {
            "with jco add `--disable http fetch-event`, with componentize-py `--stub-wasi`, in Rust leave out crates that \
             speak HTTP"
                .to_owned()
        }
        name if name.starts_with("wasi:filesystem/") || name.starts_with("wasi:sockets/") => {
            "with componentize-py and componentize-qjs add `--stub-wasi`, with cargo build for the target wasm32-unknown-unknown, with jco leave out \
             the packages that use files or sockets"
                .to_owned()
        }
        name if name.starts_with("wasi:") => {
            "build for WASI 0.2, or with cargo for the target wasm32-unknown-unknown".to_owned()
        }
        name if name.starts_with(PACKAGE) => {
            format!("the slot grants {}", slot.imports().join(", "))
        }
        _ => format!("leave it out; the slot grants {} of {PACKAGE}", slot.imports().join(", ")),
    }
}

/// Names of what a component imports and exports at its top.
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Names {
    fn read(bytes: &[u8]) -> Result<Self, Refused> {
        match bytes {
            [b'\x7f', b'E', b'L', b'F', ..] => return Err(Refused::Compiled),
            [b'\0', b'a', b's', b'm', ..] => {}
            _ if bytes.trim_ascii_start().starts_with(b"(") => return Err(Refused::Text),
            _ => return Err(Refused::NotWasm("it does not begin as WebAssembly does".into())),
        }
        let damaged = |error: wasmparser::BinaryReaderError| Refused::NotWasm(error.message().to_owned());
        let mut names = Self { imports: Vec::new(), exports: Vec::new() };
        // Modules and components inside are passed over: only the outermost one meets the gateway.
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(damaged)? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(Refused::CoreModule);
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        names.imports.push(import.map_err(damaged)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        names.exports.push(export.map_err(damaged)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
