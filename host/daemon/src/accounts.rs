//! Making accounts: an identity on Tox, a password, a record.

mod contacts;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use gateway::Gateway;
use mail::record::{Account, Contact};
use mail::storage::{Bodies as _, Identities as _, People as _, StorageError};
use mail::{AccountName, Clock, ToxId};
use offline::OfflineMail;
use sandbox::Sandbox;
use store::Store;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::directory::{DataDirectory, FileError};
use crate::passwords::{self, PasswordError, Passwords};
use crate::welcome_mail;
use net::ToxNetwork;

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
    /// Where the web pages are, for the welcome mail; None for no welcome mail.
    pub welcome: Option<SocketAddr>,
    /// Held while an account is made, changed or removed: two changes of one name do not meet half-way.
    pub changing: Mutex<()>,
}

/// What knows accounts by their names outside of the store.
pub struct Traces<'a> {
    /// The core.
    pub gateway: &'a Gateway,
    /// Offline mail, where there is any.
    pub offline: Option<&'a OfflineMail>,
    /// Copies of component state.
    pub sandbox: &'a Sandbox,
    /// What happened lately.
    pub events: &'a admin::EventLog,
}

impl Traces<'_> {
    /// Nothing of an account that has or had this name is left, in memory or in files.
    async fn erase(&self, name: &AccountName) -> Result<(), AccountError> {
        if let Some(offline) = self.offline {
            offline.forget(name).await?;
        }
        self.sandbox.forget_account(name);
        self.events.forget(name);
        Ok(())
    }
}

/// Why an account could not be made or started.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// Tox did not start.
    #[error("Tox did not start for the account {account}: {error}")]
    Tox {
        /// The account.
        account: AccountName,
        /// What is wrong.
        error: tox::StartError,
    },
    /// The Tox data in the store are damaged.
    #[error(
        "the Tox identity of the account {account} in the store is damaged ({error}): restore the data directory from a backup"
    )]
    Identity {
        /// The account.
        account: AccountName,
        /// What is wrong.
        error: tox::InvalidSavedData,
    },
    /// The profile looked right and the Tox library does not take it.
    #[error(
        "the Tox library refuses this profile: {0}. Export it again in its Tox program (a file that ends with .tox), and import that file"
    )]
    Profile(#[source] tox::InvalidSavedData),
    /// The new identity could not be read.
    #[error("the new Tox identity could not be read: {0}")]
    Saved(#[from] tox::Gone),
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The password file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The identity is here already.
    #[error("this Tox identity is the one of the account {0} here already")]
    KnownIdentity(AccountName),
    /// The owner stays.
    #[error("the owner's account can be neither removed nor switched off: it manages the gateway")]
    Owner,
    /// Mails of the account could not be taken back.
    #[error("mails of the account could not be taken back: {0}")]
    Outbox(#[source] StorageError),
    /// Its mailbox keys could not be erased.
    #[error("mailbox keys of the account could not be erased: {0}")]
    Keys(#[from] offline::ports::Failure),
    /// The name that the gateway itself uses is not a name.
    #[error(transparent)]
    Name(#[from] mail::account::InvalidAccountName),
}

impl From<store::Error> for AccountError {
    fn from(error: store::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An account that was just made.
pub struct NewAccount {
    /// Its identity.
    pub tox_id: ToxId,
    /// Its password, if it was made here.
    pub password: Option<Zeroizing<String>>,
}

/// An account to make.
struct New {
    name: AccountName,
    owner: bool,
    /// Of its password.
    hash: String,
    /// An identity it brings along.
    saved: Option<tox::SavedData>,
}

impl Accounts {
    /// Makes the first account if there is none yet, with or without an identity on Tox. Without, it gets one when accounts are started.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn make_first(&self, with_identity: bool) -> Result<bool, AccountError> {
        if !self.store.accounts().await?.is_empty() {
            return Ok(false);
        }
        let password = passwords::generate()?;
        // First the file: an account nobody can log in to would be worse than a password without an account.
        self.directory.write_secret(&self.directory.password(), &format!("{}\n", *password))?;
        let hash = passwords::hash_generated(&password)?;
        if with_identity {
            self.create(New { name: FIRST_ACCOUNT.parse()?, owner: true, hash, saved: None }).await?;
        } else {
            let (name, created) = (FIRST_ACCOUNT.parse()?, self.clock.wall());
            let account = Account { id: 0, name, owner: true, addresses: Vec::new(), created };
            self.store.create_account(account, None, hash).await?;
        }
        Ok(true)
    }

    /// Starts the identities of all accounts. One whose stored identity is damaged stays off the network, and its data stay as they
    /// are: its mailbox is read, its mail waits, and the other accounts start.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn start_all(&self) -> Result<(), AccountError> {
        for account in self.store.accounts().await? {
            if self.store.is_disabled(&account.name).await? {
                continue;
            }
            match self.start(&account).await {
                Err(
                    AccountError::Identity { error, .. }
                    | AccountError::Tox { error: tox::StartError::SavedData(error), .. },
                ) => self.store.unreadable_tox_saved(&account.name, &error.to_string()).await?,
                started => started?,
            }
        }
        Ok(())
    }

    /// Starts the identity of an account, if it does not run.
    async fn start(&self, account: &Account) -> Result<(), AccountError> {
        if self.network.instance(&account.name).is_some() {
            return Ok(());
        }
        let saved = self.saved(&account.name).await?;
        let started = self.network.start(&account.name, saved, account.owner).await;
        started.map_err(|error| AccountError::Tox { account: account.name.clone(), error })?;
        Ok(())
    }

    /// Switches an account off or on, and takes it off the network or back. It is durable before the identity stops.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn set_enabled(&self, name: &AccountName, enabled: bool) -> Result<(), AccountError> {
        let _turn = self.changing.lock().await;
        let account = self.not_owner(name).await?;
        self.store.set_disabled(name, !enabled).await?;
        if enabled {
            self.start(&account).await
        } else {
            self.network.discard(name).await;
            Ok(())
        }
    }

    /// Removes an account for good, with everything that is known under its name. After an error it can be tried again; until then
    /// the account is switched off, and its name is not given again.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn remove(&self, name: &AccountName, traces: &Traces<'_>) -> Result<(), AccountError> {
        let _turn = self.changing.lock().await;
        self.not_owner(name).await?;
        // All logins end here, and then whatever works for it: nothing comes in any more.
        self.store.set_disabled(name, true).await?;
        self.network.discard(name).await;
        traces.gateway.forget_account(name).await.map_err(AccountError::Outbox)?;
        traces.erase(name).await?;
        self.store.remove_account(name).await?;
        // Once more, for what was told while the rows went.
        traces.erase(name).await
    }

    async fn not_owner(&self, name: &AccountName) -> Result<Account, AccountError> {
        let account = self.store.account(name).await?.ok_or(StorageError::NotFound)?;
        if account.owner { Err(AccountError::Owner) } else { Ok(account) }
    }

    /// Makes an account with the identity of another Tox program; its friends are contacts. Returns how many.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn import(
        &self,
        name: AccountName,
        profile: tox::SavedData,
        traces: &Traces<'_>,
    ) -> Result<(NewAccount, usize), AccountError> {
        let _turn = self.changing.lock().await;
        if self.store.account(&name).await?.is_some() {
            return Err(StorageError::Exists(name.to_string()).into());
        }
        for account in self.store.accounts().await? {
            // Where the identity of another account is damaged, it is not known to be this one.
            let own = match self.saved(&account.name).await {
                Err(AccountError::Identity { .. }) => None,
                saved => saved?,
            };
            if own.is_some_and(|own| own.public_key() == profile.public_key()) {
                return Err(AccountError::KnownIdentity(account.name));
            }
        }
        let (hash, password) = self.hash(None).await?;
        traces.erase(&name).await?;
        let made = self.create(New { name: name.clone(), owner: false, hash, saved: Some(profile) }).await;
        let tox_id = made.map_err(|error| match error {
            AccountError::Tox { error: tox::StartError::SavedData(why), .. } => AccountError::Profile(why),
            error => error,
        })?;
        let contacts = self.store.contacts(&name).await?.len();
        Ok((NewAccount { tox_id, password }, contacts))
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
    pub async fn add(
        &self,
        name: AccountName,
        chosen: Option<&str>,
        traces: &Traces<'_>,
    ) -> Result<NewAccount, AccountError> {
        let _turn = self.changing.lock().await;
        if self.store.account(&name).await?.is_some() {
            return Err(StorageError::Exists(name.to_string()).into());
        }
        let (hash, password) = self.hash(chosen).await?;
        // What an earlier version left of one of this name goes too.
        traces.erase(&name).await?;
        let tox_id = self.create(New { name, owner: false, hash, saved: None }).await?;
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
        let _turn = self.changing.lock().await;
        let account = self.store.account(name).await?.ok_or(StorageError::NotFound)?;
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

    /// Identity first, then the record with it, contacts and welcome mail in one step; a crash in between leaves nothing.
    async fn create(&self, new: New) -> Result<ToxId, AccountError> {
        let New { name, owner, hash, saved } = new;
        let created = self.clock.wall();
        let mut taken: BTreeSet<AccountName> =
            self.store.accounts().await?.into_iter().map(|account| account.name).collect();
        taken.insert(name.clone());
        let contacts = saved.as_ref().map(|saved| contacts::of(saved, taken, created)).unwrap_or_default();
        let started = self.network.start(&name, saved, owner).await;
        let instance = started.map_err(|error| AccountError::Tox { account: name.clone(), error })?;
        let account = Account { id: 0, name: name.clone(), owner, addresses: Vec::new(), created };
        match self.keep(account, &instance.tox, contacts, hash).await {
            Ok(()) => Ok(instance.tox.id()),
            Err(error) => {
                self.network.discard(&name).await;
                Err(error)
            }
        }
    }

    async fn keep(
        &self,
        account: Account,
        tox: &tox::Tox,
        contacts: Vec<Contact>,
        credential: String,
    ) -> Result<(), AccountError> {
        let saved = Zeroizing::new(tox.saved().await?.as_bytes().to_vec());
        let welcome = match self.welcome {
            Some(web) => Some(welcome_mail::stage(&self.store, &account, tox.id(), web).await?),
            None => None,
        };
        let staged = welcome.as_ref().map(|(_, body)| *body);
        let new = store::NewAccount { account, tox_saved: Some(saved), credential, contacts, welcome };
        let created = self.store.create_account_with(new).await;
        if let (Err(_), Some(body)) = (&created, staged)
            && let Err(error) = self.store.discard_body(body).await
        {
            tracing::debug!(%error, "the welcome of an account that was not made is discarded at the next start");
        }
        Ok(created?)
    }
}
