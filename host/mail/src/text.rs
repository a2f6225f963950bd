//! Texts from outside as a person may be shown them: one line, without characters that act on what shows it.

/// Whether a character acts on what shows it instead of being shown: control characters, line and paragraph separators, and
/// the characters that turn the direction of writing (Unicode Standard Annex 9, section 2), with which one text can be made
/// to look like another.
#[must_use]
pub fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A text with a blank in place of each unsafe character, so that it is one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|char| if is_unsafe(char) { ' ' } else { char }).collect()
}

/// The start of a text, at most `bytes` long, ending between two characters.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_turns_the_direction_of_writing_or_begins_a_line() {
        assert_eq!(one_line("gpj.\u{202e}exe\r\nBcc: x\u{2028}y"), "gpj. exe  Bcc: x y");
        assert_eq!(
            one_line("Grüße, \u{5e9}\u{5dc}\u{5d5}\u{5dd} 👩\u{200d}🔬"),
            "Grüße, \u{5e9}\u{5dc}\u{5d5}\u{5dd} 👩\u{200d}🔬"
        );
    }

    proptest! {
        #[test]
        fn a_cleaned_text_is_clean_and_a_cut_one_fits(text in any::<String>(), bytes in 0..40_usize) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(is_unsafe));
            prop_assert_eq!(line.chars().count(), text.chars().count());
            let start = cut(&text, bytes);
            prop_assert!(start.len() <= bytes && text.starts_with(start));
        }
    }
}
