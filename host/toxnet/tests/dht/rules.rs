//! The rules of a node, in the network in memory.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::dht::{Dht, Event};
use toxnet::packet::dht::{NodesRequest, NodesResponse, PingRequest, Sealed, seal};
use toxnet::packet::dht_request::{DhtRequest, SealedDhtKey};
use toxnet::packet::info::{self, Info};
use toxnet::packet::onion::DhtKey;
use toxnet::wire::{Codec as _, List, Text};
use toxnet::{FreshNonce, KeyPair, PublicKey, UdpNode};

use crate::network::Machine;

type Network = crate::network::Network<Dht<ChaCha20Rng>>;

impl Machine for Dht<ChaCha20Rng> {
    type Event = Event;

    fn start(_: Duration, keys: KeyPair, random: ChaCha20Rng) -> Self {
        Self::new(keys, random)
    }

    fn key(&self) -> PublicKey {
        self.key()
    }

    fn datagram(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) {
        self.datagram(now, from, packet);
    }

    fn timeout(&mut self, now: Duration) {
        self.timeout(now);
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.next_deadline()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.poll_transmit()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }
}

/// Whether `node` was told where `other` is.
fn found(network: &Network, node: usize, other: usize) -> bool {
    let other = &network.nodes[other];
    let event = Event::Found { key: other.dht.key(), at: other.at };
    network.nodes[node].events.contains(&event)
}

/// So many nodes that know only the first; each searches for the one after it.
fn ring(nodes: usize, seed: u64) -> Network {
    let mut network = Network::new(seed);
    for _ in 0..nodes {
        network.add();
    }
    let first = network.nodes[0].contact();
    let keys: Vec<PublicKey> = network.nodes.iter().map(|node| node.dht.key()).collect();
    for (number, node) in network.nodes.iter_mut().enumerate() {
        if number > 0 {
            node.dht.bootstrap(network.now, first);
        }
        node.dht.search(network.now, keys[(number + 1) % nodes]);
    }
    network
}

fn all_found(network: &Network) -> bool {
    let nodes = network.nodes.len();
    (0..nodes).all(|number| found(network, number, (number + 1) % nodes))
}

#[test]
fn thirty_nodes_find_each_other_within_a_second() {
    let mut network = ring(30, 1);
    network.run(Duration::from_secs(1));
    assert!(all_found(&network));
}

#[test]
fn so_do_two_hundred_where_no_list_holds_all() {
    let mut network = ring(200, 2);
    network.run(Duration::from_secs(5));
    assert!(all_found(&network));
}

#[test]
fn lost_packets_cost_time_only() {
    let mut network = ring(40, 3);
    network.loss = 20;
    network.run(Duration::from_secs(30));
    assert!(all_found(&network));
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let sent = |seed| {
        let mut network = ring(20, seed);
        network.run(Duration::from_secs(100));
        network.sent
    };
    assert_eq!(sent(4), sent(4));
}

/// Each node asks each that it knows once a minute for each list it stands in, and one at random of
/// each list every 20 seconds.
#[test]
fn a_quiet_network_sends_little() {
    let mut network = ring(20, 5);
    network.run(Duration::from_secs(120));
    let before = network.sent;
    network.run(Duration::from_secs(60));
    let (lists, known) = (1 + 2 + 1, 19 + 3 * 8);
    // Questions and their answers.
    let most = 20 * 2 * (known + lists * 3);
    assert!(network.sent - before <= most, "{} packets, at most {most}", network.sent - before);
}

#[test]
fn whoever_is_gone_is_forgotten_and_the_first_nodes_are_asked_again() {
    let mut network = ring(2, 6);
    network.run(Duration::from_secs(1));
    assert!(all_found(&network));
    network.nodes[0].silent = true;
    network.run(Duration::from_secs(123));
    let (now, key) = (network.now, network.nodes[0].dht.key());
    assert!(!network.nodes[1].dht.is_connected(now));
    assert_eq!(network.nodes[1].dht.address_of(now, &key), None);
    network.run(Duration::from_secs(100));
    assert_eq!(network.nodes[1].dht.nodes(network.now).count(), 0);
    network.nodes[0].silent = false;
    network.run(Duration::from_secs(15));
    assert!(network.nodes[1].dht.is_connected(network.now));
}

#[test]
fn a_friend_who_moves_is_found_again() {
    let mut network = ring(10, 7);
    network.run(Duration::from_secs(2));
    assert!(all_found(&network));
    network.nodes[5].at = "10.9.9.9:4444".parse().unwrap();
    network.run(Duration::from_secs(70));
    assert!(found(&network, 4, 5));
}

fn stranger() -> (KeyPair, ChaCha20Rng) {
    let mut random = ChaCha20Rng::seed_from_u64(99);
    (KeyPair::generate(&mut random), random)
}

fn node() -> Dht<ChaCha20Rng> {
    let mut random = ChaCha20Rng::seed_from_u64(98);
    Dht::new(KeyPair::generate(&mut random), random)
}

const NOW: Duration = Duration::from_secs(1000);
const PUBLIC: &str = "203.0.113.5:33445";

/// What `node` answers to whom asks for the nearest nodes.
fn asked_for_nodes(node: &mut Dht<ChaCha20Rng>, from: &str) -> Vec<UdpNode> {
    let (pair, mut random) = stranger();
    let key = pair.secret().shared_with(&node.key()).unwrap();
    let request = NodesRequest { wanted: pair.public(), id: [7; 8] };
    let mut packet = seal(&request, &pair.public(), &key, FreshNonce::random(&mut random));
    node.datagram(NOW, from.parse().unwrap(), &mut packet);
    let (to, mut packet) = node.poll_transmit().expect("an answer");
    assert_eq!(to, from.parse().unwrap());
    let response: NodesResponse = Sealed::parse(&mut packet).unwrap().open(&key).unwrap();
    assert_eq!(response.id, request.id);
    response.nodes.into_vec()
}

/// The node asks `pair` at `at`, which answers with `nodes`.
fn answers(node: &mut Dht<ChaCha20Rng>, pair: &KeyPair, at: &str, nodes: Vec<UdpNode>) {
    let (_, mut random) = stranger();
    let at: std::net::SocketAddr = at.parse().unwrap();
    let key = pair.secret().shared_with(&node.key()).unwrap();
    node.bootstrap(NOW, UdpNode { address: at.into(), key: pair.public() });
    let (to, mut packet) = node.poll_transmit().expect("a question");
    assert_eq!(to, at);
    let request: NodesRequest = Sealed::parse(&mut packet).unwrap().open(&key).unwrap();
    let response = NodesResponse { nodes: List::new(nodes).unwrap(), id: request.id };
    let mut packet = seal(&response, &pair.public(), &key, FreshNonce::random(&mut random));
    node.datagram(NOW, at, &mut packet);
}

#[test]
fn the_first_node_tells_the_asker_of_itself() {
    let asker = UdpNode {
        address: PUBLIC.parse::<std::net::SocketAddr>().unwrap().into(),
        key: stranger().0.public(),
    };
    assert_eq!(asked_for_nodes(&mut node(), PUBLIC), [asker]);
}

#[test]
fn local_nodes_are_told_to_local_askers_only() {
    let mut node = node();
    let (_, mut random) = stranger();
    let local = KeyPair::generate(&mut random);
    answers(&mut node, &local, "192.168.1.2:33445", Vec::new());
    while node.poll_transmit().is_some() {}
    let is_told = |nodes: Vec<UdpNode>| nodes.iter().any(|node| node.key == local.public());
    assert!(is_told(asked_for_nodes(&mut node, "192.168.7.7:1000")));
    while node.poll_transmit().is_some() {}
    assert!(!is_told(asked_for_nodes(&mut node, PUBLIC)));
}

#[test]
fn an_answer_without_nodes_is_an_answer() {
    let mut node = node();
    answers(&mut node, &stranger().0, PUBLIC, Vec::new());
    assert!(node.is_connected(NOW));
}

#[test]
fn answers_that_nobody_asked_for_are_ignored() {
    let mut node = node();
    let (pair, mut random) = stranger();
    let key = pair.secret().shared_with(&node.key()).unwrap();
    let response = NodesResponse { nodes: List::default(), id: [0; 8] };
    let mut packet = seal(&response, &pair.public(), &key, FreshNonce::random(&mut random));
    node.datagram(NOW, PUBLIC.parse().unwrap(), &mut packet.clone());
    assert!(!node.is_connected(NOW));
    // Asked, but the answer has another id, comes from elsewhere, or comes too late.
    node.bootstrap(
        NOW,
        UdpNode { address: PUBLIC.parse::<std::net::SocketAddr>().unwrap().into(), key: pair.public() },
    );
    node.datagram(NOW, PUBLIC.parse().unwrap(), &mut packet);
    let (_, mut asked) = node.poll_transmit().unwrap();
    let request: NodesRequest = Sealed::parse(&mut asked).unwrap().open(&key).unwrap();
    let response = NodesResponse { nodes: List::default(), id: request.id };
    let packet = seal(&response, &pair.public(), &key, FreshNonce::random(&mut random));
    node.datagram(NOW, "203.0.113.6:33445".parse().unwrap(), &mut packet.clone());
    node.datagram(NOW + Duration::from_secs(5), PUBLIC.parse().unwrap(), &mut packet.clone());
    assert!(!node.is_connected(NOW + Duration::from_secs(5)));
}

/// Somebody who lies about nodes makes us send no more than four packets a lie to each list.
#[test]
fn lies_cost_little() {
    let mut node = node();
    let (pair, mut random) = stranger();
    let mut lie = || UdpNode {
        address: std::net::SocketAddr::from(([198, 51, 100, 1], 1000)).into(),
        key: KeyPair::generate(&mut random).public(),
    };
    let nodes = (0..4).map(|_| lie()).collect();
    answers(&mut node, &pair, PUBLIC, nodes);
    let sent = std::iter::from_fn(|| node.poll_transmit()).count();
    assert!(sent <= 4 + 2, "{sent} packets");
}

#[test]
fn strangers_have_a_budget() {
    let mut node = node();
    let (_, mut random) = stranger();
    let mut answered = 0;
    for _ in 0..200 {
        let pair = KeyPair::generate(&mut random);
        let key = pair.secret().shared_with(&node.key()).unwrap();
        let ping = PingRequest { id: [1; 8] };
        let mut packet = seal(&ping, &pair.public(), &key, FreshNonce::random(&mut random));
        node.datagram(NOW, PUBLIC.parse().unwrap(), &mut packet);
        answered += std::iter::from_fn(|| node.poll_transmit()).count();
    }
    // As many answers, and a ping to each of the newcomers.
    let most = toxnet::limits::STRANGERS_PER_NETWORK + toxnet::limits::NEWCOMERS;
    assert!(answered > 0 && answered <= most, "{answered}");
}

#[test]
fn a_dht_key_travels_over_another_node() {
    let mut network = ring(3, 8);
    network.run(Duration::from_secs(2));
    let (sender, receiver) = (network.nodes[1].dht.key(), network.nodes[2].dht.key());
    let (real, mut random) = stranger();
    let peer = KeyPair::generate(&mut random);
    let content = DhtKey { no_replay: 1, key: sender, nodes: List::default() };
    let key = real.secret().shared_with(&peer.public()).unwrap();
    let sealed = SealedDhtKey::seal(&content, real.public(), &key, FreshNonce::random(&mut random));
    let now = network.now;
    let over = network.nodes[1].dht.send_request(now, &receiver, &DhtRequest::DhtKey(sealed));
    assert!(over >= 1);
    network.run(Duration::from_secs(1));
    let came = network.nodes[2].events.iter().find_map(|event| match event {
        Event::DhtKey { from, sealed } => Some((*from, sealed.clone())),
        Event::Found { .. } => None,
    });
    let (from, sealed) = came.expect("the packet");
    assert_eq!((from, sealed.sender()), (sender, real.public()));
    assert_eq!(sealed.open(&from, &key), Ok(content));
}

#[test]
fn a_bootstrap_node_tells_about_itself() {
    let mut node = node();
    let about = Info { version: 1, text: Text::new("ours").unwrap() };
    node.datagram(NOW, PUBLIC.parse().unwrap(), &mut info::request());
    assert_eq!(node.poll_transmit(), None);
    node.answer_info(about.clone());
    node.datagram(NOW, PUBLIC.parse().unwrap(), &mut info::request());
    let (_, answer) = node.poll_transmit().expect("an answer");
    assert_eq!(Info::parse(&answer), Ok(about));
}
