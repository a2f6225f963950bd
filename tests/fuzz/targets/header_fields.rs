#![no_main]
//! Header fields we write from what others sent: one field each, in short lines, whatever the value.

use libfuzzer_sys::fuzz_target;
use mail::Refusal;
use mail::header::{FieldName, Fields};

fn assert_one_field(fields: &Fields) {
    fuzz::assert_lines(fields.as_bytes(), 998);
    for line in fields.as_bytes().split_inclusive(|byte| *byte == b'\n').skip(1) {
        assert!(line.starts_with(b" "), "a second field");
        assert!(!line.trim_ascii().is_empty(), "a blank line");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut fields = Fields::new();
    fields.text(FieldName::SUBJECT, &text);
    assert_one_field(&fields);
    assert!(fields.as_bytes().is_ascii());
    let mut fields = Fields::new();
    fields.words(FieldName::RECEIVED, text.split(';'));
    assert_one_field(&fields);
    let name = text.get(..8).unwrap_or(&text);
    if let Some(name) = FieldName::new(name) {
        let mut fields = Fields::new();
        fields.text(name, &text);
        assert_one_field(&fields);
    }
    let refusal = Refusal::permanent(7, 1, &text);
    assert!(!refusal.text().chars().any(char::is_control));
    assert!(refusal.text().len() <= mail::limits::REFUSAL_TEXT_BYTES);
});
