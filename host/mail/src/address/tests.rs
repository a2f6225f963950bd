use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Address, InvalidAddress> {
    text.parse()
}

#[test]
fn ordinary_addresses_parse_and_print_as_written() {
    for text in
        ["a@b", "alice.smith@example.org", "bob+tag@tox", "\"a b\"@example.org", "δοκιμή@παράδειγμα.gr"]
    {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn a_tox_id_is_a_local_part_although_it_is_longer_than_64_bytes() {
    let id = "ab".repeat(38);
    assert_eq!(parse(&format!("{id}@tox")).unwrap().local(), id);
    assert_eq!(parse(&format!("{}@tox", "z".repeat(76))), Err(InvalidAddress::LocalTooLong));
}

#[test]
fn tox_internal_means_tox() {
    assert_eq!(parse("Bob@TOX.Internal").unwrap().canonical(), parse("bob@tox").unwrap());
}

#[test]
fn malformed_addresses_are_refused() {
    for text in [
        "",
        "@",
        "a@",
        "@b",
        "a",
        "a b@c",
        ".a@b",
        "a..b@c",
        "a@b..c",
        "a@-b",
        "a\r\n@b",
        "\"a\r\"@b",
        "\"@b",
    ] {
        assert!(parse(text).is_err(), "{text:?} was accepted");
    }
}

proptest! {
    #[test]
    fn whatever_parses_prints_to_itself(text in "\\PC{0,80}") {
        if let Ok(address) = parse(&text) {
            prop_assert_eq!(parse(&address.to_string()).unwrap(), address);
        }
    }
}
