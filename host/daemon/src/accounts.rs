//! Making accounts: an identity on Tox, a password, a record.

use std::sync::Arc;

use gateway::ports::Network as _;
use mail::record::Account;
use mail::{AccountName, Clock, ToxId};
use store::Store;
use zeroize::Zeroizing;

use crate::adapters::network::ToxNetwork;
use crate::directory::{DataDirectory, FileError};
use crate::passwords::{self, PasswordError, Passwords};

/// The name of the first account.
pub const FIRST_ACCOUNT: &str = "owner";

/// Makes and starts accounts.
pub struct Accounts {
    /// Where they are kept.
    pub store: Store,
    /// Their identities.
    pub network: Arc<ToxNetwork>,
    /// Their passwords.
    pub passwords: Arc<Passwords>,
    /// Where the first one's password lies.
    pub directory: DataDirectory,
    /// When they are made.
    pub clock: Arc<dyn Clock>,
}

/// Why an account could not be made or started.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Tox did not start.
    #[error("Tox did not start for the account {account}: {error}")]
    Tox {
        /// Whose.
        account: AccountName,
        /// Why.
        error: tox::StartError,
    },
    /// The Tox data in the store are damaged.
    #[error(
        "the Tox identity of the account {account} in the store is damaged ({error}): restore the data directory from a backup"
    )]
    Identity {
        /// Whose.
        account: AccountName,
        /// Why.
        error: tox::InvalidSavedData,
    },
    /// The new identity could not be read.
    #[error("the new Tox identity could not be read: {0}")]
    Saved(#[from] tox::Gone),
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The password file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The name the gateway uses itself is none.
    #[error(transparent)]
    Name(#[from] mail::account::InvalidAccountName),
}

/// An account that was just made.
pub struct NewAccount {
    /// Its identity.
    pub tox_id: ToxId,
    /// Its password, if it was made here.
    pub password: Option<Zeroizing<String>>,
}

impl Accounts {
    /// Makes the first account if there is none yet.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn make_first(&self) -> Result<bool, AccountError> {
        if !self.store.accounts().await?.is_empty() {
            return Ok(false);
        }
        let password = passwords::generate()?;
        // First the file: an account nobody can log in to would be worse than a password without an account.
        self.directory.write_secret(&self.directory.password(), &format!("{}\n", *password))?;
        let hash = passwords::hash_generated(&password)?;
        self.create(FIRST_ACCOUNT.parse()?, true, hash).await?;
        Ok(true)
    }

    /// Starts the identities of all accounts.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn start_all(&self) -> Result<(), AccountError> {
        for account in self.store.accounts().await? {
            if self.network.instance(&account.name).is_some() {
                continue;
            }
            let saved = self.saved(&account.name).await?;
            let started = self.network.start(&account.name, saved, account.owner).await;
            started.map_err(|error| AccountError::Tox { account: account.name.clone(), error })?;
        }
        Ok(())
    }

    async fn saved(&self, account: &AccountName) -> Result<Option<tox::SavedData>, AccountError> {
        let Some(bytes) = self.store.tox_saved(account).await? else { return Ok(None) };
        let saved = tox::SavedData::new(bytes.to_vec());
        saved.map(Some).map_err(|error| AccountError::Identity { account: account.clone(), error })
    }

    /// Makes another account; without a chosen password one is made.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn add(&self, name: AccountName, chosen: Option<&str>) -> Result<NewAccount, AccountError> {
        if self.store.account(&name).await?.is_some() {
            return Err(store::Error::Exists(name.to_string()).into());
        }
        let (hash, password) = self.hash(chosen).await?;
        let tox_id = self.create(name, false, hash).await?;
        Ok(NewAccount { tox_id, password })
    }

    /// Sets the password of an account; without a chosen one it is made. The first account's file follows.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn set_password(
        &self,
        name: &AccountName,
        chosen: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, AccountError> {
        let account = self.store.account(name).await?.ok_or(store::Error::NotFound)?;
        let (hash, password) = self.hash(chosen).await?;
        self.store.set_credential(name, hash).await?;
        if account.owner
            && let Some(text) = password.as_ref().map(|made| made.as_str()).or(chosen)
        {
            self.directory.write_secret(&self.directory.password(), &format!("{text}\n"))?;
        }
        Ok(password)
    }

    async fn hash(&self, chosen: Option<&str>) -> Result<(String, Option<Zeroizing<String>>), AccountError> {
        if let Some(chosen) = chosen {
            return Ok((self.passwords.hash_chosen(chosen).await?, None));
        }
        let made = passwords::generate()?;
        Ok((passwords::hash_generated(&made)?, Some(made)))
    }

    /// Identity first, then the record with it, in one step; a crash in between leaves nothing.
    async fn create(&self, name: AccountName, owner: bool, hash: String) -> Result<ToxId, AccountError> {
        let started = self.network.start(&name, None, owner).await;
        let instance = started.map_err(|error| AccountError::Tox { account: name.clone(), error })?;
        let saved = instance.tox.saved().await?;
        let account =
            Account { name: name.clone(), owner, addresses: Vec::new(), created: self.clock.wall() };
        let saved = Zeroizing::new(saved.as_bytes().to_vec());
        if let Err(error) = self.store.create_account(account, Some(saved), hash).await {
            self.network.discard(&name).await;
            return Err(error.into());
        }
        self.network.tox_id(&name).ok_or_else(|| store::Error::NotFound.into())
    }
}
