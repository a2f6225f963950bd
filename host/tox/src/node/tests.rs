//! Nodes as text.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_text_is_refused_or_read(text: String) {
        let _ = text.parse::<Node>();
    }

    #[test]
    fn a_node_survives_text(
        host in "[a-z0-9]{1,20}(\\.[a-z]{2,5})?|::1|2a01:4f8::7",
        port in 1_u16..,
        key: [u8; 32],
        tcp_port in proptest::option::of(1_u16..),
    ) {
        let node = Node { host, port, key: PublicKey(key), tcp_port };
        prop_assert_eq!(node.to_string().parse::<Node>(), Ok(node));
    }
}

#[test]
fn every_mistake_has_its_own_error() {
    let key = "B".repeat(64);
    for (text, error) in [
        (String::new(), InvalidNode::Form),
        ("host".to_owned(), InvalidNode::Form),
        (format!("host:1:{key}:2:3"), InvalidNode::Form),
        ("host:1".to_owned(), InvalidNode::Form),
        (format!(":1:{key}"), InvalidNode::Host),
        (format!("a b:1:{key}"), InvalidNode::Host),
        (format!("[host]:1:{key}"), InvalidNode::Host),
        (format!("{}:1:{key}", "h".repeat(255)), InvalidNode::Host),
        (format!("host:0:{key}"), InvalidNode::Port),
        (format!("host:+1:{key}"), InvalidNode::Port),
        (format!("host:65536:{key}"), InvalidNode::Port),
        (format!("host:1:{key}:"), InvalidNode::Port),
        ("host:1:BB".to_owned(), InvalidNode::Key),
    ] {
        assert_eq!(text.parse::<Node>(), Err(error), "{text}");
    }
}

#[test]
fn every_public_node_is_well_formed() {
    assert_eq!(public_nodes().len(), PUBLIC_NODES.len());
    assert!(
        public_nodes().iter().filter(|node| node.tcp_port.is_some()).count() >= 4,
        "relays, for TCP only"
    );
}
