use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

fn sample() -> State {
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let mut state = State::new(KeyPair::generate(&mut random), Nospam([1, 2, 3, 4]));
    state.name = Text::new("Anna").unwrap();
    state.friends = vec![
        Friend {
            key: PublicKey([7; 32]),
            state: FriendState::Confirmed {
                name: Text::new("Ben").unwrap(),
                status_message: Text::new("here").unwrap(),
                status: Status::Busy,
                last_seen: 1_790_000_000,
            },
        },
        Friend {
            key: PublicKey([8; 32]),
            state: FriendState::Requested {
                sent: true,
                nospam: Nospam([9; 4]),
                text: Text::new("Hello").unwrap(),
            },
        },
    ];
    state.others = vec![OtherSection { kind: 20, content: Zeroizing::new(vec![5; 17]) }];
    state
}

#[test]
fn what_was_written_is_read() {
    let state = sample();
    let mut bytes = state.to_bytes().to_vec();
    assert_eq!(State::parse(&bytes).unwrap(), state);
    // Room that C did not use.
    bytes.extend([0; 100]);
    assert_eq!(State::parse(&bytes).unwrap(), state);
}

#[test]
fn a_cut_anywhere_is_damage() {
    let bytes = sample().to_bytes();
    for length in 0..bytes.len() {
        assert!(matches!(State::parse(&bytes[..length]), Err(StateError::Damaged(_))), "{length}");
    }
}

#[test]
fn keys_must_belong_together() {
    let mut bytes = sample().to_bytes();
    bytes[20] ^= 1;
    assert_eq!(State::parse(&bytes), Err(StateError::KeysDisagree));
    bytes[20] ^= 1;
    // The kind of the section of keys.
    bytes[12] = 99;
    assert_eq!(State::parse(&bytes), Err(StateError::NoIdentity));
    assert_eq!(State::parse(b"toxEsave"), Err(StateError::Encrypted));
}

#[test]
fn damaged_nodes_do_not_cost_the_identity() {
    let mut state = sample();
    state.others = vec![OtherSection { kind: Kind::RELAYS.0, content: Zeroizing::new(vec![99; 40]) }];
    let read = State::parse(&state.to_bytes()).unwrap();
    assert!(read.relays.is_empty() && read.friends == state.friends);
}

#[test]
fn nothing_secret_is_shown() {
    let state = sample();
    let text = format!("{state:?}");
    assert!(text.contains("SecretKey(..)") && text.contains("OtherSection(20, 17 bytes)"));
}

proptest! {
    #[test]
    fn any_bytes_in_a_section_are_read_or_refused(
        kind in 0_u16..22, content in proptest::collection::vec(any::<u8>(), 0..3000)
    ) {
        let mut state = sample();
        state.others = vec![OtherSection { kind, content: Zeroizing::new(content) }];
        if let Ok(read) = State::parse(&state.to_bytes()) {
            prop_assert_eq!(State::parse(&read.to_bytes()), Ok(read));
        }
    }

    #[test]
    fn any_friend_comes_back(records in proptest::collection::vec(any::<u8>(), Friend::BYTES * 2)) {
        let mut state = sample();
        state.friends.clear();
        state.others = vec![OtherSection { kind: Kind::FRIENDS.0, content: Zeroizing::new(records) }];
        let read = State::parse(&state.to_bytes()).unwrap();
        prop_assert_eq!(State::parse(&read.to_bytes()), Ok(read));
    }
}
