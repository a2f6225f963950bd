use super::*;

const DAY: u64 = 24 * 3600;

fn mail() -> WaitingMail {
    WaitingMail {
        size: 4000,
        cells: 1,
        remaining: 20 * DAY,
        recipient_is_contact: true,
        reposted: false,
        attributes: vec![],
    }
}

fn relay(key: &str, owner: &str) -> Relay {
    Relay {
        key: key.to_owned(),
        owner: Some(owner.to_owned()),
        served_here: false,
        read_by_recipient: true,
        chosen_by_user: true,
        receipts: 10,
        failures: 0,
        last_failure: None,
        fill: 10,
        tokens: 5,
        attributes: vec![],
    }
}

fn keys(plan: &Plan) -> Vec<&str> {
    plan.choices.iter().map(|choice| choice.key.as_str()).collect()
}

#[test]
fn copies_are_spread_over_owners() {
    let relays = [relay("A1", "anna"), relay("A2", "anna"), relay("B", "ben"), relay("C", "cleo")];
    let plan = plan(&mail(), &relays, 3, 300);
    assert_eq!(keys(&plan), ["A1", "B", "C"]);
    assert_eq!((plan.enough, plan.ttl_days), (2, 14));
    assert!(plan.choices.iter().all(|choice| matches!(choice.identity, Identity::Throwaway)));
}

#[test]
fn one_owner_is_better_than_one_copy() {
    let relays = [relay("A1", "anna"), relay("A2", "anna")];
    assert_eq!(keys(&plan(&mail(), &relays, 3, 300)), ["A1", "A2"]);
}

#[test]
fn a_good_record_comes_first_and_a_new_board_before_a_bad_one() {
    let good = relay("GOOD", "a");
    let new = Relay { receipts: 0, ..relay("NEW", "b") };
    let bad = Relay { receipts: 1, failures: 9, last_failure: Some(DAY), ..relay("BAD", "c") };
    assert_eq!(keys(&plan(&mail(), &[bad, new, good], 3, 300)), ["GOOD", "NEW", "BAD"]);
}

#[test]
fn a_board_rests_after_a_failure_and_a_bad_one_longer() {
    let hour_ago = Some(3600);
    let mostly_good = Relay { failures: 1, last_failure: hour_ago, ..relay("GOOD", "a") };
    let mostly_bad = Relay { failures: 30, last_failure: hour_ago, ..relay("BAD", "b") };
    let just_failed = Relay { failures: 1, last_failure: Some(5), ..relay("NOW", "c") };
    assert_eq!(keys(&plan(&mail(), &[mostly_bad, just_failed, mostly_good], 3, 300)), ["GOOD"]);
}

#[test]
fn boards_that_are_full_or_unread_are_of_no_use() {
    let full = Relay { fill: 99, ..relay("FULL", "a") };
    let unread = Relay { read_by_recipient: false, ..relay("UNREAD", "b") };
    let plan = plan(&mail(), &[full, unread], 3, 300);
    assert!(plan.choices.is_empty());
    assert_eq!(plan.enough, 0);
}

#[test]
fn at_first_contact_the_boards_the_user_chose_are_tried() {
    let first = WaitingMail { attributes: vec![("mailbox-record".to_owned(), "none".to_owned())], ..mail() };
    let known = WaitingMail { attributes: vec![("mailbox-record".to_owned(), "known".to_owned())], ..mail() };
    let ours = Relay { read_by_recipient: false, ..relay("OURS", "a") };
    let theirs = Relay { chosen_by_user: false, ..relay("THEIRS", "b") };
    assert_eq!(keys(&plan(&first, &[ours.clone(), theirs.clone()], 3, 300)), ["OURS"]);
    assert_eq!(keys(&plan(&known, &[ours, theirs], 3, 300)), ["THEIRS"]);
}

#[test]
fn a_mail_too_large_or_too_near_its_end_waits_in_the_outbox() {
    let relays = [relay("A", "anna")];
    let large = WaitingMail { cells: 65, ..mail() };
    let ending = WaitingMail { remaining: 3600, ..mail() };
    assert!(plan(&large, &relays, 3, 300).choices.is_empty());
    assert!(plan(&ending, &relays, 3, 300).choices.is_empty());
}

#[test]
fn the_own_identity_is_shown_to_the_own_relay_alone() {
    let own = Relay { served_here: true, ..relay("OWN", "1122334455667788") };
    let plan = plan(&mail(), &[own, relay("OTHER", "a")], 3, 300);
    let identities: Vec<bool> =
        plan.choices.iter().map(|choice| matches!(choice.identity, Identity::Account)).collect();
    assert_eq!((keys(&plan), identities), (vec!["OWN", "OTHER"], vec![true, false]));
}

#[test]
fn boards_with_the_same_mark_are_one_owners_and_those_without_are_not() {
    // Marks as they come with addresses and mailbox records.
    let marked = |key| relay(key, "AB00000000000001");
    let unknown = |key| Relay { owner: None, ..relay(key, "") };
    let relays = [marked("A1"), marked("A2"), unknown("B"), unknown("C")];
    assert_eq!(keys(&plan(&mail(), &relays, 3, 300)), ["A1", "B", "C"]);
    assert_eq!(keys(&plan(&mail(), &relays, 4, 300)), ["A1", "B", "C", "A2"]);
}
