//! Encoded words (RFC 2047): text that is not ASCII inside a header field.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text in one encoded word: 60 characters of base64 and 12 of frame stay under the 75 of
/// RFC 2047 section 2.
const TEXT_BYTES: usize = 45;

/// `text` as encoded words in UTF-8 and base64, each of whole characters.
pub(super) fn encoded_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut piece = String::with_capacity(TEXT_BYTES);
    for char in text.chars() {
        if piece.len() + char.len_utf8() > TEXT_BYTES {
            words.push(encoded_word(&piece));
            piece.clear();
        }
        piece.push(char);
    }
    if !piece.is_empty() {
        words.push(encoded_word(&piece));
    }
    words
}

fn encoded_word(piece: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(piece))
}
