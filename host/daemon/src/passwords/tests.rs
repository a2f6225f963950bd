use proptest::prelude::*;

use super::*;

async fn verify(passwords: &Passwords, stored: Option<&str>, password: &str) -> Verdict {
    passwords.turn().await.unwrap().verify(stored, password).await
}

#[tokio::test]
async fn a_generated_password_opens_and_another_does_not() {
    let made = generate().unwrap();
    let stored = hash_generated(&made).unwrap();
    assert_eq!(made.len(), 26);
    assert!(Passwords::is_generated(&stored, &made));
    assert!(Passwords::is_generated(&stored, &format!("\u{feff}{}", *made)));
    assert!(!Passwords::is_generated(&stored, ""));
    assert!(!Passwords::is_generated(&stored, &generate().unwrap()));
    assert!(!stored.contains(made.as_str()));
    // The slow way never says yes to one.
    assert_eq!(verify(&Passwords::new(), Some(&stored), "wrong").await, Verdict::Wrong);
    assert_eq!(verify(&Passwords::new(), None, &made).await, Verdict::Wrong);
}

#[tokio::test]
async fn a_chosen_password_opens_and_another_does_not() {
    let passwords = Passwords::new();
    let stored = passwords.hash_chosen("correct horse").await.unwrap();
    assert!(stored.starts_with("$argon2id$"));
    assert_eq!(verify(&passwords, Some(&stored), "correct horse").await, Verdict::Right);
    assert_eq!(verify(&passwords, Some(&stored), "correct horsf").await, Verdict::Wrong);
    assert!(!Passwords::is_generated(&stored, "correct horse"));
}

#[tokio::test]
async fn one_password_typed_on_two_machines_is_one() {
    let passwords = Passwords::new();
    // é as one character and as two; spaces of other scripts.
    for (one, other) in [
        ("caf\u{e9} noir", "cafe\u{301} noir"),
        ("\u{c5}ngstr\u{f6}m 8", "A\u{30a}ngstro\u{308}m 8"),
        ("caf\u{e9} noir", "caf\u{e9}\u{a0}noir"),
        ("caf\u{e9} noir", "\u{feff}caf\u{e9} noir"),
        ("ab cd ef gh", "ab\u{3000}cd\u{2009}ef\u{202f}gh"),
    ] {
        let stored = passwords.hash_chosen(one).await.unwrap();
        assert_eq!(verify(&passwords, Some(&stored), other).await, Verdict::Right, "{one}");
        let stored = passwords.hash_chosen(other).await.unwrap();
        assert_eq!(verify(&passwords, Some(&stored), one).await, Verdict::Right, "{other}");
    }
    // Upper and lower case, and what only looks alike, stay different (RFC 8265 section 4.2.2).
    let stored = passwords.hash_chosen("stra\u{df}e 12 \u{fb01}").await.unwrap();
    for other in ["STRASSE 12 \u{fb01}", "stra\u{df}e 12 fi", "Stra\u{df}e 12 \u{fb01}"] {
        assert_eq!(verify(&passwords, Some(&stored), other).await, Verdict::Wrong, "{other}");
    }
}

#[tokio::test]
async fn a_hash_of_before_passwords_were_prepared_holds_and_is_known_as_one() {
    let passwords = Passwords::new();
    let typed = "cafe\u{301} noir";
    let stored = Argon2::default().hash_password(typed.as_bytes()).unwrap().to_string();
    assert_eq!(verify(&passwords, Some(&stored), typed).await, Verdict::RightInOldForm);
    assert_eq!(verify(&passwords, Some(&stored), "caf\u{e9} noir!").await, Verdict::Wrong);
    let stored = Argon2::default().hash_password(b"plain old one").unwrap().to_string();
    assert_eq!(verify(&passwords, Some(&stored), "plain old one").await, Verdict::Right);
}

#[tokio::test]
async fn short_and_endless_passwords_and_control_characters_are_refused() {
    let passwords = Passwords::new();
    assert_eq!(passwords.hash_chosen("1234567").await, Err(PasswordError::TooShort));
    assert_eq!(passwords.hash_chosen(&"x".repeat(PASSWORD_BYTES + 1)).await, Err(PasswordError::TooLong));
    assert_eq!(passwords.hash_chosen("12345678\n").await, Err(PasswordError::Control));
    let longest = "x".repeat(PASSWORD_BYTES);
    let stored = passwords.hash_chosen(&longest).await.unwrap();
    assert_eq!(verify(&passwords, Some(&stored), &longest).await, Verdict::Right);
    assert_eq!(verify(&passwords, Some(&stored), &format!("{longest}x")).await, Verdict::Wrong);
}

#[tokio::test]
async fn a_damaged_stored_form_opens_for_nobody() {
    for stored in ["", "$generated$", "$generated$a$b", "$argon2id$", "plain"] {
        assert_eq!(verify(&Passwords::new(), Some(stored), "plain").await, Verdict::Wrong, "{stored}");
        assert!(!Passwords::is_generated(stored, "plain"), "{stored}");
    }
}

proptest! {
    #[test]
    fn to_prepare_twice_is_to_prepare_once(password: String) {
        let once = prepared(&password);
        prop_assert!(once.len() <= password.len() * LONGEST_NFC);
        // But for a mark behind the mark.
        prop_assume!(!once.starts_with('\u{feff}'));
        prop_assert_eq!(&prepared(&once), &once);
    }
}
