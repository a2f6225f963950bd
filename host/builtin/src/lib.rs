//! The default components of the gateway. The build script compiles them from components/, and they
//! are embedded here.
//!
//! This crate never runs, checks or changes them. It hands out bytes.

/// A component that came with the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The slot it is written for: `policy`, `resolver`, `relay-selector` or `mail-filter`.
    pub slot: &'static str,
    /// Its name in lists: `default-` and the slot.
    pub name: &'static str,
    /// The WebAssembly component (binary format).
    pub bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/components.rs"));

/// One component for each slot.
#[must_use]
pub fn components() -> &'static [Builtin] {
    &COMPONENTS
}

/// Guests that misbehave on purpose, as their settings say.
#[cfg(feature = "test-guests")]
#[must_use]
pub fn test_guests() -> &'static [Builtin] {
    &TEST_GUESTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_component_for_each_slot() {
        let slots: Vec<_> = components().iter().map(|builtin| builtin.slot).collect();
        assert_eq!(slots, ["policy", "resolver", "relay-selector", "mail-filter"]);
        // The magic number of WebAssembly, then version and layer of a component.
        assert!(components().iter().all(|builtin| builtin.bytes.starts_with(b"\0asm\x0d\0\x01\0")));
    }
}
