#![no_main]
//! Packed nodes and onion addresses.

use fuzz::toxnet::{comes_back, written_again};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use toxnet::packet::onion::back::Previous;
use toxnet::wire::List;
use toxnet::{Address, Node, UdpNode};

fuzz_target!(|bytes: &[u8]| {
    // An IPv4 address in the form of IPv6 is written as IPv4.
    comes_back::<Node>(bytes);
    comes_back::<List<UdpNode, 4>>(bytes);
    comes_back::<Previous>(bytes);
    if let Some(nodes) = comes_back::<List<Node, 4>>(bytes) {
        assert!(nodes.len() <= 4);
        for node in nodes.iter() {
            let address = SocketAddr::from(node.address);
            assert_eq!(Address::from(address), node.address);
            assert_eq!(address.ip().to_canonical(), address.ip());
        }
    }
    written_again::<toxnet::PublicKey>(bytes);
});
