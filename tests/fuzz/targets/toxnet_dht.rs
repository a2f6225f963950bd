#![no_main]
//! A DHT node and a peer that has keys and sends what it likes: what it causes stays bounded.

use std::net::SocketAddr;
use std::time::Duration;

use fuzz::toxnet::{Zeros, in_a_box, pair};
use fuzz::{byte, run};
use libfuzzer_sys::fuzz_target;
use toxnet::UdpNode;
use toxnet::dht::Dht;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let mut now = Duration::from_secs(1000);
    let mut node = Dht::new(pair(1), Zeros);
    let peers = [pair(2), pair(3), pair(4)];
    for peer in &peers {
        let at: SocketAddr = ([192, 0, 2, peer.public().0[0]], 33445).into();
        node.bootstrap(now, UdpNode { address: at.into(), key: peer.public() });
        node.search(now, peer.public());
    }
    for _ in 0..64 {
        if rest.is_empty() {
            break;
        }
        let peer = &peers[usize::from(byte(&mut rest)) % 3];
        let at: SocketAddr = ([192, 0, 2, peer.public().0[0]], 33445).into();
        let kind = byte(&mut rest);
        now += Duration::from_millis(u64::from(byte(&mut rest)) * 100);
        let content = run(&mut rest, 1400);
        let key = peer.secret().shared_with(&node.key()).expect("a good key");
        let head = match kind {
            0x20 => [&[kind], &node.key().0[..], &peer.public().0].concat(),
            _ => [&[kind], &peer.public().0[..]].concat(),
        };
        node.datagram(now, at, &mut in_a_box(&head, content, &key));
        node.datagram(now, at, &mut content.to_vec());
        let sent = std::iter::from_fn(|| node.poll_transmit()).count();
        assert!(sent <= 64, "{sent} packets for two");
        node.timeout(now);
        while node.poll_transmit().is_some() {}
        while node.poll_event().is_some() {}
    }
});
