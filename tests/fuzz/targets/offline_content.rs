#![no_main]
//! What stands in parcels: mails with their envelopes, and acknowledgements. What is read is written as the same.

use libfuzzer_sys::fuzz_target;
use offline::content::{MailContent, decode_words, encode_words};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(content) = MailContent::decode(bytes) {
        let written = content.encode().expect("what was read can be written");
        assert_eq!(MailContent::decode(&written), Ok(content));
    }
    if let Ok(words) = decode_words(bytes) {
        let written = encode_words(&words).expect("no more than were read");
        assert_eq!(decode_words(&written), Ok(words));
    }
});
