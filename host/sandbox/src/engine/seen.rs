//! What a call has read of its state, for calls that give up their turn while they wait for DNS.
//!
//! Others may change the state meanwhile. A call that then writes what it worked out from an old value would undo their
//! change without anybody noticing. So the value must be the one that the call saw last: a compare-and-set that the
//! component need not ask for.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

/// Keys that a call has read or written.
#[derive(Debug, Default)]
pub struct Seen {
    /// In this turn: nobody else can have changed them.
    now: HashSet<String>,
    /// In turns that were given up, and the values as they were then: as digests, for they are large. None where the value
    /// could not be read.
    before: HashMap<String, Option<ValueDigest>>,
}

/// Of a value; none for a key that is not set.
type ValueDigest = Option<[u8; 32]>;

impl Seen {
    /// A key that was read or written.
    pub fn note(&mut self, key: &str) {
        self.before.remove(key);
        self.now.insert(key.to_owned());
    }

    /// The turn is about to be given up. `read` reads a value, or not.
    pub fn turn_ends(&mut self, read: impl Fn(&str) -> Option<Option<Vec<u8>>>) {
        for key in self.now.drain() {
            let value = read(&key).map(|value| digest(value.as_deref()));
            self.before.insert(key, value);
        }
    }

    /// Whether others may have changed a key since it was seen.
    pub fn may_be_old(&self, key: &str) -> bool {
        self.before.contains_key(key)
    }

    /// Whether a value is the one that was seen last.
    pub fn is_as_seen(&self, key: &str, value: Option<&[u8]>) -> bool {
        self.before.get(key).is_none_or(|seen| *seen == Some(digest(value)))
    }
}

fn digest(value: Option<&[u8]>) -> ValueDigest {
    value.map(|value| Sha256::digest(value).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_others_changed_is_told_from_one_that_they_left() {
        let mut seen = Seen::default();
        ["count", "none", "lost"].iter().for_each(|key| seen.note(key));
        assert!(!seen.may_be_old("count"), "nobody else had the state");
        seen.turn_ends(|key| match key {
            "count" => Some(Some(b"1".to_vec())),
            "none" => Some(None),
            _ => None,
        });
        assert!(seen.may_be_old("count") && seen.may_be_old("none") && !seen.may_be_old("unread"));
        assert!(seen.is_as_seen("count", Some(b"1")) && !seen.is_as_seen("count", Some(b"2")));
        assert!(!seen.is_as_seen("count", None) && seen.is_as_seen("none", None));
        assert!(!seen.is_as_seen("lost", None) && !seen.is_as_seen("lost", Some(b"1")));
        seen.note("count");
        assert!(!seen.may_be_old("count"));
        // What was not seen again keeps the value of its own turn.
        seen.turn_ends(|_| Some(Some(b"2".to_vec())));
        assert!(seen.is_as_seen("count", Some(b"2")) && seen.is_as_seen("none", None));
    }
}
