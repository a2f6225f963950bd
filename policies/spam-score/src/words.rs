//! The words of a mail, as numbers of counters.

use std::collections::BTreeSet;

use super::bindings::toxmail::gateway::message::Message;
use super::counts::BUCKETS;

/// Bytes of each text part that are looked at: spam says what it wants early.
const TEXT_BYTES: u32 = 16 << 10;

/// Text parts that are looked at.
const PARTS: usize = 4;

/// The words of subject, sender and text.
pub fn of(mail: &Message) -> BTreeSet<usize> {
    let mut words = BTreeSet::new();
    for name in ["Subject", "From"] {
        for value in mail.header(name) {
            add(&mut words, &value);
        }
    }
    let parts = mail.parts().unwrap_or_default();
    for part in parts.iter().filter(|part| part.content_type.starts_with("text/")).take(PARTS) {
        if let Ok(text) = mail.text(part.index, 0, TEXT_BYTES) {
            add(&mut words, &text);
        }
    }
    words
}

fn add(words: &mut BTreeSet<usize>, text: &str) {
    for word in text.split(|char: char| !char.is_alphanumeric()) {
        if (3..=20).contains(&word.chars().count()) {
            words.insert(bucket(&word.to_lowercase()));
        }
    }
}

/// FNV-1a: short, and the same on every machine.
fn bucket(word: &str) -> usize {
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % BUCKETS as u64) as usize
}
