//! Who may log in, for SMTP, POP3 and the web.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use mail::AccountName;
use store::Store;

use crate::passwords::Passwords;

/// Checks logins against the store.
pub struct Logins {
    store: Store,
    passwords: Arc<Passwords>,
    password_file: PathBuf,
}

impl Logins {
    /// Logins of the accounts in this store; `password_file` is where the first account's password lies.
    pub fn new(store: Store, passwords: Arc<Passwords>, password_file: PathBuf) -> Self {
        Self { store, passwords, password_file }
    }

    /// The account, if the password is its; None otherwise, and it takes as long.
    ///
    /// # Errors
    /// The store failed.
    pub async fn check(&self, login: &str, password: &str) -> Result<Option<AccountName>, store::Error> {
        // Some mail programs log in with the whole mail address.
        let name =
            login.strip_suffix("@tox").or_else(|| login.strip_suffix("@tox.internal")).unwrap_or(login);
        let Ok(account) = name.parse::<AccountName>() else { return Ok(None) };
        let stored = self.store.credential(&account).await?;
        Ok(self.passwords.verify(stored.as_deref(), password).await.then_some(account))
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
