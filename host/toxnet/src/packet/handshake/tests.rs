use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::packet::dht::{self, CookieRequest};

fn setting() -> (ChaCha20Rng, SharedKey) {
    let mut random = ChaCha20Rng::seed_from_u64(5);
    let key = SharedKey::generate(&mut random);
    (random, key)
}

#[test]
fn a_cookie_is_asked_for_and_given() {
    let (mut random, key) = setting();
    let (request, sender) = (CookieRequest { real: PublicKey([1; 32]), echo: [2; 8] }, PublicKey([3; 32]));
    let mut packet = dht::seal(&request, &sender, &key, FreshNonce::random(&mut random));
    let sealed = dht::Sealed::parse(&mut packet).unwrap();
    assert_eq!((sealed.kind(), sealed.sender()), (Kind::CookieRequest, sender));
    assert_eq!(sealed.open::<CookieRequest>(&key).unwrap(), request);

    let response = CookieResponse { cookie: Cookie([4; Cookie::BYTES]), echo: request.echo };
    let mut packet = response.seal(&key, FreshNonce::random(&mut random));
    assert_eq!(CookieResponse::open(&mut packet, &key).unwrap(), response);
}

#[test]
fn a_handshake_belongs_to_its_cookie() {
    let (mut random, key) = setting();
    let handshake = Handshake {
        base_nonce: Nonce([1; 24]),
        session: PublicKey([2; 32]),
        cookie: Cookie([3; Cookie::BYTES]),
    };
    let given = Cookie([4; Cookie::BYTES]);
    let packet = handshake.seal(&given, &key, FreshNonce::random(&mut random));

    let mut whole = packet.clone();
    let sealed = SealedHandshake::parse(&mut whole).unwrap();
    assert_eq!(*sealed.cookie(), given);
    assert_eq!(sealed.open(&key).unwrap(), handshake);

    let mut changed = packet;
    changed[1] ^= 1;
    let opened = SealedHandshake::parse(&mut changed).unwrap().open(&key);
    assert_eq!(opened, Err(PacketError::OtherCookie));
}

proptest! {
    #[test]
    fn any_bytes_are_refused(mut packet in proptest::collection::vec(any::<u8>(), 0..400), kind in 0x18..=0x1a_u8) {
        let (_, key) = setting();
        if let Some(first) = packet.first_mut() {
            *first = kind;
        }
        let mut again = packet.clone();
        prop_assert!(CookieResponse::open(&mut again, &key).is_err());
        if let Ok(sealed) = SealedHandshake::parse(&mut again) {
            prop_assert!(sealed.open(&key).is_err());
        }
        if let Ok(sealed) = dht::Sealed::parse(&mut packet) {
            prop_assert!(sealed.open::<CookieRequest>(&key).is_err());
        }
    }
}
