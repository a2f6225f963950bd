//! The accounts of the gateway: a part of [`Management`](super::Management).

use async_trait::async_trait;
use mail::AccountName;
use zeroize::Zeroizing;

use super::Result;
use crate::dto::{Account, Credentials, ImportedAccount, NewAccount, Password};

/// Accounts, each with an identity of its own.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// All accounts, the owner first.
    async fn accounts(&self) -> Result<Vec<Account>>;
    /// Creates an account with an identity of its own. Without a password, one of 128 random bits
    /// is made and returned, only this once.
    async fn add_account(&self, account: NewAccount) -> Result<Credentials>;
    /// Sets the password of an account; None makes one of 128 random bits and returns it, this once.
    async fn set_password(&self, account: &AccountName, password: Option<Password>) -> Result<Credentials>;
    /// Makes an account with the identity of another Tox program, its friends as contacts, and a generated password. `password` opens the
    /// profile where it is encrypted; `Unprocessable` where it does not.
    async fn import_profile(
        &self,
        name: AccountName,
        profile: Zeroizing<Vec<u8>>,
        password: Option<Zeroizing<String>>,
    ) -> Result<ImportedAccount>;
    /// Removes an account with its mail, contacts and identity for good. `Conflict` for the owner.
    async fn remove_account(&self, account: &AccountName) -> Result<()>;
    /// Switches an account off (no login, not on the Tox network, its mail waits at the senders) or on again. `Conflict`
    /// for the owner.
    async fn set_account_enabled(&self, account: &AccountName, enabled: bool) -> Result<()>;
}
