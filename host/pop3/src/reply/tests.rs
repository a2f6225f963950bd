use proptest::prelude::*;

use super::*;

#[test]
fn errors_have_their_response_codes() {
    let opened = |error| Reply::not_opened(&error, false).as_str().to_owned();
    assert_eq!(opened(OpenError::InvalidCredentials("no".into())), "-ERR [AUTH] no");
    assert!(opened(OpenError::InUse).starts_with("-ERR [IN-USE] "));
    assert_eq!(opened(OpenError::Temporary("later".into())), "-ERR [SYS/TEMP] later");
    let failed = |error| Reply::failed("bad", &error, false).as_str().to_owned();
    assert_eq!(failed(MaildropError::Temporary("later".into())), "-ERR [SYS/TEMP] bad: later");
    assert_eq!(failed(MaildropError::Permanent("never".into())), "-ERR [SYS/PERM] bad: never");
}

#[test]
fn utf8_needs_the_command() {
    let error = OpenError::Temporary("spät".into());
    assert_eq!(Reply::not_opened(&error, false).as_str(), "-ERR [SYS/TEMP] sp?t");
    assert_eq!(Reply::not_opened(&error, true).as_str(), "-ERR [SYS/TEMP] spät");
}

proptest! {
    #[test]
    fn texts_from_outside_stay_one_line(text in "\\PC{0,900}|[\\r\\n\\x00é]{0,900}", utf8: bool) {
        let reply = Reply::not_opened(&OpenError::Temporary(text), utf8);
        prop_assert!(reply.as_str().len() <= 510);
        prop_assert!(!reply.as_str().contains(['\r', '\n', '\0']));
        prop_assert!(utf8 || reply.as_str().is_ascii());
    }
}
