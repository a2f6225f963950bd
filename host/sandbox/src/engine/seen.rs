//! What a call has read of its state, for calls that give up their turn while they wait for DNS.
//!
//! Others may change the state meanwhile. A call that then writes what it worked out from an old value would undo their
//! change without anybody noticing. So the value must be the one that the call saw last: a compare-and-set that the
//! component need not ask for.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// Values as the call saw them last, by key: read, or written by itself. Values are kept as digests: they are large.
#[derive(Debug, Default)]
pub struct Seen {
    values: HashMap<String, Option<[u8; 32]>>,
    others_had_it: bool,
}

impl Seen {
    /// A value that was read or written; none for a key that is not set.
    pub fn note(&mut self, key: &str, value: Option<&[u8]>) {
        self.values.insert(key.to_owned(), value.map(digest));
    }

    /// The turn was given up: others may have changed what was seen.
    pub fn others_have_it(&mut self) {
        self.others_had_it = true;
    }

    /// Whether the value of a key has to be looked at before it is written.
    pub fn may_be_old(&self, key: &str) -> bool {
        self.others_had_it && self.values.contains_key(key)
    }

    /// Whether a value is the one that was seen last.
    pub fn is_as_seen(&self, key: &str, value: Option<&[u8]>) -> bool {
        self.values.get(key).is_none_or(|seen| *seen == value.map(digest))
    }
}

fn digest(value: &[u8]) -> [u8; 32] {
    Sha256::digest(value).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_others_changed_is_told_from_one_that_they_left() {
        let mut seen = Seen::default();
        seen.note("count", Some(b"1"));
        seen.note("none", None);
        assert!(!seen.may_be_old("count"), "nobody else had the state");
        seen.others_have_it();
        assert!(seen.may_be_old("count") && seen.may_be_old("none") && !seen.may_be_old("unread"));
        assert!(seen.is_as_seen("count", Some(b"1")) && !seen.is_as_seen("count", Some(b"2")));
        assert!(!seen.is_as_seen("count", None) && seen.is_as_seen("none", None));
        seen.note("count", Some(b"2"));
        assert!(seen.is_as_seen("count", Some(b"2")));
    }
}
