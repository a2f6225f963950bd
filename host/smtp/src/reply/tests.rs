use mail::EnhancedStatus;
use proptest::prelude::*;

use super::*;

fn refusal(status: &str, text: &str) -> Refusal {
    Refusal::new(status.parse::<EnhancedStatus>().unwrap(), text)
}

#[test]
fn the_basic_code_follows_from_the_refusal() {
    for (status, line) in [
        ("5.1.1", "550 5.1.1 no"),
        ("5.7.1", "550 5.7.1 no"),
        ("5.3.4", "552 5.3.4 no"),
        ("5.2.2", "552 5.2.2 no"),
        ("4.3.0", "451 4.3.0 no"),
        ("4.4.3", "451 4.4.3 no"),
        ("4.3.1", "452 4.3.1 no"),
        ("2.0.0", "451 4.3.0 no"),
    ] {
        assert_eq!(Reply::refusal(&refusal(status, "no"), false).as_str(), line);
    }
}

#[test]
fn utf8_needs_smtputf8() {
    let refusal = refusal("5.1.1", "grüße@tox is unknown");
    assert_eq!(Reply::refusal(&refusal, false).as_str(), "550 5.1.1 gr??e@tox is unknown");
    assert_eq!(Reply::refusal(&refusal, true).as_str(), "550 5.1.1 grüße@tox is unknown");
}

#[test]
fn a_login_that_cannot_be_checked_is_class_4() {
    assert_eq!(Reply::cannot_authenticate(&refusal("4.3.0", "busy")).as_str(), "454 4.3.0 busy");
    assert_eq!(Reply::cannot_authenticate(&refusal("5.3.0", "busy")).as_str(), "454 4.7.0 busy");
}

proptest! {
    #[test]
    fn texts_from_outside_stay_one_line(text in "\\PC{0,900}|[\\r\\n\\x00é]{0,900}", utf8: bool) {
        for reply in [Reply::accepted(&text, utf8), Reply::wrong_password(&text), Reply::refusal(&Refusal::permanent(1, 1, &text), utf8)] {
            prop_assert!(reply.as_str().len() <= 510);
            prop_assert!(!reply.as_str().contains(['\r', '\n', '\0']));
            prop_assert!(utf8 || reply.as_str().is_ascii());
        }
    }
}
