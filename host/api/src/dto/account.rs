//! Accounts and their passwords.

use std::fmt;

use mail::{AccountName, Address, ToxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::Timestamp;
use mail::limits::{PASSWORD_BYTES, PASSWORD_CHARS};

/// A local mail user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Login and local part.
    #[schema(value_type = String)]
    pub name: AccountName,
    /// Whether it is the first account, which manages the gateway.
    pub owner: bool,
    /// Its full Tox ID; absent while its identity starts.
    #[schema(value_type = Option<String>)]
    pub tox_id: Option<ToxId>,
    /// Every address that leads to the account.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<Address>,
    /// When it was created.
    pub created: Timestamp,
    /// False while it is switched off: nobody can log in, and it is not on the Tox network.
    pub enabled: bool,
}

/// An account made from another Tox program's profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportedAccount {
    /// Its user name and password.
    pub credentials: Credentials,
    /// Friends that are contacts now.
    pub contacts: u64,
}

/// An account to create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Login and local part.
    #[schema(value_type = String)]
    pub name: AccountName,
    /// The chosen password; absent for a generated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Password>,
}

/// A password to set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The chosen password; absent for a generated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Password>,
}

/// The answer to a new account or password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Credentials {
    /// The user name for SMTP, POP3 and the web.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// Its full Tox ID; absent while its identity starts.
    #[schema(value_type = Option<String>)]
    pub tox_id: Option<ToxId>,
    /// The password, if it was generated. It is shown only this once. Absent if the user chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Password>,
}

/// A password: erased from memory when dropped, never printed by `Debug`.
///
/// At least [`PASSWORD_CHARS`] characters, at most [`PASSWORD_BYTES`] bytes of UTF-8, no control
/// characters (RFC 4616 could not carry NUL, a prompt could not type others).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Password(Zeroizing<String>);

/// Why a text is not a password. The error never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a password has {PASSWORD_CHARS} characters or more, {PASSWORD_BYTES} bytes at most, and no control characters"
)]
pub struct InvalidPassword;

impl Password {
    /// Checks a password.
    ///
    /// # Errors
    /// [`InvalidPassword`] outside the bounds.
    pub fn new(text: String) -> Result<Self, InvalidPassword> {
        let text = Zeroizing::new(text);
        let is_valid = text.len() <= PASSWORD_BYTES
            && text.chars().count() >= PASSWORD_CHARS
            && !text.chars().any(char::is_control);
        if is_valid { Ok(Self(text)) } else { Err(InvalidPassword) }
    }

    /// The password itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

impl TryFrom<String> for Password {
    type Error = InvalidPassword;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<Password> for String {
    fn from(password: Password) -> Self {
        password.reveal().to_owned()
    }
}
