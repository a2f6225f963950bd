use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn one_line_is_one_bounded_line(text in "\\PC{0,300}|[\\r\\n\\x00é]{0,300}", bytes in 0_usize..300) {
        let line = one_line(&text, bytes);
        prop_assert!(line.len() <= bytes);
        prop_assert!(!line.chars().any(mail::text::is_unsafe));
    }

    #[test]
    fn a_refusal_is_checked_or_nonsense(status in "[0-9.]{0,8}", text in "\\PC{0,500}") {
        let checked = refusal(&types::Refusal { status: status.clone(), text }, &[4, 5]);
        if let Ok(checked) = checked {
            prop_assert!(matches!(checked.status.class(), 4 | 5));
            prop_assert_eq!(checked.status.to_string().parse::<EnhancedStatus>(), Ok(checked.status));
        }
    }
}

#[test]
fn attributes_are_bounded() {
    let one = || ("name".to_owned(), "value".to_owned());
    assert!(attributes(vec![one(); 5], 5).is_ok());
    assert!(attributes(vec![one(); 6], 5).is_err());
    assert!(attributes(vec![("name".into(), "v".repeat(ATTRIBUTE_VALUE_BYTES + 1))], 5).is_err());
}
