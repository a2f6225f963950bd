//! Accounts, as the web API manages them.

use admin::dto::{Account, Credentials, ImportedAccount, NewAccount, Password};
use admin::management::{Accounts, ManagementError, Result};
use async_trait::async_trait;
use gateway::ports::Network as _;
use mail::AccountName;
use mail::storage::People as _;
use zeroize::Zeroizing;

use super::GatewayManagement;
use super::errors::{account_error, storage};
use crate::accounts::Traces;

#[async_trait]
impl Accounts for GatewayManagement {
    async fn accounts(&self) -> Result<Vec<Account>> {
        let accounts = self.store.accounts().await.map_err(storage)?;
        let mut shown = Vec::with_capacity(accounts.len());
        for account in accounts {
            shown.push(Account {
                tox_id: self.network.tox_id(&account.name),
                addresses: self.gateway.addresses(&account.name),
                owner: account.owner,
                created: account.created.into(),
                enabled: !self.store.is_disabled(&account.name).await.map_err(storage)?,
                name: account.name,
            });
        }
        Ok(shown)
    }

    async fn add_account(&self, account: NewAccount) -> Result<Credentials> {
        let chosen = account.password.as_ref().map(Password::reveal);
        let made = self.accounts.add(account.name.clone(), chosen, &self.traces()).await;
        let made = made.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)?;
        Ok(Credentials {
            account: account.name,
            tox_id: Some(made.tox_id),
            password: made.password.map(shown_password).transpose()?,
        })
    }

    async fn set_password(&self, account: &AccountName, password: Option<Password>) -> Result<Credentials> {
        self.known(account).await?;
        let chosen = password.as_ref().map(Password::reveal);
        let made = self.accounts.set_password(account, chosen).await.map_err(account_error)?;
        Ok(Credentials {
            account: account.clone(),
            tox_id: self.network.tox_id(account),
            password: made.map(shown_password).transpose()?,
        })
    }

    async fn import_profile(
        &self,
        name: AccountName,
        profile: Zeroizing<Vec<u8>>,
        password: Option<Zeroizing<String>>,
    ) -> Result<ImportedAccount> {
        let profile = opened(profile, password).await?;
        let saved = tox::SavedData::new(profile.to_vec()).map_err(|error| {
            ManagementError::Unprocessable(format!(
                "this profile cannot be imported: {error}. Export it again in its Tox program (a file that ends with .tox)"
            ))
        })?;
        let made = self.accounts.import(name.clone(), saved, &self.traces()).await;
        let (made, contacts) = made.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)?;
        let password = made.password.map(shown_password).transpose()?;
        let credentials = Credentials { account: name, tox_id: Some(made.tox_id), password };
        Ok(ImportedAccount { credentials, contacts: contacts as u64 })
    }

    async fn remove_account(&self, account: &AccountName) -> Result<()> {
        self.known(account).await?;
        let removed = self.accounts.remove(account, &self.traces()).await.map_err(account_error);
        // Also where it failed half-way: what is left of it is there, switched off.
        self.gateway.reload_accounts().await.map_err(storage)?;
        removed
    }

    async fn set_account_enabled(&self, account: &AccountName, enabled: bool) -> Result<()> {
        self.known(account).await?;
        self.accounts.set_enabled(account, enabled).await.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)
    }
}

impl GatewayManagement {
    /// Where accounts are known by their names.
    fn traces(&self) -> Traces<'_> {
        Traces {
            gateway: &self.gateway,
            offline: self.offline.as_deref(),
            sandbox: &self.sandbox,
            events: &self.events,
        }
    }
}

/// A profile without encryption.
async fn opened(
    profile: Zeroizing<Vec<u8>>,
    password: Option<Zeroizing<String>>,
) -> Result<Zeroizing<Vec<u8>>> {
    if !tox::is_encrypted(&profile) {
        return Ok(profile);
    }
    let password = password.ok_or_else(|| {
        ManagementError::Unprocessable("this profile is encrypted: give its password too".to_owned())
    })?;
    // Deriving the key takes a moment on purpose.
    let opened = supervisor::blocking("identity", move || tox::decrypt(&profile, password.as_bytes())).await;
    opened
        .map_err(|error| ManagementError::Internal(error.to_string()))?
        .map_err(|error| ManagementError::Unprocessable(error.to_string()))
}

fn shown_password(made: zeroize::Zeroizing<String>) -> Result<Password> {
    Password::new(made.to_string()).map_err(|error| ManagementError::Internal(error.to_string()))
}
