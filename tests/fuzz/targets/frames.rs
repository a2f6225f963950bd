#![no_main]
//! Packets of one friend, as they come: bounded, and a message that was split is put together again.

use bytes::Bytes;
use frame::{Assembler, PACKET_BYTES, PacketId, split};
use libfuzzer_sys::fuzz_target;

const LONGEST: usize = 8 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let id = PacketId::new(181).expect("a lossless id");
    let mut assembler = Assembler::new(id, LONGEST);
    let mut rest = bytes;
    while !rest.is_empty() {
        let packet = Bytes::copy_from_slice(fuzz::run(&mut rest, PACKET_BYTES + 8));
        match assembler.push(packet) {
            Ok(Some(message)) => {
                assert!(!message.is_empty() && message.len() <= LONGEST);
                assert_eq!(assembler.held(), 0);
            }
            Ok(None) => assert!((1..=LONGEST).contains(&assembler.held())),
            Err(_) => assert_eq!(assembler.held(), 0),
        }
    }
    if bytes.is_empty() {
        return;
    }
    let mut assembler = Assembler::new(id, bytes.len());
    let mut message = None;
    for packet in split(id, bytes) {
        assert!(message.is_none() && packet.len() <= PACKET_BYTES);
        message = assembler.push(Bytes::from(packet)).expect("what we split");
    }
    assert_eq!(message.as_deref(), Some(bytes));
});
