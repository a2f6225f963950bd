#![no_main]
//! What friends send each other in a session.

use libfuzzer_sys::fuzz_target;
use toxnet::packet::id::Class;
use toxnet::packet::messenger::FriendPacket;

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = FriendPacket::parse(bytes) else { return };
    assert_eq!(Class::of(bytes[0]), Class::Lossless);
    let again = packet.to_vec();
    assert_eq!(FriendPacket::parse(&again), Ok(packet.clone()));
    // Typing is any byte but zero; nodes may come as IPv6 and be IPv4.
    if !matches!(packet, FriendPacket::Typing(_) | FriendPacket::ShareRelays(_)) {
        assert_eq!(again, bytes);
    }
});
