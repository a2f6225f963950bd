//! What an idle session sends.

use std::time::Duration;

use crate::network::{DATA, GOOD, Network};

#[test]
fn an_idle_session_sends_a_request_a_second_and_a_sign_of_life_every_eight() {
    let mut network = Network::pair(10, GOOD);
    network.pass(Duration::from_secs(5));
    network.seen = Some(Vec::new());
    network.pass(Duration::from_secs(80));
    let seen = network.seen.take().unwrap();
    assert!(seen.iter().all(|seen| seen.packet[0] == DATA));
    for host in [0, 1] {
        let times: Vec<Duration> = seen.iter().filter(|seen| seen.from == host).map(|seen| seen.at).collect();
        // 80 requests, 10 signs of life, and each of the peer's acknowledged at once.
        assert!((80..=101).contains(&times.len()), "{}", times.len());
        let longest = times.windows(2).map(|two| two[1] - two[0]).max().unwrap();
        assert!(longest <= Duration::from_millis(1001), "{longest:?}");
    }
    assert!(network.packets(0).is_empty() && network.packets(1).is_empty());
    let (a, b) = (network.key(0), network.key(1));
    assert!(network.hosts[0].sessions.is_established(&b) && network.hosts[1].sessions.is_established(&a));
}

#[test]
fn nothing_is_sent_without_sessions() {
    let mut network = Network::new(11, 2, GOOD);
    network.seen = Some(Vec::new());
    network.make_friends(0, 1);
    network.pass(Duration::from_secs(600));
    assert!(network.seen.unwrap().is_empty());
    assert_eq!(network.hosts[0].sessions.next_deadline(), None);
}
