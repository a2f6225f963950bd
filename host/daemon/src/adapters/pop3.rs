//! Plugs mailboxes into the POP3 server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use mail::AccountName;
use pop3::{Backend, Maildrop, MaildropError, MessageInfo, OpenError};
use store::Store;

use crate::logins::Logins;

/// What the POP3 server asks.
pub struct MailboxBackend {
    /// Where mailboxes are.
    pub store: Store,
    /// Who may log in.
    pub logins: Arc<Logins>,
    /// Mailboxes that are open: one session each (RFC 1939 section 8).
    pub open: Arc<Mutex<HashSet<AccountName>>>,
}

impl MailboxBackend {
    /// All mailboxes of a store.
    pub fn new(store: Store, logins: Arc<Logins>) -> Self {
        Self { store, logins, open: Arc::default() }
    }
}

#[async_trait]
impl Backend for MailboxBackend {
    async fn open(&self, login: &str, password: &str) -> Result<Box<dyn Maildrop>, OpenError> {
        let temporary = |error: store::Error| OpenError::Temporary(error.to_string());
        let account = self
            .logins
            .check(login, password)
            .await
            .map_err(temporary)?
            .ok_or_else(|| OpenError::InvalidCredentials(self.logins.hint()))?;
        let lock = MailboxLock::take(&self.open, &account).ok_or(OpenError::InUse)?;
        let items = self.store.mailbox_list(&account).await.map_err(temporary)?;
        let infos =
            items.iter().map(|item| MessageInfo { uidl: item.uidl.to_string(), size: item.size }).collect();
        let numbers = items.iter().map(|item| item.number).collect();
        Ok(Box::new(OpenMailbox { store: self.store.clone(), account, numbers, infos, _lock: lock }))
    }
}

/// Held while a mailbox is open.
struct MailboxLock {
    open: Arc<Mutex<HashSet<AccountName>>>,
    account: AccountName,
}

impl MailboxLock {
    fn take(open: &Arc<Mutex<HashSet<AccountName>>>, account: &AccountName) -> Option<Self> {
        let is_free = open.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone());
        is_free.then(|| Self { open: Arc::clone(open), account: account.clone() })
    }
}

impl Drop for MailboxLock {
    fn drop(&mut self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.account);
    }
}

struct OpenMailbox {
    store: Store,
    account: AccountName,
    numbers: Vec<u64>,
    infos: Vec<MessageInfo>,
    _lock: MailboxLock,
}

#[async_trait]
impl Maildrop for OpenMailbox {
    fn messages(&self) -> &[MessageInfo] {
        &self.infos
    }

    async fn read(&mut self, index: usize, offset: u64, max: usize) -> Result<Bytes, MaildropError> {
        let number = *self.numbers.get(index).ok_or_else(gone)?;
        match self.store.mailbox_read(&self.account, number, offset, max).await {
            Ok(bytes) => Ok(bytes),
            Err(store::Error::NotFound) => Err(gone()),
            Err(error) => Err(MaildropError::Temporary(error.to_string())),
        }
    }

    async fn commit(self: Box<Self>, deleted: &[usize]) -> Result<(), MaildropError> {
        let numbers: Vec<u64> =
            deleted.iter().filter_map(|index| self.numbers.get(*index).copied()).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        match self.store.mailbox_delete(&self.account, numbers).await {
            Ok(_deleted) => Ok(()),
            Err(error) => Err(MaildropError::Temporary(error.to_string())),
        }
    }
}

fn gone() -> MaildropError {
    MaildropError::Permanent("this mail is not there any more".to_owned())
}
