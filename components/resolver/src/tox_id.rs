//! Tox IDs as text (Tox specification, "Tox ID"): key, nospam and checksum.

/// Hex digits of a full Tox ID.
pub const ID_DIGITS: usize = 76;

/// Hex digits of a public key.
pub const KEY_DIGITS: usize = 64;

/// Whether the checksum at the end of a Tox ID fits: the exclusive or over its pairs of bytes is zero then.
pub fn is_valid(id: &str) -> bool {
    let Some(bytes) = bytes(id) else { return false };
    let sum = bytes.chunks_exact(2).fold([0, 0], |sum, pair| [sum[0] ^ pair[0], sum[1] ^ pair[1]]);
    bytes.len() == ID_DIGITS / 2 && sum == [0, 0]
}

/// Whether the text is made of hex digits alone.
pub fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !is_hex(text) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A public ID from the Tox wiki.
    pub const ID: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";

    #[test]
    fn a_real_id_is_valid() {
        assert!(is_valid(ID));
        assert!(is_valid(&ID.to_lowercase()));
    }

    #[test]
    fn a_wrong_digit_or_length_is_noticed() {
        assert!(!is_valid(&ID.replace("56A1", "56A2")));
        assert!(!is_valid(&ID[..74]));
        assert!(!is_valid(""));
        assert!(!is_valid("é"));
    }
}
