//! A password in a file or on standard input: its first line.

/// A byte order mark in UTF-8. Editors put it at the start of a file; it is not part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The password in a file with these bytes: its first line.
pub fn password_in(bytes: &[u8]) -> &[u8] {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_mark_and_line_end() {
        for file in [
            "correct horse",
            "correct horse\n",
            "correct horse\r\n",
            "correct horse\nsecond line\n",
            "\u{feff}correct horse",
            "\u{feff}correct horse\r\n",
        ] {
            assert_eq!(password_in(file.as_bytes()), b"correct horse", "{file:?}");
        }
        assert_eq!(password_in("a\u{feff}b\n".as_bytes()), "a\u{feff}b".as_bytes());
        assert_eq!(password_in(" spaces stay \n".as_bytes()), b" spaces stay ");
        assert!(password_in(b"").is_empty() && password_in(b"\n").is_empty());
    }
}
