//! Keys as people know them: by the names of contacts. An address that spells a key or a Tox ID is read as the name it stands for.

use std::collections::HashMap;

use mail::from_check::{key_of, key_of_text};
use mail::{AccountName, Address, PublicKey};

use crate::dto::Page;
use crate::limits::{PAGE_LARGEST, REQUEST_TIME};
use crate::problem::Refused;
use crate::shared::{Shared, run};

/// Digits shown of a key nobody has named.
const DIGITS: usize = 12;

/// What the contacts of an account are called, and the account itself.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<PublicKey, String>);

impl Names {
    /// The names an account gave.
    ///
    /// # Errors
    /// The account is not there, or the gateway failed.
    pub(super) async fn of(shared: &Shared, account: &AccountName) -> Result<Self, Refused> {
        let (management, account) = (shared.management.clone(), account.clone());
        let verbs = async move {
            let contacts = management.contacts(&account, &Page::new(PAGE_LARGEST, None)).await?;
            // While Tox starts there is no identity yet.
            Ok((contacts, management.identity(&account).await.ok()))
        };
        let (contacts, identity) = run(REQUEST_TIME, verbs).await?;
        let named = contacts.items.into_iter().map(|contact| (contact.key, contact.alias.to_string()));
        let mut names: HashMap<PublicKey, String> = named.collect();
        names.extend(identity.map(|identity| (identity.tox_id.key, "you".to_owned())));
        Ok(Self(names))
    }

    /// What the user calls the holder of a key.
    pub(super) fn known(&self, key: PublicKey) -> Option<&str> {
        self.0.get(&key).map(String::as_str)
    }

    /// The same, or the beginning of the key.
    pub(super) fn key(&self, key: PublicKey) -> String {
        self.known(key).map_or_else(|| beginning(key), str::to_owned)
    }

    /// Whom an address means, if it spells a key; other addresses as they are.
    pub(super) fn address(&self, address: &Address) -> String {
        match key_of(address) {
            Some(key) => self.known(key).map_or_else(|| format!("{}@tox", beginning(key)), str::to_owned),
            None => address.to_string(),
        }
    }

    /// Who sent a mail. The key is what was checked: an address that is not of that key is only what they say.
    pub(super) fn sender(&self, address: &Address, key: Option<PublicKey>) -> String {
        match key {
            Some(key) if key_of(address) == Some(key) => self.key(key),
            Some(key) => format!("{}, as {}", self.key(key), self.address(address)),
            None => self.address(address),
        }
    }

    /// A text that may be a key, a Tox ID or an address; others as they are.
    pub(super) fn text(&self, text: &str) -> String {
        if let Some(key) = key_of_text(text) {
            return self.key(key);
        }
        text.parse().map_or_else(|_| text.to_owned(), |address| self.address(&address))
    }
}

fn beginning(key: PublicKey) -> String {
    let digits: String = key.to_string().to_lowercase().chars().take(DIGITS).collect();
    format!("{digits}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_its_name_and_never_as_somebody_else() {
        let (ben, eve) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let names = Names([(ben, "ben".to_owned())].into());
        let address = |text: &str| text.parse::<Address>().unwrap();
        let bens = Address::at_tox(&ben.to_string()).unwrap();
        assert_eq!(names.address(&bens), "ben");
        assert_eq!(names.address(&Address::at_tox(&eve.to_string()).unwrap()), "020202020202…@tox");
        assert_eq!(names.address(&address("ben@example.org")), "ben@example.org");
        assert_eq!(names.sender(&bens, Some(ben)), "ben");
        assert_eq!(names.sender(&bens, Some(eve)), "020202020202…, as ben");
        assert_eq!(names.sender(&address("b@example.org"), Some(ben)), "ben, as b@example.org");
        assert_eq!((names.text(&ben.to_string()), names.text("a b")), ("ben".to_owned(), "a b".to_owned()));
    }
}
