//! Any value of each type.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::packet::dht::NodesResponse;
use toxnet::packet::dht_request::{DhtRequest, SealedDhtKey};
use toxnet::packet::info::Info;
use toxnet::packet::onion::announce::{AnnounceResponse, Stored};
use toxnet::packet::onion::{DhtKey, FriendRequest, Payload};
use toxnet::wire::{Codec, List, Text};
use toxnet::{Address, FreshNonce, Node, Nonce, Nospam, PublicKey, SharedKey, Transport, UdpNode};

pub fn key() -> impl Strategy<Value = PublicKey> {
    any::<[u8; 32]>().prop_map(PublicKey)
}

pub fn nonce() -> impl Strategy<Value = Nonce> {
    any::<[u8; 24]>().prop_map(Nonce)
}

pub fn address() -> impl Strategy<Value = Address> {
    let ip = prop_oneof![
        any::<Ipv4Addr>().prop_map(IpAddr::V4),
        any::<Ipv6Addr>().prop_map(IpAddr::V6),
        // IPv4 in the form of IPv6.
        any::<Ipv4Addr>().prop_map(|ip| IpAddr::V6(ip.to_ipv6_mapped())),
    ];
    (ip, any::<u16>()).prop_map(|(ip, port)| Address::new(ip, port))
}

pub fn udp_node() -> impl Strategy<Value = UdpNode> {
    (address(), key()).prop_map(|(address, key)| UdpNode { address, key })
}

pub fn node() -> impl Strategy<Value = Node> {
    let transport = prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)];
    (transport, address(), key()).prop_map(|(transport, address, key)| Node { transport, address, key })
}

pub fn nodes_response() -> impl Strategy<Value = NodesResponse> {
    (vec(udp_node(), 0..=4), any::<[u8; 8]>())
        .prop_map(|(nodes, id)| NodesResponse { nodes: List::new(nodes).unwrap(), id })
}

pub fn info() -> impl Strategy<Value = Info> {
    (any::<u32>(), vec(any::<u8>(), 0..=256))
        .prop_map(|(version, text)| Info { version, text: Text::new(text).unwrap() })
}

pub fn announce_response() -> impl Strategy<Value = AnnounceResponse> {
    let stored = prop_oneof![
        any::<[u8; 32]>().prop_map(Stored::No),
        key().prop_map(Stored::Other),
        any::<[u8; 32]>().prop_map(Stored::Own),
    ];
    (stored, vec(udp_node(), 0..=4))
        .prop_map(|(stored, nodes)| AnnounceResponse { stored, nodes: List::new(nodes).unwrap() })
}

pub fn friend_request() -> impl Strategy<Value = FriendRequest> {
    (any::<[u8; 4]>(), vec(any::<u8>(), 0..=943))
        .prop_map(|(nospam, text)| FriendRequest { nospam: Nospam(nospam), text: Text::new(text).unwrap() })
}

pub fn dht_key() -> impl Strategy<Value = DhtKey> {
    (any::<u64>(), key(), vec(node(), 0..=4)).prop_map(|(no_replay, key, nodes)| DhtKey {
        no_replay,
        key,
        nodes: List::new(nodes).unwrap(),
    })
}

pub fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![friend_request().prop_map(Payload::FriendRequest), dht_key().prop_map(Payload::DhtKey)]
}

pub fn dht_request() -> impl Strategy<Value = DhtRequest> {
    prop_oneof![
        any::<[u8; 8]>().prop_map(DhtRequest::NatPingRequest),
        any::<[u8; 8]>().prop_map(DhtRequest::NatPingResponse),
        (dht_key(), key(), any::<u64>()).prop_map(|(content, sender, seed)| {
            let mut random = ChaCha20Rng::seed_from_u64(seed);
            let key = SharedKey::generate(&mut random);
            DhtRequest::DhtKey(SealedDhtKey::seal(&content, sender, &key, FreshNonce::random(&mut random)))
        }),
    ]
}

/// A type byte, then a content of a fixed or of any length.
fn typed(
    byte: impl Strategy<Value = u8> + 'static,
    content: impl Strategy<Value = Vec<u8>> + 'static,
) -> BoxedStrategy<Vec<u8>> {
    (byte, content).prop_map(|(byte, content)| [&[byte], &content[..]].concat()).boxed()
}

fn bytes(length: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), length)
}

pub fn relay_packet() -> impl Strategy<Value = Vec<u8>> {
    let answered = (prop_oneof![Just(0_u8), 16..=255_u8], key())
        .prop_map(|(number, key)| [&[number], &key.0[..]].concat());
    prop_oneof![
        typed(Just(0), bytes(32)),
        typed(Just(1), answered),
        typed(2..=3_u8, (16..=255_u8).prop_map(|number| vec![number])),
        typed(4..=5_u8, bytes(8)),
        typed(6..=7_u8, bytes(33..=32 + 1024)),
        typed(8..=9_u8, bytes(1..=1400)),
        typed(16..=255_u8, bytes(1..=2031)),
    ]
}

pub fn friend_packet() -> impl Strategy<Value = Vec<u8>> {
    let relays = vec(node(), 0..=3).prop_map(|nodes| List::<Node, 3>::new(nodes).unwrap().to_vec());
    let control =
        (0..=1_u8, any::<u8>(), 0..=2_u8).prop_map(|(side, number, action)| vec![side, number, action]);
    let seek = (0..=1_u8, any::<u8>(), any::<u64>())
        .prop_map(|(side, number, position)| [&[side, number, 3], &position.to_be_bytes()[..]].concat());
    prop_oneof![
        typed(prop_oneof![Just(16), Just(24), Just(25)], bytes(0)),
        typed(Just(17), relays),
        typed(Just(18), bytes(5..=1020)),
        typed(Just(48), bytes(0..=128)),
        typed(Just(49), bytes(0..=1007)),
        typed(Just(50), (0..=2_u8).prop_map(|status| vec![status])),
        typed(Just(51), (0..=1_u8).prop_map(|typing| vec![typing])),
        typed(64..=65_u8, bytes(1..=1372)),
        typed(Just(80), bytes(45..=300)),
        typed(Just(81), prop_oneof![control, seek]),
        typed(Just(82), bytes(1..=1372)),
        typed(160..=191_u8, bytes(0..=1372)),
    ]
}
