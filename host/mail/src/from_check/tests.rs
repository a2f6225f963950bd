use super::*;
use crate::header::facts;
use crate::tox_id::Nospam;

const KEY: PublicKey = PublicKey([0xA1; 32]);

fn result(header: &str) -> FromCheck {
    let allowed = ["ally@tox".parse().unwrap(), "alice@example.org".parse().unwrap()];
    check(&facts(format!("{header}\r\n\r\n").as_bytes()), KEY, &allowed)
}

#[test]
fn the_key_itself_is_allowed_in_every_spelling() {
    let id = ToxId { key: KEY, nospam: Nospam([9; 4]) };
    assert_eq!(result(&format!("From: <{KEY}@tox>")), FromCheck::Pass);
    assert_eq!(result(&format!("From: <{id}@tox.internal>")), FromCheck::Pass);
    assert_eq!(result(&format!("From: <{}@TOX>", id.to_string().to_lowercase())), FromCheck::Pass);
    assert_eq!(result(&format!("From: <{KEY}@example.org>")), FromCheck::Fail);
    assert_eq!(result(&format!("From: <{}@tox>", PublicKey([0xA2; 32]))), FromCheck::Fail);
}

#[test]
fn told_names_and_the_alias_are_allowed_and_others_are_not() {
    assert_eq!(result("From: Ally <ALLY@tox.internal>"), FromCheck::Pass);
    assert_eq!(result("From: alice@EXAMPLE.org, ally@tox"), FromCheck::Pass);
    assert_eq!(result("From: Alice@example.org"), FromCheck::Fail);
    assert_eq!(result("From: alice@example.org, bob@tox"), FromCheck::Fail);
    assert_eq!(result("From: \"ally@tox\" <bob@tox>"), FromCheck::Fail);
}

#[test]
fn what_programs_could_show_differently_never_passes() {
    assert_eq!(result("From: ally@tox\r\nFrom: ally@tox"), FromCheck::Unclear);
    assert_eq!(result("From: ally@tox, nonsense"), FromCheck::Unclear);
    assert_eq!(result("To: ally@tox"), FromCheck::None);
}

#[test]
fn a_subaddress_of_an_allowed_address_is_allowed() {
    assert_eq!(result("From: ally+news@tox"), FromCheck::Pass);
    assert_eq!(result("From: alice+news@example.org"), FromCheck::Pass);
    assert_eq!(result("From: +ally@tox"), FromCheck::Fail);
    assert_eq!(result("From: bob+ally@tox"), FromCheck::Fail);
    let only = ["alice+news@example.org".parse().unwrap()];
    let check = |from: &str| check(&facts(format!("From: {from}\r\n\r\n").as_bytes()), KEY, &only);
    assert_eq!(check("alice+news@example.org"), FromCheck::Pass);
    assert_eq!(check("alice@example.org"), FromCheck::Fail);
    assert_eq!(check("alice+other@example.org"), FromCheck::Fail);
}
