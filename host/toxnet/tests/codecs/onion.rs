//! Whole paths: what goes in at one end comes out at the other, and back.

use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::packet::onion::back::{Previous, pass_back, respond};
use toxnet::packet::onion::hop::{Sealed, from_relay};
use toxnet::packet::onion::path::{Path, RelayPath};
use toxnet::{Address, FreshNonce, KeyPair, SharedKey, UdpNode};

use crate::values::address;

struct Hop {
    pair: KeyPair,
    own: SharedKey,
    node: UdpNode,
}

fn hops(addresses: &[Address; 3], random: &mut ChaCha20Rng) -> [Hop; 3] {
    addresses.map(|address| {
        let pair = KeyPair::generate(random);
        let node = UdpNode { address, key: pair.public() };
        Hop { own: SharedKey::generate(random), node, pair }
    })
}

/// Takes a packet over nodes of a path; gives what leaves the last of them.
fn over(
    hops: &[Hop],
    mut packet: Vec<u8>,
    mut from: Previous,
    to: Address,
    random: &mut ChaCha20Rng,
) -> Vec<u8> {
    for (index, hop) in hops.iter().enumerate() {
        let sealed = Sealed::parse(&mut packet).expect("a packet of the path");
        let key = hop.pair.secret().shared_with(&sealed.key()).expect("a good key");
        let forward = sealed.peel(&key, &from, &hop.own, FreshNonce::random(random)).expect("our layer");
        assert_eq!(forward.to, hops.get(index + 1).map_or(to, |next| next.node.address));
        (packet, from) = (forward.packet, Previous::Udp(hop.node.address));
    }
    packet
}

/// Takes a response back over the nodes; gives what the first sends to whoever made the path.
fn back(hops: &[Hop], leaving: &[u8], response: &[u8]) -> (Previous, Vec<u8>) {
    let returned = &leaving[leaving.len() - 177..];
    let mut packet = respond(returned, response).expect("it fits");
    let mut to = None;
    for hop in hops.iter().rev() {
        let back = pass_back(&packet, &hop.own).expect("our return");
        (packet, to) = (back.packet, Some(back.to));
    }
    (to.expect("three nodes"), packet)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_path_leads_there_and_back(
        seed: u64, hop_addresses in [address(), address(), address()], client in address(),
        to in address(), content in vec(any::<u8>(), 0..1174), answer in vec(any::<u8>(), 0..900)
    ) {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let hops = hops(&hop_addresses, &mut random);
        let data = [&[0x83], &content[..]].concat();
        let own = KeyPair::generate(&mut random);
        let nodes = [hops[0].node, hops[1].node, hops[2].node];
        let path = Path::new(&own, nodes, &mut random).expect("good keys");
        let nonce = FreshNonce::random(&mut random);
        let packet = path.seal(&to, &data, nonce).expect("it fits");
        prop_assert!(packet.len() <= 1400);
        let client = Previous::Udp(client);
        let leaving = over(&hops, packet, client, to, &mut random);
        prop_assert_eq!(&leaving[..leaving.len() - 177], &data[..]);
        let response = [&[0x84], &answer[..]].concat();
        prop_assert_eq!(back(&hops, &leaving, &response), (client, response));
    }

    #[test]
    fn so_does_one_over_a_relay(
        seed: u64, hop_addresses in [address(), address(), address()], client: u64, to in address(),
        content in vec(any::<u8>(), 0..1174)
    ) {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let hops = hops(&hop_addresses, &mut random);
        let data = [&[0x85], &content[..]].concat();
        let path = RelayPath::new([hops[1].node, hops[2].node], &mut random).expect("good keys");
        let packet = path.seal(&to, &data, FreshNonce::random(&mut random)).expect("it fits");
        let client = Previous::RelayClient(client);
        let forward =
            from_relay(&packet, &client, &hops[0].own, FreshNonce::random(&mut random)).expect("a path");
        prop_assert_eq!(forward.to, hops[1].node.address);
        let from = Previous::Udp(hops[0].node.address);
        let leaving = over(&hops[1..], forward.packet, from, to, &mut random);
        let response = [&[0x86], &content[..]].concat();
        let (end, packet) = back(&hops, &leaving, &response[..response.len().min(1000)]);
        prop_assert_eq!((end, packet.first()), (client, Some(&0x86)));
    }

    #[test]
    fn nothing_but_requests_leaves_a_path(seed: u64, first: u8, hop_addresses in [address(), address(), address()]) {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let hops = hops(&hop_addresses, &mut random);
        let own = KeyPair::generate(&mut random);
        let path = Path::new(&own, hops.each_ref().map(|hop| hop.node), &mut random).expect("good keys");
        let nonce = FreshNonce::random(&mut random);
        let packet = path.seal(&hop_addresses[0], &[first, 1, 2, 3], nonce).expect("it fits");
        let from = Previous::Udp(hop_addresses[0]);
        let mut last = over(&hops[..2], packet, from, hop_addresses[2], &mut random);
        let sealed = Sealed::parse(&mut last).expect("a packet of the path");
        let key = hops[2].pair.secret().shared_with(&sealed.key()).expect("a good key");
        let peeled = sealed.peel(&key, &from, &hops[2].own, FreshNonce::random(&mut random));
        prop_assert_eq!(peeled.is_ok(), [0x83, 0x85, 0x87].contains(&first));
    }

    #[test]
    fn any_bytes_are_refused(bytes in vec(any::<u8>(), 0..1500), kind in prop_oneof![0x80..=0x82_u8, 0x8c..=0x8e_u8]) {
        let mut random = ChaCha20Rng::seed_from_u64(1);
        let own = SharedKey::generate(&mut random);
        let mut packet = [&[kind], &bytes[..]].concat();
        prop_assert!(pass_back(&packet, &own).is_err());
        if let Ok(sealed) = Sealed::parse(&mut packet) {
            let nonce = FreshNonce::random(&mut random);
            prop_assert!(sealed.peel(&own, &Previous::RelayClient(1), &own, nonce).is_err());
        }
    }
}
