#![no_main]
//! Packets on UDP: the outer parts as they come, and what is in their boxes as if its sender had
//! the key.

use std::fmt::Debug;

use fuzz::toxnet::{fresh, in_a_box, key, written_again};
use libfuzzer_sys::fuzz_target;
use toxnet::packet::dht::{
    Content, CookieRequest, NodesRequest, NodesResponse, PingRequest, PingResponse, Sealed, seal,
};
use toxnet::packet::dht_request::{self, DhtRequest};
use toxnet::packet::handshake::{CookieResponse, SealedHandshake};
use toxnet::packet::info::{self, Info};
use toxnet::packet::{Kind, data};
use toxnet::wire::Codec;
use toxnet::{Cookie, CookieContent, Nonce, PublicKey, ToxId};

fn outer(bytes: &[u8]) {
    let key = key();
    if let Ok(kind) = Kind::of(bytes) {
        assert_eq!(Some(&kind.byte()), bytes.first());
    }
    let mut packet = bytes.to_vec();
    if let Ok(sealed) = Sealed::parse(&mut packet) {
        assert!(sealed.open::<NodesResponse>(&key).is_err());
    }
    if let Ok(sealed) = dht_request::Sealed::parse(&mut packet) {
        assert!(sealed.open(&key).is_err());
    }
    if let Ok(sealed) = SealedHandshake::parse(&mut packet) {
        assert!(sealed.cookie().open(&key).is_err());
        assert!(sealed.open(&key).is_err());
    }
    if let Ok(sealed) = data::Sealed::parse(&mut packet) {
        assert!(sealed.open(&key, &Nonce([0; 24])).is_err());
    }
    assert!(CookieResponse::open(&mut packet, &key).is_err());
    assert_eq!(packet, bytes, "what does not open is left as it was");
    if let Ok(info) = Info::parse(bytes) {
        assert_eq!(info.to_vec(), bytes);
    }
    assert!(!info::is_request(bytes) || bytes.len() == info::REQUEST_BYTES);
}

fn dht<T: Content + PartialEq + Debug>(content: &[u8]) {
    let key = key();
    let sender = PublicKey([7; 32]);
    let mut packet = in_a_box(&[&[T::KIND.byte()], &sender.0[..]].concat(), content, &key);
    let Ok(sealed) = Sealed::parse(&mut packet) else { return };
    assert_eq!(sealed.sender(), sender);
    if let Ok(value) = sealed.open::<T>(&key) {
        let mut again = seal(&value, &sender, &key, fresh());
        assert_eq!(Sealed::parse(&mut again).expect("ours").open::<T>(&key), Ok(value));
    }
}

fuzz_target!(|bytes: &[u8]| {
    outer(bytes);
    dht::<PingRequest>(bytes);
    dht::<PingResponse>(bytes);
    dht::<NodesRequest>(bytes);
    dht::<NodesResponse>(bytes);
    dht::<CookieRequest>(bytes);
    written_again::<DhtRequest>(bytes);
    written_again::<CookieResponse>(bytes);
    written_again::<CookieContent>(bytes);
    written_again::<Cookie>(bytes);
    let mut packet = in_a_box(&[Kind::Data.byte(), 0, 0], bytes, &key());
    // A data packet has two bytes of its nonce, not all of them.
    packet.drain(3..27);
    if let Ok(sealed) = data::Sealed::parse(&mut packet)
        && let Ok((_, data)) = sealed.open(&key(), &fresh().value())
    {
        assert!(bytes.ends_with(data) && data[0] != 0);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(id) = text.parse::<ToxId>()
    {
        assert!(id.to_string().eq_ignore_ascii_case(text));
    }
});
