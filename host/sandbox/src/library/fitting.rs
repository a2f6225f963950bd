//! Which slots a compiled component fits.

use wasmtime::component::Component;

use crate::engine::version::Prepared;
use crate::engine::wasm::Wasm;
use crate::library::check::Refused;
use crate::library::error::LibraryError;
use crate::questions::validate::one_line;
use crate::slot::Slot;

/// The component made ready for those of the candidates whose types fit, too.
pub(crate) fn fitting(
    wasm: &Wasm,
    candidates: &[Slot],
    component: &Component,
) -> Result<Vec<(Slot, Prepared)>, LibraryError> {
    let mut fitting = Vec::new();
    let mut why = String::new();
    for slot in candidates {
        match Prepared::new(wasm, *slot, component) {
            Ok(prepared) => fitting.push((*slot, prepared)),
            Err(error) => why = one_line(&format!("{error:#}"), 1000),
        }
    }
    if fitting.is_empty() { Err(Refused::WrongTypes(why).into()) } else { Ok(fitting) }
}
