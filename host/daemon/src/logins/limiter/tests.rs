use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Monotonic {
    Monotonic(Duration::from_secs(seconds))
}

fn place(text: &str) -> Place {
    Place::from(text.parse::<IpAddr>().unwrap())
}

fn anna() -> Subject {
    "anna".to_owned()
}

/// The fingerprint of anna's password.
const RIGHT: u64 = u64::MAX;

/// Guesses `times` other passwords at `seconds`, as far as they are looked at; how many were.
fn guess(limiter: &Limiter, subject: &str, from: Place, times: u64, seconds: u64) -> usize {
    let subject = subject.to_owned();
    let looked_at = (0..times).filter(|number| {
        let fingerprint = seconds * 1_000_000 + number;
        let is_admitted = limiter.admit(&subject, from, fingerprint, at(seconds)).is_ok();
        if is_admitted {
            limiter.failed(&subject, from, fingerprint, at(seconds));
        }
        is_admitted
    });
    looked_at.count()
}

#[test]
fn a_place_may_guess_some_times_and_then_waits() {
    let limiter = Limiter::default();
    let stranger = place("192.0.2.1");
    assert_eq!(guess(&limiter, "anna", stranger, 1000, 0), LOGIN_FAILURES_PER_ACCOUNT);
    assert_eq!(limiter.admit(&anna(), stranger, RIGHT, at(60)), Err(LOGIN_WINDOW - Duration::from_secs(60)));
    assert_eq!(limiter.admit(&anna(), stranger, RIGHT, at(600)), Ok(()));
    let a_day = (0..24 * 60).map(|minute| guess(&limiter, "anna", stranger, 1000, 600 + minute * 60));
    assert!(a_day.sum::<usize>() <= 1440 + LOGIN_FAILURES_PER_ACCOUNT);
}

#[test]
fn other_places_and_other_accounts_are_not_held_up_by_a_guesser() {
    let limiter = Limiter::default();
    guess(&limiter, "anna", place("192.0.2.1"), 1000, 0);
    assert_eq!(limiter.admit(&anna(), place("192.0.2.2"), RIGHT, at(1)), Ok(()));
    assert_eq!(limiter.delay(&anna(), place("192.0.2.2"), at(1)), Duration::ZERO);
    assert_eq!(limiter.admit(&"ben".to_owned(), place("192.0.2.1"), RIGHT, at(1)), Ok(()));
}

#[test]
fn a_place_that_tries_name_after_name_waits_too_but_not_who_is_at_home_there() {
    let limiter = Limiter::default();
    let shared = place("192.0.2.1");
    limiter.succeeded(&anna(), shared, RIGHT, at(0));
    let tried: usize = (0..100).map(|number| guess(&limiter, &format!("name{number}"), shared, 5, 1)).sum();
    assert_eq!(tried, LOGIN_FAILURES_PER_PLACE);
    assert!(limiter.admit(&"ben".to_owned(), shared, RIGHT, at(2)).is_err());
    assert_eq!(limiter.admit(&anna(), shared, RIGHT, at(2)), Ok(()));
}

#[test]
fn many_places_that_guess_together_are_slow_and_the_owner_gets_in_from_everywhere() {
    let limiter = Limiter::default();
    let (home, elsewhere) = (place("198.51.100.1"), place("203.0.113.7"));
    limiter.succeeded(&anna(), home, RIGHT, at(0));
    for number in 0..=255 {
        guess(&limiter, "anna", place(&format!("192.0.2.{number}")), 100, 1);
    }
    assert_eq!(limiter.delay(&anna(), home, at(2)), Duration::ZERO);
    assert_eq!(limiter.admit(&anna(), home, RIGHT, at(2)), Ok(()));
    assert_eq!(limiter.delay(&anna(), elsewhere, at(2)), LOGIN_DELAY);
    assert_eq!(limiter.admit(&anna(), elsewhere, RIGHT, at(2)), Ok(()));
    assert_eq!(limiter.delay(&anna(), elsewhere, at(1 + LOGIN_WINDOW.as_secs())), Duration::ZERO);
}

#[test]
fn a_mail_program_with_an_old_password_counts_once() {
    let limiter = Limiter::default();
    let home = place("198.51.100.1");
    for minute in 0..1000 {
        assert_eq!(limiter.admit(&anna(), home, RIGHT, at(minute * 6)), Ok(()));
        limiter.failed(&anna(), home, 7, at(minute * 6));
    }
}

#[test]
fn success_forgives() {
    let limiter = Limiter::default();
    let home = place("198.51.100.1");
    for round in 0..100 {
        assert_eq!(guess(&limiter, "anna", home, 9, round), 9);
        limiter.succeeded(&anna(), home, RIGHT, at(round));
    }
}

#[test]
fn who_is_at_home_gets_in_at_once_though_somebody_there_guesses() {
    let limiter = Limiter::default();
    let home = place("198.51.100.1");
    limiter.succeeded(&anna(), home, RIGHT, at(0));
    assert_eq!(guess(&limiter, "anna", home, 50, 1), LOGIN_FAILURES_PER_ACCOUNT);
    for second in 2..12 {
        assert_eq!(limiter.admit(&anna(), home, RIGHT, at(second)), Ok(()));
        limiter.succeeded(&anna(), home, RIGHT, at(second));
        assert_eq!(guess(&limiter, "anna", home, 1, second), 0, "her mail program wins the guesser nothing");
    }
    // A password that never was right there waits, and so does she elsewhere in the house, who never logged in.
    assert!(limiter.admit(&anna(), home, RIGHT - 1, at(12)).is_err());
    guess(&limiter, "ben", home, 50, 12);
    assert!(limiter.admit(&"ben".to_owned(), home, RIGHT, at(12)).is_err());
}

#[test]
fn guesses_at_home_have_a_bound_too() {
    let limiter = Limiter::default();
    let home = place("198.51.100.1");
    limiter.succeeded(&anna(), home, RIGHT, at(0));
    assert_eq!(guess(&limiter, "anna", home, 10_000, 1), LOGIN_FAILURES_PER_ACCOUNT);
    assert!(limiter.admit(&anna(), home, RIGHT, at(2)).is_err(), "none more is compared");
    // An old telephone uses nothing up.
    let window = LOGIN_WINDOW.as_secs();
    assert_eq!(guess(&limiter, "anna", home, 10, 1 + window), LOGIN_FAILURES_PER_ACCOUNT);
    let old = (1 + window) * 1_000_000 + 9;
    for _ in 0..10_000 {
        assert!(limiter.admit(&anna(), home, old, at(2 + window)).is_err());
    }
    assert_eq!(limiter.admit(&anna(), home, RIGHT, at(3 + window)), Ok(()));
}

#[test]
fn an_ipv6_network_is_one_place_and_a_mapped_address_is_its_ipv4_address() {
    assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff::9"));
    assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
    assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
    assert_ne!(place("192.0.2.2"), place("192.0.2.1"));
}

#[test]
fn what_is_remembered_has_a_bound() {
    let limiter = Limiter::default();
    for number in 0..u32::try_from(LOGIN_PLACES).unwrap() + 500 {
        let from = Place::from(IpAddr::from(number.to_be_bytes()));
        let subject = format!("name{number}");
        limiter.failed(&subject, from, u64::from(number), at(u64::from(number) / 1000));
        limiter.succeeded(&format!("known{number}"), from, RIGHT, at(u64::from(number)));
    }
    let memory = limiter.memory();
    assert!(memory.pairs.len() <= LOGIN_PLACES && memory.places.len() <= LOGIN_PLACES);
    assert!(memory.subjects.len() <= LOGIN_PLACES && memory.known.len() <= LOGIN_KNOWN_PLACES);
    assert!(memory.places.contains_key(&Place::from(IpAddr::from(
        (u32::try_from(LOGIN_PLACES).unwrap() + 499).to_be_bytes()
    ))));
}

proptest! {
    /// Whatever strangers do, who logged in from a place before and mistypes there less than the bound is looked at at once.
    #[test]
    fn who_is_at_home_is_never_held_up_by_others(
        guesses in proptest::collection::vec((0_u8..4, 1_u8..255, 0_u64..600), 0..300),
    ) {
        let limiter = Limiter::default();
        let home = place("198.51.100.1");
        limiter.succeeded(&anna(), home, RIGHT, at(0));
        let mut guesses = guesses;
        guesses.sort_by_key(|(.., when)| *when);
        for (number, (name, from, when)) in guesses.into_iter().enumerate() {
            let from = if name == 0 { place(&format!("192.0.2.{from}")) } else { home };
            let name = if name == 0 { anna() } else { format!("name{name}") };
            if limiter.admit(&name, from, number as u64, at(when)).is_ok() {
                limiter.failed(&name, from, number as u64, at(when));
            }
            prop_assert_eq!(limiter.admit(&anna(), home, RIGHT, at(when)), Ok(()));
            prop_assert_eq!(limiter.delay(&anna(), home, at(when)), Duration::ZERO);
        }
    }
}
