//! Components on trial: on the test bench, beside the live one, or asked again what the live one
//! was asked. Their answers decide nothing.

pub mod bench;
pub(crate) mod copied_state;
pub(crate) mod difference;
pub(crate) mod recorded;
pub(crate) mod replay;
pub(crate) mod shadow;
