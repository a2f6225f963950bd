use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// RFC 7748 section 5.2, first vector.
#[test]
fn the_product_of_rfc_7748() {
    let scalar =
        Secret::from_bytes(bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"));
    let point = Point(bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"));
    let product = bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    assert_eq!(scalar.agree(&point).unwrap().as_bytes(), &product);
}

/// The points of low order (RFC 7748 section 6.1, "all-zero"), and their forms over the prime.
const LOW_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn points_of_low_order_are_refused_on_both_ways() {
    for text in LOW_ORDER {
        let point = Point(bytes(text));
        assert_eq!(Secret::from_bytes([7; 32]).agree(&point).err(), Some(BadPoint), "{text}");
        assert_eq!(Lifted::new(&point).err(), Some(BadPoint), "{text}");
    }
}

proptest! {
    #[test]
    fn lifting_changes_no_result(first: [u8; 32], second: [u8; 32]) {
        let (first, second) = (Secret::from_bytes(first), Secret::from_bytes(second));
        let lifted = Lifted::new(&second.point()).unwrap();
        let with_lifted = first.agree_lifted(&lifted).unwrap();
        let plain = first.agree(&second.point()).unwrap();
        prop_assert_eq!(with_lifted.as_bytes(), plain.as_bytes());
    }
}
