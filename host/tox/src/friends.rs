//! The friends in saved data: whom another Tox program knew.
//!
//! Each stands in 2 216 bytes (Tox specification, appendix "State Format", section "Friends"): status, key, the text and length of
//! a request, name and its length, status message and its length, and more.

use mail::{Nospam, PublicKey, ToxId};

/// Bytes of one friend.
const FRIEND_BYTES: usize = 2216;
/// Longest text of a request that is kept.
const REQUEST_BYTES: usize = 1024;
/// Room for a name.
const NAME_BYTES: usize = 128;
/// Room for a status message.
const STATUS_BYTES: usize = 1007;
/// The status of a friend who has accepted; below it the request is not answered, and 0 is none.
const CONFIRMED: u8 = 3;

/// A friend, as saved data tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFriend {
    /// Who it is.
    pub key: PublicKey,
    /// The name they gave themselves, at most 128 bytes; empty if they were never online. Text from outside.
    pub name: String,
    /// Their Tox ID where a request of ours is not answered yet.
    pub requested: Option<ToxId>,
}

/// The friends in the content of the section; what is left of a cut one is passed over.
pub(crate) fn friends_in(content: &[u8]) -> Vec<SavedFriend> {
    content.chunks_exact(FRIEND_BYTES).filter_map(friend_in).collect()
}

fn friend_in(bytes: &[u8]) -> Option<SavedFriend> {
    let (&status, rest) = bytes.split_first()?;
    let (key, rest) = rest.split_first_chunk::<32>()?;
    // Request with a byte that aligns its length, and the length.
    let rest = rest.get(REQUEST_BYTES + 1 + 2..)?;
    let (name, rest) = rest.split_at_checked(NAME_BYTES)?;
    let (name_length, rest) = rest.split_first_chunk::<2>()?;
    // Status message with a byte that aligns its length, the length, the user's state with three bytes.
    let rest = rest.get(STATUS_BYTES + 1 + 2 + 1 + 3..)?;
    let nospam = rest.first_chunk::<4>()?;
    if status == 0 {
        return None;
    }
    let name = name.get(..usize::from(u16::from_be_bytes(*name_length)).min(NAME_BYTES))?;
    let key = PublicKey(*key);
    let requested = (status < CONFIRMED).then_some(ToxId { key, nospam: Nospam(*nospam) });
    Some(SavedFriend { key, name: String::from_utf8_lossy(name).into_owned(), requested })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn friend(status: u8, key: u8, name: &str) -> Vec<u8> {
        let mut bytes = vec![status];
        bytes.extend([key; 32]);
        bytes.extend([b'r'; REQUEST_BYTES + 1 + 2]);
        let mut padded = name.as_bytes().to_vec();
        padded.resize(NAME_BYTES, 0);
        bytes.extend(padded);
        bytes.extend((name.len() as u16).to_be_bytes());
        bytes.extend([b's'; STATUS_BYTES + 1 + 2 + 1 + 3]);
        bytes.extend([1, 2, 3, 4]);
        bytes.resize(FRIEND_BYTES, 0);
        bytes
    }

    #[test]
    fn friends_are_read_with_name_and_state() {
        let content = [friend(3, 1, "Anna"), friend(0, 2, ""), friend(2, 3, ""), friend(4, 4, "é")].concat();
        let friends = friends_in(&content);
        let keys: Vec<u8> = friends.iter().map(|friend| friend.key.0[0]).collect();
        assert_eq!(keys, [1, 3, 4]);
        assert_eq!((friends[0].name.as_str(), friends[0].requested), ("Anna", None));
        let id = ToxId { key: PublicKey([3; 32]), nospam: Nospam([1, 2, 3, 4]) };
        assert_eq!(friends[1].requested, Some(id));
        assert_eq!(friends[2].name, "é");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert!(friends_in(&bytes).len() <= bytes.len() / FRIEND_BYTES);
        }
    }
}
