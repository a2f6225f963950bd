#![no_main]
//! What other programs leave: Tox profiles with their friends, and vCards.

use libfuzzer_sys::fuzz_target;
use tox::SavedData;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(id) = mail::vcard::tox_id(bytes) {
        let card = mail::vcard::write("x", id, &[id.address()]);
        assert_eq!(mail::vcard::tox_id(card.as_bytes()), Ok(id));
    }
    if let Ok(saved) = SavedData::new(bytes.to_vec()) {
        assert!(saved.friends().len() <= bytes.len() / 2216);
    }
});
