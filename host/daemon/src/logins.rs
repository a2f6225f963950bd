//! Who may log in, for SMTP, POP3 and the web, and how often passwords may be tried.

mod limiter;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blake2::digest::consts::U8;
use blake2::digest::{FixedOutput, KeyInit, Update};
use mail::from_check::key_of;
use mail::sasl::Credentials;
use mail::storage::{People as _, StorageError};
use mail::{AccountName, Address, Clock, LoggedIn};
use store::Store;

use self::limiter::{Limiter, Place, Subject};
use crate::passwords::{PasswordError, Passwords, Verdict};
use net::ToxNetwork;

/// Checks logins against the store.
pub struct Logins {
    store: Store,
    network: Arc<ToxNetwork>,
    passwords: Arc<Passwords>,
    password_file: PathBuf,
    clock: Arc<dyn Clock>,
    limiter: Limiter,
    /// Of fingerprints of wrong passwords: another one in each process.
    fingerprints: [u8; 32],
}

/// What became of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is right.
    LoggedIn(LoggedIn),
    /// The account does not exist, is switched off, or has another password.
    Wrong,
    /// The password is right, but the client wants to act for another account (RFC 4616 section 2).
    OtherIdentity,
    /// Too many were wrong: the password was not looked at, and will not be before this has passed.
    Later(Duration),
}

/// Why a login could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl From<store::Error> for CheckError {
    fn from(error: store::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The account that a login names.
struct Named {
    /// The account, if there is one.
    account: Option<AccountName>,
    /// The subject that guesses are counted under: the same for each spelling, also if there is no
    /// account.
    subject: Subject,
}

impl Named {
    fn account(account: AccountName) -> Self {
        Self { subject: account.to_string(), account: Some(account) }
    }
}

impl Logins {
    /// Logins of the accounts in this store; `password_file` is where the first account's password lies.
    ///
    /// # Errors
    /// [`PasswordError::Failed`]: no random numbers.
    pub fn new(
        store: Store,
        network: Arc<ToxNetwork>,
        passwords: Arc<Passwords>,
        password_file: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PasswordError> {
        let mut fingerprints = [0; 32];
        getrandom::fill(&mut fingerprints).map_err(|error| PasswordError::Failed(error.to_string()))?;
        let limiter = Limiter::default();
        Ok(Self { store, network, passwords, password_file, clock, limiter, fingerprints })
    }

    /// Checks a login from `source`. A wrong login takes the same time whether the account exists
    /// or not.
    ///
    /// # Errors
    /// [`CheckError`]
    pub async fn check(&self, credentials: &Credentials, source: IpAddr) -> Result<Checked, CheckError> {
        let (named, place) = (self.named(&credentials.login).await?, Place::from(source));
        let checked = self.check_password(&named, &credentials.password, place).await?;
        let Checked::LoggedIn(login) = checked else { return Ok(checked) };
        if let Some(acts_as) = &credentials.acts_as
            && *acts_as != credentials.login
            && self.named(acts_as).await?.account.as_ref() != Some(&login.account)
        {
            return Ok(Checked::OtherIdentity);
        }
        Ok(Checked::LoggedIn(login))
    }

    async fn check_password(
        &self,
        named: &Named,
        password: &str,
        place: Place,
    ) -> Result<Checked, CheckError> {
        // Its standing first: what changes while the password is checked makes the login one of before.
        let (standing, stored) = match &named.account {
            Some(account) => (self.store.standing(account)?, self.store.credential(account).await?),
            None => (None, None),
        };
        let login = named.account.clone().zip(standing);
        let login = login.map(|(account, standing)| LoggedIn { account, standing });
        let fingerprint = self.fingerprint(&named.subject, password);
        // Nobody guesses a generated one, so that it opens at any time: whoever has it is never locked out.
        if let (Some(login), Some(stored)) = (&login, &stored)
            && Passwords::is_generated(stored, password)
        {
            self.limiter.succeeded(&named.subject, place, fingerprint, self.clock.monotonic());
            return Ok(Checked::LoggedIn(login.clone()));
        }
        let delay = self.limiter.delay(&named.subject, place, self.clock.monotonic());
        if !delay.is_zero() {
            self.clock.sleep(delay).await;
        }
        let turn = self.passwords.turn().await?;
        // Looked at when it is its turn: many at the same time get no further than many in a row.
        let now = self.clock.monotonic();
        if let Err(wait) = self.limiter.admit(&named.subject, place, fingerprint, now) {
            return Ok(Checked::Later(wait));
        }
        let verdict = turn.verify(stored.as_deref(), password).await;
        let now = self.clock.monotonic();
        let (Some(login), Verdict::Right | Verdict::RightInOldForm) = (login, verdict) else {
            self.limiter.failed(&named.subject, place, fingerprint, now);
            return Ok(Checked::Wrong);
        };
        self.limiter.succeeded(&named.subject, place, fingerprint, now);
        if let (Verdict::RightInOldForm, Some(stored)) = (verdict, stored) {
            self.renew_hash(&login.account, stored, password).await;
        }
        Ok(Checked::LoggedIn(login))
    }

    /// The same password of the same account has one fingerprint, which tells nothing about it without this process's key.
    fn fingerprint(&self, subject: &Subject, password: &str) -> u64 {
        let Ok(mut hash) = blake2::Blake2bMac::<U8>::new_from_slice(&self.fingerprints) else { return 0 };
        hash.update(subject.as_bytes());
        hash.update(&[0]);
        hash.update(password.as_bytes());
        u64::from_le_bytes(hash.finalize_fixed().into())
    }

    /// The hash is of before passwords were prepared: the next one is as they are now. The old one holds if this fails.
    async fn renew_hash(&self, account: &AccountName, stored: String, password: &str) {
        let renewed = async {
            let hash = self.passwords.hash_again(password).await?;
            Ok::<_, CheckError>(self.store.refresh_credential(account, stored, hash).await?)
        };
        if let Err(error) = renewed.await {
            tracing::debug!(%account, %error, "the hash of a password stays in its old form");
        }
    }

    /// Whether a login still holds. Takes microseconds.
    pub fn is_current(&self, login: &LoggedIn) -> bool {
        match self.store.standing(&login.account) {
            Ok(standing) => standing == Some(login.standing),
            Err(error) => {
                tracing::warn!(%error, "whether a login holds cannot be read: the session ends");
                false
            }
        }
    }

    /// A login of an account as it is now, for a session that changed the password itself.
    pub fn current(&self, account: &AccountName) -> Option<LoggedIn> {
        let standing = self.store.standing(account).ok().flatten()?;
        Some(LoggedIn { account: account.clone(), standing })
    }

    /// Whom a login names: an account's name in any case, or any mail address of it, which some mail programs log in with. The
    /// postmaster is the owner.
    async fn named(&self, login: &str) -> Result<Named, StorageError> {
        let Ok(address) = login.parse::<Address>().or_else(|_| Address::at_tox(login)) else {
            return Ok(Named::nobody(login));
        };
        let address = address.name();
        if address.is_tox() {
            if let Some(account) = key_of(&address).and_then(|key| self.network.account_of(key)) {
                return Ok(Named::account(account));
            }
            let name = address.local();
            let account = match self.existing(name).await? {
                None if name == gateway::POSTMASTER => self.owner().await?,
                found => found,
            };
            return Ok(account.unwrap_or_else(|| Named::nobody(name)));
        }
        let mut accounts = self.store.accounts().await?.into_iter();
        let owns = |own: &Address| own.name() == address;
        let owner = accounts.find(|account| account.addresses.iter().any(owns));
        let found = owner.map(|account| Named::account(account.name));
        Ok(found.unwrap_or_else(|| Named::nobody(&address.to_string())))
    }

    /// The account of the person who runs the gateway.
    async fn owner(&self) -> Result<Option<Named>, StorageError> {
        let owner = self.store.accounts().await?.into_iter().find(|account| account.owner);
        Ok(owner.map(|owner| Named::account(owner.name)))
    }

    /// The account of this name, if there is one.
    async fn existing(&self, name: &str) -> Result<Option<Named>, StorageError> {
        let Ok(name) = name.parse::<AccountName>() else { return Ok(None) };
        let account = self.store.account(&name).await?;
        Ok(account.map(|account| Named::account(account.name)))
    }

    /// The hint after a wrong password. Who tries from this machine is told where the right one is: the file can be read
    /// by the owner alone. Its place says something of the machine, so others are told whom to ask.
    pub fn hint(&self, source: IpAddr) -> String {
        if !source.is_loopback() {
            return "wrong user name or password: ask who runs this gateway for a new one".to_owned();
        }
        format!(
            "wrong user name or password: the first account's password is in {}; `toxmail account password NAME` sets a new one",
            self.password_file.display()
        )
    }
}

impl Named {
    /// Nobody has this name. Only so much of it is remembered as an account's could have.
    fn nobody(name: &str) -> Self {
        let subject = name.chars().take(mail::limits::ACCOUNT_NAME_BYTES).collect::<String>();
        Self { account: None, subject: subject.to_lowercase() }
    }
}

/// The answer to a client that has to wait.
pub fn later(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60).max(1);
    let plural = if minutes == 1 { "" } else { "s" };
    format!(
        "too many wrong passwords came from your address: wait {minutes} minute{plural}, and check the password meanwhile"
    )
}

#[async_trait]
impl admin::Login for Logins {
    async fn check(
        &self,
        credentials: &Credentials,
        source: IpAddr,
    ) -> admin::management::Result<admin::LoginAnswer> {
        let checked = Self::check(self, credentials, source)
            .await
            .map_err(|error| admin::ManagementError::Internal(error.to_string()))?;
        Ok(match checked {
            Checked::LoggedIn(login) => admin::LoginAnswer::LoggedIn(login),
            // The form has no such thing.
            Checked::Wrong | Checked::OtherIdentity => admin::LoginAnswer::Wrong,
            Checked::Later(wait) => admin::LoginAnswer::Later(wait),
        })
    }

    fn is_current(&self, login: &LoggedIn) -> bool {
        Self::is_current(self, login)
    }

    fn current(&self, account: &AccountName) -> Option<LoggedIn> {
        Self::current(self, account)
    }

    fn hint(&self, source: IpAddr) -> String {
        Self::hint(self, source)
    }
}

#[cfg(test)]
mod tests;
