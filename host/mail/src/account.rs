//! The name of a local mail user.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::ACCOUNT_NAME_BYTES;

/// The name of an account: its login for SMTP, POP3 and the web, and its local part in `name@tox`.
///
/// 1 to [`ACCOUNT_NAME_BYTES`] of `a-z`, `0-9`, `.`, `_`, `-`; starts with a letter or digit. Kept in lower
/// case. Never 64 or 76 hexadecimal digits, which would read as a Tox key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Which account of a name is meant, and which state of its access: what a session remembers of its login, and compares
/// before each call. Numbers are never used again, also not by another account of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Standing {
    /// Of the account.
    pub id: u64,
    /// Of its access: a new password, switching off and removing make another.
    pub generation: u64,
}

/// A login that was right: of which account, and when it stops to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The account.
    pub account: AccountName,
    /// Its standing when the password was checked: the login holds as long as this is the account's.
    pub standing: Standing,
}

/// Why a text is not an account name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be an account name: use 1 to 40 letters, digits, dots, dashes or underscores, \
     starting with a letter or digit"
)]
pub struct InvalidAccountName(String);

impl AccountName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = InvalidAccountName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let valid = (1..=ACCOUNT_NAME_BYTES).contains(&name.len())
            && name.bytes().all(allowed)
            && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
            && !name.contains("..")
            && !name.ends_with('.');
        if valid { Ok(Self(name)) } else { Err(InvalidAccountName(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidAccountName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_accepted_name_is_accepted_from_its_own_text(text in "\\PC{0,44}|[A-Za-z0-9._-]{0,44}|[\u{130}\u{212A}a.]{1,30}") {
            if let Ok(name) = text.parse::<AccountName>() {
                prop_assert_eq!(name.to_string().parse::<AccountName>(), Ok(name));
            }
        }
    }
}
