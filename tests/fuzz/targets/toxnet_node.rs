#![no_main]
//! A node with an identity and friends, and peers that have keys and send what they like through the onion: what it
//! causes stays bounded.

use std::net::SocketAddr;
use std::time::Duration;

use fuzz::toxnet::{Seeded, in_a_box, pair};
use fuzz::{byte, run};
use libfuzzer_sys::fuzz_target;
use toxnet::node::{Identity, Node};
use toxnet::packet::dht::{NodesRequest, NodesResponse, Sealed, seal};
use toxnet::wire::List;
use toxnet::{KeyPair, Nospam, UdpNode};

const PEERS: u8 = 3;

fn at(number: u8) -> SocketAddr {
    ([20 + number, 1, 2, 3], 33445).into()
}

fn peers() -> [KeyPair; PEERS as usize] {
    [pair(2), pair(3), pair(4)]
}

/// The peers answer the node, so that it makes paths of them. Gives what it sent besides.
fn answer(node: &mut Node<Seeded>, now: Duration) -> usize {
    let mut others = 0;
    for _ in 0..64 {
        let Some((to, mut packet)) = node.poll_transmit() else { return others };
        let peer = (0..PEERS).zip(peers()).find(|(number, _)| at(*number) == to);
        let Some((_, peer)) = peer.filter(|_| packet.first() == Some(&2)) else {
            others += 1;
            continue;
        };
        let key = peer.secret().shared_with(&node.key()).expect("a good key");
        let Ok(request) = Sealed::parse(&mut packet).and_then(|sealed| sealed.open::<NodesRequest>(&key))
        else {
            panic!("a request of ours does not open");
        };
        let response = NodesResponse { nodes: List::default(), id: request.id };
        let mut packet = seal(&response, &peer.public(), &key, fuzz::toxnet::fresh());
        node.datagram(now, to, &mut packet);
    }
    others
}

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let mut now = Duration::from_secs(1000);
    let mut node = Node::new(now, pair(1), Seeded::default());
    node.identify(now, Identity { real: pair(9), nospam: Nospam([1; 4]), unix: Duration::ZERO });
    for (number, peer) in (0..PEERS).zip(peers()) {
        node.bootstrap(now, UdpNode { address: at(number).into(), key: peer.public() });
        node.add_friend(now, peer.public()).expect("a good key");
    }
    answer(&mut node, now);
    // Each round costs the node's key exchanges, which are slow under coverage counters.
    for _ in 0..8 {
        if rest.is_empty() {
            break;
        }
        let number = byte(&mut rest) % PEERS;
        let peer = &peers()[usize::from(number)];
        let kind = byte(&mut rest);
        now += Duration::from_millis(u64::from(byte(&mut rest)) * 50);
        let content = run(&mut rest, 1400);
        let key = peer.secret().shared_with(&node.key()).expect("a good key");
        let mut packet = match kind {
            // The nonce stands before the key, and a way back behind the box.
            0x80..=0x83 => {
                let mut packet = in_a_box(&[kind], content, &key);
                packet.splice(25..25, peer.public().0);
                packet.extend(vec![9; [0, 59, 118, 177][usize::from(kind - 0x80)]]);
                packet
            }
            0x85 => [&[kind][..], &peer.public().0, content].concat(),
            0x20 => in_a_box(&[&[kind], &node.key().0[..], &peer.public().0].concat(), content, &key),
            0x84 | 0x86 | 0x8c..=0x8e => [&[kind], content].concat(),
            _ => in_a_box(&[&[kind], &peer.public().0[..]].concat(), content, &key),
        };
        node.datagram(now, at(number), &mut packet);
        node.datagram(now, at(number), &mut content.to_vec());
        node.onion_from_relay(now, 1, number == 0, content);
        node.timeout(now);
        // A burst of the onion's bucket, and what two packets cause.
        let sent = answer(&mut node, now);
        assert!(sent <= 60 + 64, "{sent} packets for three");
        while node.poll_event().is_some() {}
        while node.poll_relay_answer().is_some() {}
        assert!(node.next_deadline().is_none_or(|deadline| deadline > now), "a deadline that has passed");
    }
});
