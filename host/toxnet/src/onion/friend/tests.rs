use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::wire::List;

const NOW: Duration = Duration::from_secs(1000);

fn friend() -> Friend {
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let (real, key) = (KeyPair::generate(&mut random), KeyPair::generate(&mut random).public());
    Friend::new(NOW, &real, key, &mut random).unwrap()
}

fn content(no_replay: u64) -> DhtKey {
    DhtKey { no_replay, key: PublicKey([4; 32]), nodes: List::default() }
}

#[test]
fn old_dht_keys_are_replays_for_ten_minutes_also_of_a_friend_who_went() {
    let mut friend = friend();
    assert!(friend.is_new(NOW, &content(100)));
    assert!(!friend.is_new(NOW, &content(100)));
    friend.online = true;
    friend.online = false;
    friend.begin(NOW);
    assert!(!friend.is_new(NOW, &content(99)));
    assert!(friend.is_new(NOW, &content(101)));
    let last = NOW + limits::REPLAY_MEMORY - Duration::from_secs(1);
    assert!(!friend.is_new(last, &content(101)));
    // A friend whose clock was set back is believed in the end.
    assert!(friend.is_new(last + Duration::from_secs(1), &content(50)));
}

#[test]
fn a_search_slows_down_and_begins_anew_with_a_sign_of_the_friend() {
    let mut friend = friend();
    let seconds = |number| NOW + Duration::from_secs(number);
    let waits = [0, 4, 40, 4000, 40_000].map(|after| friend.interval(seconds(after)).as_secs());
    assert_eq!(waits, [1, 1, 10, 1000, 3600]);
    friend.is_new(seconds(4000), &content(1));
    assert_eq!(friend.interval(seconds(4000)), limits::SEARCH_LEAST);
    // The same key again soon after is no news.
    friend.dht = Some(content(1).key);
    friend.is_new(seconds(4030), &content(2));
    assert_eq!(friend.since, seconds(4000));
}
