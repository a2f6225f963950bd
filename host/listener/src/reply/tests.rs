use proptest::prelude::*;

use super::*;

crate::replies! {
    /// A reply of the tests.
    pub(crate) struct Reply;
    FINE = "+ fine";
}

#[test]
fn a_reply_is_written_with_its_line_end() {
    let mut output = BytesMut::from("before\r\n");
    Reply::FINE.write(&mut output);
    Reply(one_line("- bad".into(), false)).write(&mut output);
    assert_eq!(Reply::FINE.as_str(), "+ fine");
    assert_eq!(output, "before\r\n+ fine\r\n- bad\r\n");
}

#[test]
fn what_does_not_fit_is_replaced_or_cut_between_characters() {
    assert_eq!(one_line("grüße\r\nbye\0".into(), false), "gr??e??bye?");
    assert_eq!(one_line("grüße\r\nbye\0".into(), true), "grüße??bye?");
    let odd = format!("x{}", "é".repeat(REPLY_BYTES));
    assert_eq!(one_line(odd.clone(), true), odd[..REPLY_BYTES - 1]);
    assert_eq!(one_line(odd, false).len(), REPLY_BYTES);
}

proptest! {
    #[test]
    fn texts_from_outside_stay_one_line(text in "\\PC{0,900}|[\\r\\n\\x00é]{0,900}", utf8: bool) {
        let line = one_line(text.clone(), utf8);
        prop_assert!(line.len() <= REPLY_BYTES);
        prop_assert!(!line.contains(|char: char| char.is_control()));
        prop_assert!(utf8 || line.is_ascii());
        let is_clean = |char: char| !char.is_control() && (utf8 || char.is_ascii());
        prop_assert!(text.len() > REPLY_BYTES || !text.chars().all(is_clean) || line == text);
    }
}
