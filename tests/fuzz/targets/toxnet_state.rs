#![no_main]
//! Saved data: read whole or refused, and then written so that it is read the same.

use libfuzzer_sys::fuzz_target;
use toxnet::state::State;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(state) = State::parse(bytes) {
        let written = state.to_bytes();
        assert_eq!(State::parse(&written), Ok(state));
    }
});
