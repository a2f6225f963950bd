//! The friends of another Tox program as contacts.

use std::collections::BTreeSet;

use mail::record::{Contact, ContactState};
use mail::{AccountName, Wall};
use tox::{SavedData, SavedFriend};

use crate::limits::IMPORTED_ALIAS_CHARS;

/// A contact for each friend whose key somebody can have, under the name they gave themselves as far as it can be an alias; none is one of `taken` or
/// given twice.
pub fn of(saved: &SavedData, mut taken: BTreeSet<AccountName>, since: Wall) -> Vec<Contact> {
    let mut keys = BTreeSet::from([saved.public_key()]);
    let mut contacts = Vec::new();
    for friend in saved.friends() {
        if !friend.key.is_possible() || !keys.insert(friend.key) {
            continue;
        }
        let Some(alias) = aliases(&friend).into_iter().find(|alias| !taken.contains(alias)) else { continue };
        taken.insert(alias.clone());
        let state =
            if friend.requested.is_some() { ContactState::Requested } else { ContactState::Confirmed };
        contacts.push(Contact {
            alias,
            key: friend.key,
            tox_id: friend.requested,
            addresses: Vec::new(),
            state,
            since,
        });
    }
    contacts
}

/// The best first: the name, the name with digits of the key, the key alone.
fn aliases(friend: &SavedFriend) -> Vec<AccountName> {
    let plain = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' };
    let name: String = friend.name.chars().map(plain).take(IMPORTED_ALIAS_CHARS).collect();
    let name = name.trim_matches('-');
    let digits = friend.key.to_string().to_lowercase();
    let short = |length: usize| digits.get(..length).unwrap_or_default();
    let named = [name.to_owned(), format!("{name}-{}", short(6))];
    let by_key = [format!("tox-{}", short(8)), format!("tox-{}", short(32))];
    named.into_iter().chain(by_key).filter_map(|alias| alias.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use mail::PublicKey;

    use super::*;

    fn friend(key: u8, name: &str) -> SavedFriend {
        SavedFriend { key: PublicKey([key; 32]), name: name.to_owned(), requested: None }
    }

    #[test]
    fn a_name_becomes_an_alias_as_far_as_it_can() {
        let first = |name: &str| aliases(&friend(0xab, name)).remove(0).to_string();
        assert_eq!(first("Anna"), "anna");
        assert_eq!(first("Anna  B. (work)"), "anna--b---work");
        assert_eq!(first("éé"), "tox-abababab");
        assert_eq!(first(""), "tox-abababab");
        assert_eq!(first(&"x".repeat(100)), "x".repeat(32));
        assert_eq!(aliases(&friend(0xab, "Anna"))[1].to_string(), "anna-ababab");
    }
}
