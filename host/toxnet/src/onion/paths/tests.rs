use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn random() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
}

fn node(number: u8, ip: [u8; 4], origin: u64) -> PathNode {
    let mut seeded = ChaCha20Rng::seed_from_u64(number.into());
    let key = KeyPair::generate(&mut seeded).public();
    PathNode { node: UdpNode { address: Address::new(ip.into(), 1000 + u16::from(number)), key }, origin }
}

fn nobody() -> PublicKey {
    PublicKey([0; 32])
}

fn same<T: Ord>(items: [T; 3]) -> bool {
    items.into_iter().collect::<BTreeSet<T>>().len() < 3
}

#[test]
fn of_one_answer_or_one_network_there_is_one_hop() {
    // Ten of one answer, ten of one network, and two others.
    let of_one_answer = (0..10).map(|number| node(number, [20 + number, 1, 1, 1], 7));
    let of_one_network = (10..20).map(|number| node(number, [9, 9, number, 1], number.into()));
    let others = [node(20, [50, 1, 1, 1], 20), node(21, [51, 1, 1, 1], 21)];
    let nodes: Vec<PathNode> = of_one_answer.chain(of_one_network).chain(others).collect();
    let mut random = random();
    for _ in 0..200 {
        let hops = hops(&nodes, &nobody(), false, &mut random).unwrap();
        let found = |hop: UdpNode| *nodes.iter().find(|node| node.node == hop).unwrap();
        assert!(!same(hops.map(|hop| network(hop.address))) && !same(hops.map(|hop| found(hop).origin)));
    }
}

#[test]
fn rules_give_way_only_after_a_wait() {
    let one_answer: Vec<PathNode> = (0..5).map(|number| node(number, [20 + number, 1, 1, 1], 7)).collect();
    let one_network: Vec<PathNode> =
        (0..5).map(|number| node(number, [20, 1, number, 1], number.into())).collect();
    for nodes in [&one_answer, &one_network] {
        assert_eq!(hops(nodes, &nobody(), false, &mut random()), None);
        assert!(!same(hops(nodes, &nobody(), true, &mut random()).unwrap().map(|hop| hop.key)));
    }
    let two = &one_answer[..2];
    assert!(same(hops(two, &nobody(), true, &mut random()).unwrap().map(|hop| hop.key)));
}

#[test]
fn the_node_a_packet_is_for_is_not_on_its_path_if_there_are_others() {
    let nodes: Vec<PathNode> = (0..4).map(|number| node(number, [127, 0, 0, 1], number.into())).collect();
    let own = KeyPair::generate(&mut random());
    let (mut paths, mut random) = (Paths::new(), random());
    for round in 0..100 {
        let to = nodes[round % 4].node.key;
        let choice = Choice { again: None, to, own: &own, nodes: &nodes, relays: &[], waited: true };
        let (id, _) = paths.choose(NOW, &choice, &mut random).unwrap();
        paths.answered(id);
        let used = paths.slots.iter().flatten().find(|used| used.id == id).unwrap();
        // Slots fill up with paths over all nodes; then one of them has to do.
        let free = paths.slots.iter().flatten().any(|used| !used.nodes.contains(&to));
        assert!(!used.nodes.contains(&to) || !free);
    }
}

#[test]
fn a_silent_path_is_given_up_and_every_path_after_twenty_minutes() {
    let nodes: Vec<PathNode> = (0..4).map(|number| node(number, [127, 0, 0, 1], number.into())).collect();
    let own = KeyPair::generate(&mut random());
    let (mut paths, mut random) = (Paths::new(), random());
    let mut choose = |paths: &mut Paths, now, again| {
        let choice = Choice { again, to: nobody(), own: &own, nodes: &nodes, relays: &[], waited: true };
        paths.choose(now, &choice, &mut random).unwrap().0
    };
    let second = Duration::from_secs(1);
    // New: two tries and two seconds.
    let new = choose(&mut paths, NOW, None);
    assert_eq!(choose(&mut paths, NOW + second, Some(new)), new);
    assert_ne!(choose(&mut paths, NOW + second * 2, Some(new)), new);
    // One that answered: four tries and ten seconds.
    let good = choose(&mut paths, NOW, None);
    paths.answered(good);
    for at in [1, 2, 3, 10] {
        assert_eq!(choose(&mut paths, NOW + second * at, Some(good)), good);
    }
    assert_ne!(choose(&mut paths, NOW + second * 11, Some(good)), good);
    let old = choose(&mut paths, NOW, None);
    paths.answered(old);
    assert!(paths.made(NOW + limits::PATH_TIME - second, old).is_some());
    assert!(paths.made(NOW + limits::PATH_TIME, old).is_none());
}

proptest! {
    #[test]
    fn there_is_a_path_whenever_there_is_a_node(
        places in proptest::collection::vec((any::<[u8; 4]>(), 0..4_u64), 1..10), to in 0..10_u8, seed: u64
    ) {
        let nodes: Vec<PathNode> =
            (0..).zip(&places).map(|(number, (ip, origin))| node(number, *ip, *origin)).collect();
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let to = node(to, [1; 4], 0).node.key;
        let hops = hops(&nodes, &to, true, &mut random).unwrap();
        prop_assert_eq!(same(hops.map(|hop| hop.key)), nodes.len() < 3);
        if nodes.len() > 3 {
            prop_assert!(hops.iter().all(|hop| hop.key != to));
        }
    }
}
