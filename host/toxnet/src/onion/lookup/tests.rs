use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::address::Address;
use crate::key::KeyPair;

const NOW: Duration = Duration::from_secs(1000);
const DATA: [PublicKey; 2] = [PublicKey([7; 32]), PublicKey([8; 32])];

fn key() -> SharedKey {
    SharedKey::generate(&mut ChaCha20Rng::seed_from_u64(1))
}

fn node(number: u8, ip: [u8; 4]) -> PathNode {
    let key = KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(number.into())).public();
    PathNode { node: UdpNode { address: Address::new(ip.into(), 1000 + u16::from(number)), key }, origin: 1 }
}

fn lookup(most: usize) -> Lookup {
    Lookup::new(NOW, PublicKey([0; 32]), most)
}

/// What nodes say in this order: none, or one of two data keys.
fn with(answers: &[Option<usize>]) -> Lookup {
    let mut lookup = lookup(8);
    for (number, answer) in (0..).zip(answers) {
        let stored = answer.map_or(Stored::No([1; 32]), |which| Stored::Other(DATA[which]));
        lookup.answered(NOW, node(number, [127, 0, 0, 1]), key(), (stored, 1));
    }
    lookup
}

#[test]
fn data_goes_to_nodes_that_agree_on_the_key() {
    assert_eq!(with(&[None, None]).agreed_data_key(false), None);
    // One alone has to do when nobody else is going to answer.
    assert_eq!(with(&[None, Some(0)]).agreed_data_key(true), None);
    assert_eq!(with(&[None, Some(0)]).agreed_data_key(false), Some(DATA[0]));
    // A liar against two, and one against one.
    let lied_to = with(&[Some(1), Some(0), None, Some(0)]);
    assert_eq!(lied_to.agreed_data_key(true), Some(DATA[0]));
    assert_eq!(lied_to.naming(DATA[0]).count(), 2);
    assert_eq!(with(&[Some(1), Some(0)]).agreed_data_key(false), None);
}

#[test]
fn a_node_that_does_not_answer_is_forgotten_and_the_last_one_makes_it_begin_again() {
    let mut lookup = with(&[None]);
    lookup.begin_with(NOW, &[], |_| false);
    let mut now = NOW;
    for _ in 0..limits::ONION_NODE_TRIES {
        let index = lookup.due(now).unwrap();
        lookup.nodes[index].asked(now);
        now += limits::ONION_ASK_AGAIN;
        assert_eq!(lookup.sizes().0, 1);
    }
    assert!(lookup.begin > now);
    lookup.tidy(now);
    assert_eq!((lookup.sizes().0, lookup.begin), (0, now));
}

#[test]
fn local_nodes_are_taken_from_local_nodes_only() {
    let named = [node(1, [192, 168, 0, 1]).node];
    assert!(!lookup(8).named(&node(2, [203, 0, 113, 1]), 2, &named, |_| false));
    assert!(lookup(8).named(&node(2, [127, 0, 0, 1]), 2, &named, |_| false));
}

proptest! {
    #[test]
    fn lists_are_bounded_and_hold_the_nearest(numbers in proptest::collection::vec(0_u8..120, 0..200)) {
        let mut lookup = lookup(8);
        let mut answered: Vec<PublicKey> = Vec::new();
        for pair in numbers.chunks(2) {
            let local = node(pair[0], [127, 0, 0, 1]);
            lookup.answered(NOW, local, key(), (Stored::No([0; 32]), 1));
            answered.push(local.node.key);
            let named: Vec<UdpNode> = pair.iter().map(|number| node(number ^ 1, [127, 0, 0, 1]).node).collect();
            lookup.named(&local, 2, &named, |_| false);
            let (nodes, candidates) = lookup.sizes();
            prop_assert!(nodes <= 8 && candidates <= limits::LOOKUP_CANDIDATES);
        }
        answered.sort_by(|one, other| compare(&PublicKey([0; 32]), one, other));
        answered.dedup();
        answered.truncate(8);
        let held: Vec<PublicKey> = lookup.nodes.iter().map(|found| found.node.node.key).collect();
        prop_assert_eq!(held, answered);
    }
}
