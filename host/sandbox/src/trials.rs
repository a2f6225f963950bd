//! Components on trial: on the test bench, beside the live one, and asked again what the live one was asked.
//! What they answer decides nothing.

pub mod bench;
pub(crate) mod copied_state;
pub(crate) mod difference;
pub(crate) mod recorded;
pub(crate) mod replay;
pub(crate) mod shadow;
