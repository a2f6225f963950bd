use proptest::prelude::*;

use super::*;

#[test]
fn plain_has_three_parts() {
    let read = |text: &str| {
        Credentials::from_plain(text.as_bytes())
            .map(|found| (found.acts_as.clone(), found.login.clone(), found.password.to_string()))
    };
    let expected =
        |acts_as: Option<&str>| Ok((acts_as.map(str::to_owned), "ann".to_owned(), "secret".to_owned()));
    assert_eq!(read("\0ann\0secret"), expected(None));
    assert_eq!(read("ann\0ann\0secret"), expected(Some("ann")));
    assert_eq!(read("Ann@tox\0ann\0secret"), expected(Some("Ann@tox")));
    for broken in ["", "ann", "\0ann", "\0ann\0", "\0\0secret", "\0ann\0secret\0", "\0ann\0sec\0ret"] {
        assert_eq!(read(broken), Err(InvalidPlain::Form), "{broken:?}");
    }
    assert_eq!(Credentials::from_plain(b"\0ann\0\xff").unwrap_err(), InvalidPlain::Form);
}

#[test]
fn debug_output_has_no_password() {
    let credentials = Credentials::from_plain(b"\0ann\0secret").unwrap();
    assert!(!format!("{credentials:?}").contains("secret"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        if let Ok(credentials) = Credentials::from_plain(&bytes) {
            prop_assert!(!credentials.login.is_empty() && !credentials.password.is_empty());
        }
    }
}
