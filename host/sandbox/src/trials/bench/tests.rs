use super::*;

#[test]
fn the_conformance_cases_are_valid() {
    for slot in Slot::ALL {
        let case = conformance_cases(slot).unwrap();
        assert!(case.calls.len() > 2);
        assert!(case.calls.iter().all(|call| call.ask.slot() == slot));
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    let wrong = |text: &str| Case::parse(text, "wrong", None).unwrap_err().to_string();
    let error = wrong("about = \"x\"\n[[call]]\nask = { next-attempt = { atempts = 3 } }");
    assert!(error.contains("line 3") && error.contains("atempts"), "{error}");
    assert!(wrong("[[call]]\nask = { guess = {} }").contains("unknown variant `guess`"));
    assert!(wrong("call = []").contains("1 to"));
    assert!(wrong("now = 2026-11-22\n[[call]]\nask = { select = {} }").contains("2026-11-22T23:30:00Z"));
}

proptest::proptest! {
    #[test]
    fn no_text_brings_the_parser_down(text in ".{0,200}") {
        let _ = Case::parse(&text, "any", None);
    }
}
