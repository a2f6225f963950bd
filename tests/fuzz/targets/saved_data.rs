#![no_main]
//! Saved data of Tox: taken whole or refused.

use libfuzzer_sys::fuzz_target;
use tox::SavedData;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(saved) = SavedData::new(bytes.to_vec()) {
        assert_eq!(saved.as_bytes(), bytes);
        assert!(bytes.windows(32).any(|window| window == saved.public_key().0));
    }
});
