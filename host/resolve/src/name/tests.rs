use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_text_is_a_bounded_name_or_refused(text in "\\PC{0,300}|([a-zA-Z0-9_-]{0,70}\\.){0,8}[a-zéü]{0,10}\\.?") {
        if let Ok(name) = text.parse::<DnsName>() {
            let ascii = name.to_string();
            prop_assert!(ascii.is_ascii() && ascii.ends_with('.') && ascii.len() <= NAME_BYTES + 1);
            prop_assert_eq!(ascii.parse::<DnsName>(), Ok(name));
        }
    }
}

#[test]
fn names_are_fully_qualified_and_without_case() {
    let name: DnsName = "Anna._tox.Example.ORG".parse().unwrap();
    assert_eq!(name.to_string(), "anna._tox.example.org.");
    assert_eq!("anna._tox.example.org.".parse(), Ok(name));
}

#[test]
fn other_scripts_become_ascii() {
    let name: DnsName = "bücher.example".parse().unwrap();
    assert_eq!(name.to_string(), "xn--bcher-kva.example.");
}

#[test]
fn what_dns_cannot_carry_is_refused() {
    let label = "a".repeat(64);
    let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".");
    for (text, error) in [
        ("", InvalidName::EmptyLabel),
        (".", InvalidName::EmptyLabel),
        ("a..b", InvalidName::EmptyLabel),
        ("a b.c", InvalidName::Character),
        ("a\\046b.c", InvalidName::Character),
        ("*.c", InvalidName::Character),
        ("a\0.c", InvalidName::Character),
        (label.as_str(), InvalidName::TooLong),
        (long.as_str(), InvalidName::TooLong),
    ] {
        assert_eq!(text.parse::<DnsName>(), Err(error), "{text}");
    }
}
