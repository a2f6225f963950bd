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

#[test]
fn a_subaddress_is_left_out_where_there_is_one() {
    for (text, without) in [
        ("anna+shop@tox", "anna@tox"),
        ("anna+@tox", "anna@tox"),
        ("anna+a+b@example.org", "anna@example.org"),
        ("+anna@tox", "+anna@tox"),
        ("a.+b@tox", "a.+b@tox"),
        ("\"a b+c\"@tox", "\"a b\"@tox"),
        ("anna@tox", "anna@tox"),
    ] {
        assert_eq!(parse(text).unwrap().without_detail().to_string(), without);
    }
    assert_eq!(parse("Anna+Shop@Tox.Internal").unwrap().name().to_string(), "anna@tox");
    assert_eq!(parse("Anna+Shop@Example.org").unwrap().name().to_string(), "anna@example.org");
}

#[test]
fn a_domain_that_grows_in_lower_case_is_measured_as_it_is_kept() {
    // U+0130 has two bytes and three in lower case: 62 bytes of label become 93.
    let grown = |count: usize| format!("x@{}.org", "\u{130}".repeat(count));
    assert_eq!(parse(&grown(31)), Err(InvalidAddress::BadDomain));
    let longest = parse(&grown(21)).unwrap();
    assert_eq!(parse(&longest.to_string()), Ok(longest));
    // All labels are short enough; the whole is not.
    let label = "\u{130}".repeat(20);
    let domain = [label.as_str(); 6].join(".");
    assert!(domain.len() < DOMAIN_BYTES);
    assert_eq!(parse(&format!("x@{domain}")), Err(InvalidAddress::DomainTooLong));
}

#[test]
fn a_name_at_tox_is_an_address_in_its_canonical_form_or_none() {
    let at_tox = |count: usize| format!("{}@tox.internal", "\u{130}".repeat(count));
    assert_eq!(parse(&at_tox(32)), Err(InvalidAddress::LocalTooLong));
    let canonical = parse(&at_tox(21)).unwrap().canonical();
    assert_eq!(parse(&canonical.to_string()), Ok(canonical));
    // Elsewhere the local part stays as it came.
    assert!(parse(&format!("{}@example.org", "\u{130}".repeat(32))).is_ok());
}

/// Characters of all Unicode, those that change in length with their case among them.
fn any_text() -> impl Strategy<Value = String> {
    let growing = prop::sample::select(vec![
        '\u{130}', '\u{23A}', '\u{23E}', 'Σ', 'ẞ', '\u{212A}', 'a', '.', '"', '\\',
    ]);
    prop::collection::vec(prop_oneof![growing, any::<char>()], 1..70).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn a_name_and_an_address_without_subaddress_are_addresses(text in "[a-zA-Z0-9.+\"\\\\ é]{1,20}@(tox|Example.org)") {
        if let Ok(address) = parse(&text) {
            for form in [address.without_detail(), address.name(), address.name().name()] {
                prop_assert_eq!(parse(&form.to_string()).unwrap(), form);
            }
            prop_assert_eq!(address.name().name(), address.name());
            prop_assert!(address.belongs_to(&address));
        }
    }

    #[test]
    fn whatever_parses_prints_to_itself(text in "\\PC{0,80}") {
        if let Ok(address) = parse(&text) {
            prop_assert_eq!(parse(&address.to_string()).unwrap(), address);
        }
    }

    #[test]
    fn every_accepted_address_is_accepted_from_its_own_text(local in any_text(), domain in any_text(), quoted: bool, tox: bool) {
        let local = if quoted { format!("\"{local}\"") } else { local };
        let domain = if tox { "TOX".to_owned() } else { domain };
        if let Ok(address) = parse(&format!("{local}@{domain}")) {
            prop_assert_eq!(parse(&address.to_string()), Ok(address.clone()));
            let canonical = address.canonical();
            prop_assert_eq!(parse(&canonical.to_string()), Ok(canonical.clone()));
            prop_assert_eq!(canonical.canonical(), canonical);
            for form in [address.without_detail(), address.name()] {
                prop_assert_eq!(parse(&form.to_string()), Ok(form));
            }
        }
    }
}

#[test]
fn every_single_character_is_kept_or_refused_for_good() {
    for char in (0..=0x10_FFFF).filter_map(char::from_u32) {
        for text in [format!("{char}@{char}"), format!("\"{char}\"@tox"), format!("{char}@tox")] {
            let Ok(address) = parse(&text) else { continue };
            assert_eq!(parse(&address.to_string()).as_ref(), Ok(&address), "{char:?}");
            let canonical = address.canonical();
            assert_eq!(parse(&canonical.to_string()).as_ref(), Ok(&canonical), "{char:?}");
        }
    }
}
