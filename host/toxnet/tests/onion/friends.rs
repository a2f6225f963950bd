//! Friends find each other.

use std::time::Duration;

use toxnet::limits;
use toxnet::node::AddFriendError;

use crate::world::*;

/// Two people who are friends, in a network of so many nodes.
fn friends(count: usize, seed: u64) -> (Network, usize, usize) {
    let mut network = nodes(count, seed);
    network.run(seconds(1));
    let (one, other) = (join_as(&mut network, 1), join_as(&mut network, 2));
    let now = network.now;
    network.nodes[one].dht.add_friend(now, person(2).public()).unwrap();
    network.nodes[other].dht.add_friend(now, person(1).public()).unwrap();
    (network, one, other)
}

fn both_found(network: &Network, one: usize, other: usize) -> bool {
    found(network, one, 2, other) && found(network, other, 1, one)
}

#[test]
fn friends_who_start_together_find_each_other_in_three_seconds() {
    for seed in 0..4 {
        let (mut network, one, other) = friends(30, seed);
        let took = until(&mut network, seconds(3), "both find", |network| both_found(network, one, other));
        assert!(network.nodes[one].dht.is_online(network.now), "after {took:?}");
    }
}

#[test]
fn so_do_they_with_one_node_between_them() {
    let (mut network, one, other) = friends(1, 10);
    until(&mut network, seconds(20), "both find", |network| both_found(network, one, other));
}

#[test]
fn lost_packets_cost_time_only() {
    let (mut network, one, other) = friends(30, 11);
    network.loss = 10;
    until(&mut network, seconds(60), "both find", |network| both_found(network, one, other));
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let sent = |seed| {
        let (mut network, _, _) = friends(10, seed);
        network.run(seconds(60));
        network.sent
    };
    assert_eq!(sent(12), sent(12));
}

#[test]
fn a_request_arrives_and_whoever_accepts_it_need_not_wait() {
    let mut network = nodes(30, 13);
    let (one, other) = (join_as(&mut network, 1), join_as(&mut network, 2));
    network.run(seconds(3));
    let now = network.now;
    network.nodes[one].dht.request_friend(now, &tox_id(2), b"hello").unwrap();
    let came = |network: &Network| !requests(network, other).is_empty();
    until(&mut network, seconds(3), "the request", came);
    network.run(Duration::from_millis(500));
    assert!(
        requests(&network, other).iter().all(|request| *request == (person(1).public(), b"hello".to_vec()))
    );
    let now = network.now;
    network.nodes[other].dht.add_friend(now, person(1).public()).unwrap();
    // The DHT key came with the request.
    let took = until(&mut network, seconds(1), "found", |network| found(network, other, 1, one));
    assert!(took < Duration::from_millis(300), "{took:?}");
    until(&mut network, seconds(2), "found back", |network| found(network, one, 2, other));
    let before = requests(&network, other).len();
    network.run(seconds(60));
    assert_eq!(requests(&network, other).len(), before, "asked again after a sign of the friend");
}

#[test]
fn requests_with_another_nospam_are_ignored() {
    let mut network = nodes(10, 14);
    let (one, other) = (join_as(&mut network, 1), join_as(&mut network, 2));
    network.run(seconds(3));
    let now = network.now;
    let id = toxnet::ToxId { nospam: toxnet::Nospam([0; 4]), ..tox_id(2) };
    network.nodes[one].dht.request_friend(now, &id, b"hello").unwrap();
    network.run(seconds(10));
    assert!(requests(&network, other).is_empty());
    let now = network.now;
    network.nodes[other].dht.set_nospam(id.nospam);
    network.nodes[one].dht.request_friend(now, &id, b"hello").unwrap();
    until(&mut network, seconds(3), "the request", |network| !requests(network, other).is_empty());
}

#[test]
fn whoever_is_announced_stays_so_while_nodes_come_and_go() {
    let mut network = nodes(40, 15);
    let (one, other) = (join_as(&mut network, 1), join_as(&mut network, 2));
    network.run(seconds(60));
    for round in 1..=20 {
        // One leaves, one joins.
        network.nodes[round].silent = true;
        join(&mut network);
        network.run(seconds(90));
        assert!(network.nodes[one].dht.is_online(network.now), "in round {round}");
    }
    let now = network.now;
    network.nodes[other].dht.request_friend(now, &tox_id(1), b"still there?").unwrap();
    until(&mut network, seconds(10), "the request", |network| !requests(network, one).is_empty());
}

#[test]
fn a_friend_who_starts_again_is_found_at_the_new_place() {
    let (mut network, one, other) = friends(30, 16);
    until(&mut network, seconds(3), "both find", |network| both_found(network, one, other));
    let now = network.now;
    network.nodes[one].dht.set_online(now, &person(2).public(), true);
    network.run(seconds(600));
    network.nodes[other].silent = true;
    network.run(seconds(6));
    let now = network.now;
    network.nodes[one].dht.set_online(now, &person(2).public(), false);
    network.run(seconds(300));
    let again = join_as(&mut network, 2);
    let now = network.now;
    network.nodes[again].dht.add_friend(now, person(1).public()).unwrap();
    until(&mut network, seconds(4), "both find", |network| both_found(network, one, again));
}

/// An identity renews its announcement at up to twelve nodes, and nothing else.
#[test]
fn nothing_is_sent_while_nothing_happens() {
    let (mut network, one, other) = friends(30, 17);
    until(&mut network, seconds(3), "both find", |network| both_found(network, one, other));
    let now = network.now;
    network.nodes[one].dht.set_online(now, &person(2).public(), true);
    network.run(seconds(300));
    let before = onion_packets(&network, one);
    network.run(seconds(1200));
    let sent = onion_packets(&network, one) - before;
    // Every 120 seconds; after a new path twice, and every 15 seconds until that has lasted.
    let most = limits::ANNOUNCED_AT * (1200 / 120 + 2 + 90 / 15);
    assert!(sent <= most, "{sent} packets, at most {most}");
}

#[test]
fn many_friends_who_are_away_are_searched_for_in_turn_within_the_budget() {
    let mut network = nodes(30, 18);
    let one = join_as(&mut network, 1);
    network.run(seconds(3));
    let now = network.now;
    for number in 100..400 {
        network.nodes[one].dht.add_friend(now, person(number).public()).unwrap();
    }
    let mut before = onion_packets(&network, one);
    for second in 1..=20 {
        network.run(seconds(1));
        let sent = onion_packets(&network, one) - before;
        let most = if second == 1 { 60 + 20 } else { 21 };
        assert!(sent <= most, "{sent} packets in second {second}");
        before += sent;
    }
    // In the end everybody's turn comes.
    let other = join_as(&mut network, 399);
    let now = network.now;
    network.nodes[other].dht.add_friend(now, person(1).public()).unwrap();
    until(&mut network, seconds(120), "found", |network| found(network, one, 399, other));
}

#[test]
fn who_cannot_be_a_friend() {
    let mut network = nodes(1, 19);
    let (now, key) = (network.now, person(1).public());
    assert_eq!(network.nodes[0].dht.add_friend(now, key), Err(AddFriendError::NoIdentity));
    let one = join_as(&mut network, 1);
    let node = &mut network.nodes[one].dht;
    assert_eq!(node.add_friend(now, key), Err(AddFriendError::OwnKey));
    assert!(matches!(node.add_friend(now, toxnet::PublicKey([0; 32])), Err(AddFriendError::Key(_))));
    assert!(matches!(node.request_friend(now, &tox_id(2), b""), Err(AddFriendError::Text(_))));
    assert!(matches!(node.request_friend(now, &tox_id(2), &[b'a'; 901]), Err(AddFriendError::Text(_))));
}
