//! What nodes do for the paths of others, and what they refuse.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::limits;
use toxnet::node::Node;
use toxnet::packet::onion::path::Path;
use toxnet::{Address, FreshNonce, KeyPair, UdpNode};

const NOW: Duration = Duration::from_secs(1000);

fn random() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(77)
}

/// A node with its address.
fn node(number: u8, ip: [u8; 4]) -> (Node<ChaCha20Rng>, UdpNode) {
    let random = ChaCha20Rng::seed_from_u64(number.into());
    let keys = KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(u64::from(number) + 1000));
    let contact = UdpNode { address: Address::new(ip.into(), 33445), key: keys.public() };
    (Node::new(NOW, keys, random), contact)
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// What the node sends when it is given a packet.
fn given(
    node: &mut Node<ChaCha20Rng>,
    now: Duration,
    from: SocketAddr,
    packet: &[u8],
) -> Option<(SocketAddr, Vec<u8>)> {
    node.datagram(now, from, &mut packet.to_vec());
    let sent = node.poll_transmit();
    assert_eq!(node.poll_transmit(), None, "one packet for one");
    sent
}

/// Takes data over a path of three nodes to `to`; gives what leaves the last one.
fn over(data: &[u8], to: &str) -> Option<(SocketAddr, Vec<u8>)> {
    let mut nodes = [1, 2, 3].map(|number| node(number, [203, number, 113, 5]));
    let contacts = nodes.each_ref().map(|(_, contact)| *contact);
    let client = KeyPair::generate(&mut random());
    let path = Path::new(&client, contacts, &mut random()).unwrap();
    let nonce = FreshNonce::random(&mut random());
    let mut packet = path.seal(&address(to).into(), data, nonce).unwrap();
    let mut from = address("198.51.100.9:5000");
    for (index, (node, contact)) in nodes.iter_mut().enumerate() {
        let (next, sent) = given(node, NOW, from, &packet)?;
        let last = index == 2;
        assert!(last || next == SocketAddr::from(contacts[index + 1].address));
        (packet, from) = (sent, contact.address.into());
        if last {
            return Some((next, packet));
        }
    }
    None
}

#[test]
fn nothing_but_onion_requests_leaves_a_path() {
    let to = "192.0.2.7:33445";
    for kind in 0..=255 {
        let leaves = over(&[kind, 1, 2, 3], to);
        assert_eq!(leaves.is_some(), [0x83, 0x85, 0x87].contains(&kind), "{kind:#x}");
        if let Some((at, packet)) = leaves {
            assert_eq!((at, &packet[..4], packet.len()), (address(to), &[kind, 1, 2, 3][..], 4 + 177));
        }
    }
}

#[test]
fn nobody_from_outside_sends_into_the_local_network_or_to_no_address() {
    for to in
        ["192.168.1.1:80", "127.0.0.1:33445", "[::1]:1", "224.0.0.1:1", "255.255.255.255:1", "192.0.2.7:0"]
    {
        assert_eq!(over(&[0x83; 4], to), None, "{to}");
    }
    // From there it may.
    let (mut node, contact) = node(1, [192, 168, 1, 5]);
    let client = KeyPair::generate(&mut random());
    let path = Path::new(&client, [contact; 3], &mut random()).unwrap();
    let nonce = FreshNonce::random(&mut random());
    let packet = path.seal(&address("192.168.1.9:1").into(), &[0x83; 4], nonce).unwrap();
    assert!(given(&mut node, NOW, address("192.168.1.7:1"), &packet).is_some());
}

#[test]
fn packets_of_strangers_have_a_budget() {
    let (mut node, contact) = node(1, [203, 0, 113, 5]);
    let (to, from) = (address("192.0.2.7:33445").into(), address("198.51.100.9:5000"));
    let mut random = random();
    let mut packets = Vec::new();
    for _ in 0..limits::STRANGERS_PER_NETWORK + 10 {
        let path = Path::new(&KeyPair::generate(&mut random), [contact; 3], &mut random).unwrap();
        packets.push(path.seal(&to, &[0x83; 4], FreshNonce::random(&mut random)).unwrap());
    }
    let mut passed =
        |now| packets.iter().filter(|packet| given(&mut node, now, from, packet).is_some()).count();
    assert_eq!(passed(NOW), limits::STRANGERS_PER_NETWORK);
    // Their keys are known then, and the rest have a second of their own.
    assert_eq!(passed(NOW + Duration::from_secs(1)), packets.len());
}

#[test]
fn the_way_back_works_across_one_new_return_key_and_no_more() {
    let (mut node, contact) = node(1, [203, 0, 113, 5]);
    let client = KeyPair::generate(&mut random());
    let from = address("198.51.100.9:5000");
    let path = Path::new(&client, [contact; 3], &mut random()).unwrap();
    let to = address("192.0.2.7:33445").into();
    let packet = path.seal(&to, &[0x83; 4], FreshNonce::random(&mut random())).unwrap();
    let (_, second) = given(&mut node, NOW, from, &packet).unwrap();
    let returned = &second[second.len() - 59..];
    let answer = [&[0x8e], returned, &[0x84; 100]].concat();
    let mut comes_back = |after: Duration| given(&mut node, NOW + after, address("203.0.113.6:1"), &answer);
    let back = Some((from, vec![0x84; 100]));
    assert_eq!(comes_back(Duration::ZERO), back);
    assert_eq!(comes_back(limits::RETURN_KEY_TIME), back);
    assert_eq!(comes_back(limits::RETURN_KEY_TIME * 2), None);
}
