use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::key::KeyPair;

const NOW: Duration = Duration::from_secs(1000);
const DATA: PublicKey = PublicKey([7; 32]);

fn store() -> Store {
    Store::new(PublicKey([0; 32]), &mut ChaCha20Rng::seed_from_u64(1))
}

fn place(host: u8) -> (Address, &'static [u8]) {
    (Address::new([192, 0, 2, host].into(), 33445), &[9; 177])
}

fn request(ping_id: [u8; 32], searched: PublicKey, data_key: PublicKey) -> AnnounceRequest {
    AnnounceRequest { ping_id, searched, data_key, sendback: [0; 8] }
}

fn ping_id(stored: Stored) -> [u8; 32] {
    match stored {
        Stored::No(id) | Stored::Own(id) => id,
        Stored::Other(_) => panic!("somebody else"),
    }
}

/// Announces `key` over the path that ends at `host`.
fn announce(store: &mut Store, now: Duration, key: PublicKey, host: u8) -> Stored {
    let id = ping_id(store.request(now, place(host), key, &request([0; 32], key, DATA)));
    store.request(now, place(host), key, &request(id, key, DATA))
}

#[test]
fn an_announcement_takes_a_ping_id_that_came_back() {
    let (mut store, key) = (store(), PublicKey([3; 32]));
    let first = store.request(NOW, place(1), key, &request([0; 32], key, DATA));
    assert!(matches!(first, Stored::No(_)) && store.way_to(NOW, &key).is_none());
    // From another path, of another key, and too late it is worth nothing.
    let again = request(ping_id(first), key, DATA);
    for (now, from, sender) in [
        (NOW, place(2), key),
        (NOW, place(1), PublicKey([4; 32])),
        (NOW + limits::PING_ID_TIME * 2, place(1), key),
    ] {
        let answer = store.request(now, from, sender, &again);
        assert!(matches!(answer, Stored::No(_)) && store.way_to(now, &sender).is_none());
    }
    assert!(matches!(store.request(NOW, place(1), key, &again), Stored::Own(_)));
    assert_eq!(store.way_to(NOW, &key), Some(place(1)));
}

#[test]
fn whoever_searches_is_given_the_data_key() {
    let (mut store, key, other) = (store(), PublicKey([3; 32]), PublicKey([4; 32]));
    assert!(matches!(announce(&mut store, NOW, key, 1), Stored::Own(_)));
    let search = request([0; 32], key, PublicKey([0; 32]));
    assert_eq!(store.request(NOW, place(5), other, &search), Stored::Other(DATA));
    let unknown = request([0; 32], PublicKey([5; 32]), PublicKey([0; 32]));
    assert!(matches!(store.request(NOW, place(5), other, &unknown), Stored::No(_)));
    // Own announcement, but of another start.
    let restarted = request([0; 32], key, PublicKey([8; 32]));
    assert!(matches!(store.request(NOW, place(1), key, &restarted), Stored::No(_)));
}

#[test]
fn announcements_end_after_300_seconds() {
    let (mut store, key) = (store(), PublicKey([3; 32]));
    announce(&mut store, NOW, key, 1);
    let last = NOW + limits::ANNOUNCEMENT_TIME - Duration::from_secs(1);
    assert!(store.way_to(last, &key).is_some());
    assert!(store.way_to(last + Duration::from_secs(1), &key).is_none());
}

#[test]
fn the_nearest_stay_when_there_are_too_many() {
    let (mut store, mut random) = (store(), ChaCha20Rng::seed_from_u64(2));
    let mut keys: Vec<PublicKey> = (0..300).map(|_| KeyPair::generate(&mut random).public()).collect();
    for key in &keys {
        announce(&mut store, NOW, *key, 1);
        assert!(store.announcements.len() <= limits::ANNOUNCEMENTS);
    }
    keys.sort_by(|one, other| compare(&store.own, one, other));
    for (place, key) in keys.iter().enumerate() {
        assert_eq!(store.way_to(NOW, key).is_some(), place < limits::ANNOUNCEMENTS);
    }
    let far = keys[299];
    assert!(matches!(announce(&mut store, NOW, far, 1), Stored::No(_)));
}
