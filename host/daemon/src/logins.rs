//! Who may log in, for SMTP, POP3 and the web.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use mail::from_check::key_of;
use mail::{AccountName, Address};
use store::Store;

use crate::adapters::network::ToxNetwork;
use crate::passwords::Passwords;

/// Checks logins against the store.
pub struct Logins {
    store: Store,
    network: Arc<ToxNetwork>,
    passwords: Arc<Passwords>,
    password_file: PathBuf,
}

impl Logins {
    /// Logins of the accounts in this store; `password_file` is where the first account's password lies.
    pub fn new(
        store: Store,
        network: Arc<ToxNetwork>,
        passwords: Arc<Passwords>,
        password_file: PathBuf,
    ) -> Self {
        Self { store, network, passwords, password_file }
    }

    /// The account, if the password is its; None otherwise, and it takes as long.
    ///
    /// # Errors
    /// The store failed.
    pub async fn check(&self, login: &str, password: &str) -> Result<Option<AccountName>, store::Error> {
        let Some(account) = self.account(login).await? else { return Ok(None) };
        let stored = self.store.credential(&account).await?;
        let is_right = self.passwords.verify(stored.as_deref(), password).await;
        Ok((is_right && !self.store.is_disabled(&account)?).then_some(account))
    }

    /// Whom a login names: an account's name, or any mail address of it, which some mail programs log in with.
    async fn account(&self, login: &str) -> Result<Option<AccountName>, store::Error> {
        let Ok(address) = login.parse::<Address>() else { return Ok(login.parse().ok()) };
        let address = address.canonical();
        if address.is_tox()
            && let Some(key) = key_of(&address)
        {
            let of_key = self.network.account_of(key);
            return Ok(of_key);
        }
        if address.is_tox() {
            return Ok(address.local().parse().ok());
        }
        let mut accounts = self.store.accounts().await?.into_iter();
        let owns = |own: &Address| own.canonical() == address;
        Ok(accounts.find(|account| account.addresses.iter().any(owns)).map(|account| account.name))
    }

    /// What somebody with a wrong password is told: where the right one is. It is told to whoever asks on this machine, and is
    /// no secret: the file is its owner's alone.
    pub fn hint(&self) -> String {
        format!(
            "wrong user name or password: the first account's password is in {}; `toxmail account password NAME` sets a new one",
            self.password_file.display()
        )
    }
}

#[async_trait]
impl admin::Login for Logins {
    async fn check(&self, login: &str, password: &str) -> admin::management::Result<Option<AccountName>> {
        Self::check(self, login, password)
            .await
            .map_err(|error| admin::ManagementError::Internal(error.to_string()))
    }

    fn hint(&self) -> String {
        Self::hint(self)
    }
}
