#![no_main]
//! Messages between gateways: what is read is written as the same message.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peer::Message;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = Message::decode(&Bytes::copy_from_slice(bytes)) {
        let written = message.encode().expect("what was read has lengths that can be written");
        assert_eq!(Message::decode(&Bytes::from(written)).as_ref(), Ok(&message));
    }
});
