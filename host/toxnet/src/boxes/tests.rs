use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::key::{KeyPair, PublicKey};

#[test]
fn both_sides_open_what_either_sealed() {
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let (anna, ben) = (KeyPair::generate(&mut random), KeyPair::generate(&mut random));
    let hers = anna.secret().shared_with(&ben.public()).unwrap();
    let his = ben.secret().shared_with(&anna.public()).unwrap();
    let nonce = FreshNonce::random(&mut random);
    let value = nonce.value();
    let mut buffer = [&[0; MAC_BYTES], &b"in place"[..]].concat();
    hers.seal(nonce, &mut buffer).unwrap();
    assert_eq!(his.open(&value, &mut buffer).unwrap(), b"in place");
}

/// The points of order 1, 2, 4 and 8, and those written with numbers over the field's prime.
#[test]
fn keys_of_low_order_are_refused() {
    let secret = KeyPair::generate(&mut ChaCha20Rng::seed_from_u64(2));
    for text in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "E0EB7A7C3B41B8AE1656E3FAF19FC46ADA098DEB9C32B1FD866205165F49B800",
        "5F9C95BCA3508C24B1D0B1559C83EF5B04445CC4581C8E86D8224EDDD09F1157",
        "ECFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F",
        "EDFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F",
        "EEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F",
    ] {
        let low: PublicKey = text.parse().unwrap();
        assert_eq!(secret.secret().shared_with(&low).err(), Some(LowOrderKey), "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let mut random = ChaCha20Rng::seed_from_u64(3);
    assert_eq!(format!("{:?}", SharedKey::generate(&mut random)), "SharedKey(..)");
    let pair = KeyPair::generate(&mut random);
    let secret: String = pair.secret().as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(!format!("{pair:?}").contains(&secret));
}

#[test]
fn what_has_no_room_for_a_mac_is_refused() {
    let mut random = ChaCha20Rng::seed_from_u64(4);
    let key = SharedKey::generate(&mut random);
    let nonce = FreshNonce::random(&mut random);
    assert_eq!(key.seal(nonce, &mut [0; MAC_BYTES - 1]), Err(NoRoom(MAC_BYTES - 1)));
    assert_eq!(key.open(&Nonce([0; 24]), &mut [0; MAC_BYTES - 1]), Err(OpenError::TooShort(MAC_BYTES - 1)));
}

proptest! {
    #[test]
    fn a_changed_bit_is_noticed_and_nothing_is_touched(
        seed: u64, text in proptest::collection::vec(any::<u8>(), 0..1400), at: prop::sample::Index
    ) {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let key = SharedKey::generate(&mut random);
        let nonce = FreshNonce::random(&mut random);
        let value = nonce.value();
        let mut buffer = vec![0; MAC_BYTES];
        buffer.extend_from_slice(&text);
        key.seal(nonce, &mut buffer).unwrap();
        let bit = at.index(buffer.len() * 8);
        buffer[bit / 8] ^= 1 << (bit % 8);
        let changed = buffer.clone();
        prop_assert_eq!(key.open(&value, &mut buffer), Err(OpenError::Forged));
        prop_assert_eq!(&buffer, &changed);
        buffer[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(key.open(&value, &mut buffer).unwrap(), &text[..]);
    }
}
