//! Accounts, their passwords' hashes and the saved data of their Tox instances.

use async_trait::async_trait;
use mail::record::{Account, Contact, NewMail, StagedBody};
use mail::storage::{Identities, StorageError};
use mail::{AccountName, Wall};
use redb::ReadableTable;
use zeroize::Zeroizing;

use crate::Store;
use crate::engine::codec;
use crate::engine::context::{Context, Stats};
use crate::engine::tables::{ACCOUNTS, CREDENTIALS, DISABLED, STANDINGS, TOX_SAVED};
use crate::error::Error;
use crate::limits::{ACCOUNTS as ACCOUNTS_LIMIT, CREDENTIAL_BYTES, TOX_SAVED_BYTES};
use crate::records::mailbox::deliver_staged;
use crate::records::people::put_contact;
use crate::records::standings;
use crate::store::count;
use crate::upkeep::unreadable::{Unreadable, View};

/// An account to make, with what it starts with. Not printable: it holds the secret key.
#[derive(Clone)]
pub struct NewAccount {
    /// Its record.
    pub account: Account,
    /// The saved data of its Tox instance where there is some yet.
    pub tox_saved: Option<Zeroizing<Vec<u8>>>,
    /// The hash of its password.
    pub credential: String,
    /// Contacts it has from the beginning.
    pub contacts: Vec<Contact>,
    /// A mail that is in its mailbox from the beginning, with its staged body.
    pub welcome: Option<(NewMail, StagedBody)>,
}

impl Store {
    /// Makes an account, with the saved data of its Tox instance where there is some yet and the hash of its password.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if there is one of that name, or a second owner; [`StorageError::LimitReached`].
    pub async fn create_account(
        &self,
        account: Account,
        tox_saved: Option<Zeroizing<Vec<u8>>>,
        credential: String,
    ) -> Result<(), StorageError> {
        let contacts = Vec::new();
        self.create_account_with(NewAccount { account, tox_saved, credential, contacts, welcome: None }).await
    }

    /// Makes an account with everything it starts with, in one step.
    ///
    /// # Errors
    /// As [`Store::create_account`]; [`StorageError::Exists`] for two contacts of one name.
    pub async fn create_account_with(&self, new: NewAccount) -> Result<(), StorageError> {
        check_credential(&new.credential)?;
        new.tox_saved.as_ref().map_or(Ok(()), |saved| check_saved(saved))?;
        if self.account(&new.account.name).await?.is_some() {
            return Err(Error::Exists(new.account.name.to_string()).into());
        }
        self.remove_leftovers(&new.account.name).await?;
        Ok(self
            .put(move |context| {
                create(context, &new)?;
                for contact in &new.contacts {
                    put_contact(context, new.account.name.as_str(), contact)?;
                }
                match &new.welcome {
                    Some((mail, body)) => deliver_staged(context, mail, *body),
                    None => Ok(()),
                }
            })
            .await?)
    }

    /// Switches an account off or on, for all who ask [`Store::is_disabled`] or
    /// [`Store::standing`]. Earlier logins no longer hold when it is switched on again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn set_disabled(&self, name: &AccountName, disabled: bool) -> Result<(), Error> {
        let name = name.clone();
        self.put(move |context| {
            context.stats(name.as_str())?;
            let table = context.t.disabled.write()?;
            if !disabled {
                table.remove(name.as_str())?;
                return Ok(());
            }
            table.insert(name.as_str(), ())?;
            standings::renew(context, name.as_str())
        })
        .await
    }

    /// Whether an account is switched off. Takes microseconds.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn is_disabled(&self, name: &AccountName) -> Result<bool, Error> {
        self.get(|transaction| Ok(transaction.open_table(DISABLED)?.get(name.as_str())?.is_some()))
    }

    /// One account; as in [`People::accounts`](mail::storage::People::accounts).
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, Error> {
        self.get(|transaction| {
            let accounts = transaction.open_table(ACCOUNTS)?;
            let record = accounts.get(name.as_str())?;
            let standings = transaction.open_table(STANDINGS)?;
            let found = match record.and_then(|bytes| codec::decode(bytes.value()).ok()) {
                Some(account) => Some(account),
                None => {
                    let all = all_of(transaction.unreadable, &accounts)?;
                    all.into_iter().find(|account| account.name == *name)
                }
            };
            found.map(|account| numbered(account, &standings)).transpose()
        })
    }

    /// Replaces the record of an account (its addresses).
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn put_account(&self, account: Account) -> Result<(), Error> {
        self.put(move |context| {
            context.stats(account.name.as_str())?;
            let record = codec::encode(&account)?;
            context.t.accounts.write()?.insert(account.name.as_str(), record.as_slice())?;
            Ok(())
        })
        .await
    }

    /// The hash of an account's password.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn credential(&self, name: &AccountName) -> Result<Option<String>, Error> {
        self.get(|transaction| {
            let hash = transaction.open_table(CREDENTIALS)?.get(name.as_str())?;
            Ok(hash.map(|hash| hash.value().to_owned()))
        })
    }

    /// Replaces the hash of an account's password by that of another password: earlier logins no
    /// longer hold.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account.
    pub async fn set_credential(&self, name: &AccountName, credential: String) -> Result<(), Error> {
        check_credential(&credential)?;
        let name = name.clone();
        self.put(move |context| {
            context.stats(name.as_str())?;
            context.t.credentials.write()?.insert(name.as_str(), credential.as_str())?;
            standings::renew(context, name.as_str())
        })
        .await
    }

    /// Replaces the hash of an account's password by another one of the same password; logins still
    /// hold. Nothing happens if the hash is no longer `from`.
    ///
    /// # Errors
    /// [`Error::LimitReached`] where it is too long.
    pub async fn refresh_credential(
        &self,
        name: &AccountName,
        from: String,
        to: String,
    ) -> Result<(), Error> {
        check_credential(&to)?;
        let name = name.clone();
        self.put(move |context| {
            let table = context.t.credentials.read()?;
            let is_same = table.get(name.as_str())?.is_some_and(|found| found.value() == from);
            if is_same {
                context.t.credentials.write()?.insert(name.as_str(), to.as_str())?;
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Identities for Store {
    async fn tox_saved(&self, account: &AccountName) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        Ok(self.get(|transaction| {
            let saved = transaction.open_table(TOX_SAVED)?.get(account.as_str())?;
            Ok(saved.map(|saved| Zeroizing::new(saved.value().to_vec())))
        })?)
    }

    async fn put_tox_saved(
        &self,
        account: &AccountName,
        saved: Zeroizing<Vec<u8>>,
    ) -> Result<(), StorageError> {
        check_saved(&saved)?;
        let account = account.clone();
        Ok(self
            .put(move |context| {
                context.stats(account.as_str())?;
                context.t.tox_saved.write()?.insert(account.as_str(), saved.as_slice())?;
                Ok(())
            })
            .await?)
    }
}

/// All accounts; the owner first, then in the order of names.
pub(crate) fn all(transaction: &View<'_>) -> Result<Vec<Account>, Error> {
    let mut accounts = all_of(transaction.unreadable, &transaction.open_table(ACCOUNTS)?)?;
    accounts.sort_by_key(|account| !account.owner);
    let standings = transaction.open_table(STANDINGS)?;
    accounts.into_iter().map(|account| numbered(account, &standings)).collect()
}

fn create(context: &mut Context<'_, '_>, new: &NewAccount) -> Result<(), Error> {
    let account = &new.account;
    let name = account.name.as_str();
    let accounts = context.t.accounts.read()?;
    if accounts.get(name)?.is_some() {
        return Err(Error::Exists(name.to_owned()));
    }
    if count(accounts)? >= ACCOUNTS_LIMIT {
        return Err(Error::LimitReached(format!(
            "there are {ACCOUNTS_LIMIT} accounts, the most there can be"
        )));
    }
    let unreadable = &context.shared.unreadable;
    if account.owner && all_of(unreadable, accounts)?.iter().any(|other| other.owner) {
        return Err(Error::Exists("owner".to_owned()));
    }
    let record = codec::encode(account)?;
    context.t.accounts.write()?.insert(name, record.as_slice())?;
    let next_number = standings::first_mail(standings::begin(context, name)?);
    context.put_stats(name, Stats { next_number, ..Stats::default() })?;
    context.t.credentials.write()?.insert(name, new.credential.as_str())?;
    if let Some(saved) = &new.tox_saved {
        context.t.tox_saved.write()?.insert(name, saved.as_slice())?;
    }
    Ok(())
}

/// All accounts. An account whose record cannot be read is listed with what its other rows need:
/// its name, which is the key, and whether it is the owner, if the record still says so. If no
/// record says so, the first unreadable account is the owner, because a gateway needs somebody who
/// manages it.
fn all_of(
    unreadable: &Unreadable,
    accounts: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Vec<Account>, Error> {
    let mut all = Vec::new();
    let mut first_unreadable = None;
    for row in accounts.iter()? {
        let (name, bytes) = row?;
        if let Some(account) = unreadable.readable(&name.value(), bytes.value()) {
            all.push(account);
        } else if let Ok(name) = name.value().parse::<AccountName>() {
            first_unreadable.get_or_insert(all.len());
            all.push(remains(name, bytes.value()));
        }
    }
    if !all.iter().any(|account| account.owner)
        && let Some(account) = first_unreadable.and_then(|first| all.get_mut(first))
    {
        account.owner = true;
    }
    Ok(all)
}

/// What is left of an account whose record cannot be read.
fn remains(name: AccountName, bytes: &[u8]) -> Account {
    // A record begins with the name and this.
    let start: Option<(AccountName, bool)> = codec::start(bytes);
    let owner = start.is_some_and(|(said, owner)| said == name && owner);
    Account { id: 0, name, owner, addresses: Vec::new(), created: Wall(0) }
}

/// An account with its number.
fn numbered(
    account: Account,
    standings: &impl ReadableTable<&'static str, (u64, u64)>,
) -> Result<Account, Error> {
    let id = standings.get(account.name.as_str())?.map_or(0, |row| row.value().0);
    Ok(Account { id, ..account })
}

fn check_credential(credential: &str) -> Result<(), Error> {
    if credential.len() <= CREDENTIAL_BYTES {
        return Ok(());
    }
    Err(Error::LimitReached(format!("the hash of a password has more than {CREDENTIAL_BYTES} bytes")))
}

fn check_saved(saved: &[u8]) -> Result<(), Error> {
    if saved.len() <= TOX_SAVED_BYTES {
        return Ok(());
    }
    Err(Error::LimitReached(format!(
        "the saved data of a Tox instance has more than {TOX_SAVED_BYTES} bytes"
    )))
}
