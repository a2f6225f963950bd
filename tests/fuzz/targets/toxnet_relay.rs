#![no_main]
//! TCP relays: a stream of frames cut anywhere, packets, hellos.

use fuzz::toxnet::{fresh, key, written_again};
use libfuzzer_sys::fuzz_target;
use toxnet::packet::relay::hello::{self, Hello};
use toxnet::packet::relay::{RelayPacket, frame};

fuzz_target!(|bytes: &[u8]| {
    written_again::<Hello>(bytes);
    let mut copy = bytes.to_vec();
    assert!(Hello::open_client(&mut copy, &key()).is_err());
    assert!(Hello::open_server(&mut copy, &key()).is_err());
    assert_eq!(Hello::client(bytes).is_ok(), bytes.len() == hello::CLIENT_BYTES);
    if let Ok(packet) = RelayPacket::parse(bytes) {
        assert_eq!(packet.to_vec(), bytes);
    }
    let mut stream = Vec::new();
    if frame::seal(bytes, &key(), fresh(), &mut stream).is_ok() {
        let length = frame::length(&stream).expect("ours").expect("it is there");
        assert_eq!(length + frame::HEADER_BYTES, stream.len());
        let content = key().open(&fresh().value(), &mut stream[frame::HEADER_BYTES..]).expect("ours");
        assert_eq!(content, bytes);
    }
    let mut rest = bytes;
    while let Ok(Some(length)) = frame::length(rest) {
        assert!((17..=2048).contains(&length));
        let Some(after) = rest.get(frame::HEADER_BYTES + length..) else { break };
        rest = after;
    }
});
