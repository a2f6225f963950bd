//! Every codec: what was written is read, and what can be read of changed bytes is written the same
//! again.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

mod onion;
mod values;

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::Index;
use toxnet::CookieContent;
use toxnet::packet::dht::{CookieRequest, NodesRequest, PingRequest, PingResponse};
use toxnet::packet::messenger::FriendPacket;
use toxnet::packet::onion::announce::AnnounceRequest;
use toxnet::packet::onion::back::Previous;
use toxnet::packet::relay::RelayPacket;
use toxnet::packet::relay::hello::Hello;
use toxnet::packet::{Kind, info};
use toxnet::wire::Codec;
use values::{
    address, announce_response, dht_key, dht_request, friend_packet, friend_request, info, key, node,
    nodes_response, nonce, payload, relay_packet, udp_node,
};

/// How bytes are changed: cut at a place, or another byte there.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: Index,
    to: Option<u8>,
}

fn change() -> impl Strategy<Value = Change> {
    (any::<Index>(), any::<Option<u8>>()).prop_map(|(at, to)| Change { at, to })
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = self.at.index(bytes.len());
        match self.to {
            Some(byte) => bytes[at] = byte,
            None => bytes.truncate(at),
        }
    }
}

/// For formats in which a value has one form only.
fn is_canonical<T: Codec + PartialEq + Debug>(value: &T, change: Change) {
    let mut bytes = value.to_vec();
    assert_eq!(T::parse(&bytes).as_ref(), Ok(value));
    change.apply(&mut bytes);
    if let Ok(read) = T::parse(&bytes) {
        assert_eq!(read.to_vec(), bytes);
    }
    bytes.extend(value.to_vec());
    if let Ok(read) = T::parse(&bytes) {
        assert_eq!(read.to_vec(), bytes);
    }
}

/// For formats with bytes that are not looked at.
fn comes_back<T: Codec + PartialEq + Debug>(value: &T, change: Change) {
    let mut bytes = value.to_vec();
    assert_eq!(T::parse(&bytes).as_ref(), Ok(value));
    change.apply(&mut bytes);
    if let Ok(read) = T::parse(&bytes) {
        assert_eq!(T::parse(&read.to_vec()), Ok(read));
    }
}

proptest! {
    #[test]
    fn nodes(node in node(), udp_node in udp_node(), response in nodes_response(), change in change()) {
        is_canonical(&node, change);
        is_canonical(&udp_node, change);
        is_canonical(&response, change);
    }

    #[test]
    fn dht_packets(wanted in key(), id: [u8; 8], change in change()) {
        is_canonical(&PingRequest { id }, change);
        is_canonical(&PingResponse { id }, change);
        is_canonical(&NodesRequest { wanted, id }, change);
        comes_back(&CookieRequest { real: wanted, echo: id }, change);
    }

    #[test]
    fn dht_requests(request in dht_request(), change in change()) {
        is_canonical(&request, change);
    }

    #[test]
    fn cookies(made: u64, real in key(), dht in key(), change in change()) {
        is_canonical(&CookieContent { made, real, dht }, change);
    }

    #[test]
    fn bootstrap_info(info in info(), change in change()) {
        is_canonical(&info, change);
        prop_assert!(Kind::of(&info.to_vec()) == Ok(Kind::BootstrapInfo));
        prop_assert!(!info::is_request(&info.to_vec()) || info.to_vec().len() == info::REQUEST_BYTES);
    }

    #[test]
    fn announcements(
        (ping_id, sendback) in any::<([u8; 32], [u8; 8])>(), searched in key(), data_key in key(),
        response in announce_response(), change in change()
    ) {
        is_canonical(&AnnounceRequest { ping_id, searched, data_key, sendback }, change);
        is_canonical(&response, change);
    }

    #[test]
    fn previous_nodes(address in address(), client: u64, change in change()) {
        comes_back(&Previous::Udp(address), change);
        comes_back(&Previous::RelayClient(client), change);
    }

    #[test]
    fn payloads(payload in payload(), request in friend_request(), dht_key in dht_key(), change in change()) {
        is_canonical(&payload, change);
        is_canonical(&request, change);
        is_canonical(&dht_key, change);
    }

    #[test]
    fn relay_packets(
        temporary in key(), base_nonce in nonce(), packet in relay_packet(), change in change()
    ) {
        is_canonical(&Hello { temporary, base_nonce }, change);
        let mut bytes = packet;
        let read = RelayPacket::parse(&bytes).expect("what was built");
        prop_assert_eq!(read.to_vec(), &bytes[..]);
        change.apply(&mut bytes);
        if let Ok(read) = RelayPacket::parse(&bytes) {
            prop_assert_eq!(read.to_vec(), bytes);
        }
    }

    #[test]
    fn friend_packets(packet in friend_packet(), change in change()) {
        let mut bytes = packet;
        let read = FriendPacket::parse(&bytes).expect("what was built");
        prop_assert_eq!(read.to_vec(), &bytes[..]);
        change.apply(&mut bytes);
        if let Ok(read) = FriendPacket::parse(&bytes) {
            let again = read.to_vec();
            prop_assert_eq!(FriendPacket::parse(&again), Ok(read));
        }
    }

    #[test]
    fn a_kind_has_its_lengths(bytes in proptest::collection::vec(any::<u8>(), 0..1500), kind in 0..20_usize) {
        let kind = Kind::ALL[kind];
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = kind.byte();
            prop_assert_eq!(Kind::of(&bytes).is_ok(), kind.lengths().contains(&bytes.len()));
        } else {
            prop_assert!(Kind::of(&bytes).is_err());
        }
    }
}
