//! Plugs mailboxes into the POP3 server.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use mail::sasl::Credentials;
use mail::{Clock, LoggedIn, Standing};
use pop3::{Backend, Maildrop, MaildropError, MessageInfo, OpenError};
use store::Store;
use tokio::sync::Notify;

use crate::limits::MAILBOX_WAIT;
use crate::logins::{Checked, Logins, later};

/// What the POP3 server asks.
pub struct MailboxBackend {
    /// Where mailboxes are.
    pub store: Store,
    /// Who may log in.
    pub logins: Arc<Logins>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Mailboxes that are open.
    open: Arc<OpenMailboxes>,
}

impl MailboxBackend {
    /// All mailboxes of a store.
    pub fn new(store: Store, logins: Arc<Logins>, clock: Arc<dyn Clock>) -> Self {
        Self { store, logins, clock, open: Arc::default() }
    }
}

#[async_trait]
impl Backend for MailboxBackend {
    async fn open(&self, credentials: &Credentials, source: IpAddr) -> Result<Box<dyn Maildrop>, OpenError> {
        let login = match self.logins.check(credentials, source).await {
            Ok(Checked::LoggedIn(login)) => login,
            Ok(Checked::Wrong) => return Err(OpenError::InvalidCredentials(self.logins.hint(source))),
            Ok(Checked::OtherIdentity) => return Err(OpenError::OtherIdentity),
            // RFC 3206 section 4: nothing is said about the password, and trying later helps.
            Ok(Checked::Later(wait)) => return Err(OpenError::Temporary(later(wait))),
            Err(error) => return Err(OpenError::Temporary(error.to_string())),
        };
        let lock = MailboxLock::take(&self.open, login.standing, &*self.clock);
        let lock = lock.await.ok_or(OpenError::InUse)?;
        let items = self.store.mailbox_list(&login.account).await;
        let items = items.map_err(|error| OpenError::Temporary(error.to_string()))?;
        if !self.logins.is_current(&login) {
            // Changed while it waited: what was listed may be another account's.
            return Err(OpenError::InvalidCredentials(self.logins.hint(source)));
        }
        let infos =
            items.iter().map(|item| MessageInfo { uidl: item.uidl.to_string(), size: item.size }).collect();
        let numbers = items.iter().map(|item| item.number).collect();
        let (store, logins) = (self.store.clone(), Arc::clone(&self.logins));
        Ok(Box::new(OpenMailbox { store, logins, login, numbers, infos, _lock: lock }))
    }
}

/// Mailboxes that are open: one session each (RFC 1939 section 8). A session whose login does not hold any more can do nothing, so it
/// keeps nobody out: its standing is another one.
#[derive(Default)]
struct OpenMailboxes {
    open: Mutex<HashSet<Standing>>,
    /// One was closed.
    closed: Notify,
}

impl OpenMailboxes {
    fn open(&self) -> MutexGuard<'_, HashSet<Standing>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while a mailbox is open.
struct MailboxLock {
    all: Arc<OpenMailboxes>,
    standing: Standing,
}

impl MailboxLock {
    /// Waits for a session that is ending; None after [`MAILBOX_WAIT`].
    async fn take(all: &Arc<OpenMailboxes>, standing: Standing, clock: &dyn Clock) -> Option<Self> {
        let give_up = clock.sleep(MAILBOX_WAIT);
        tokio::pin!(give_up);
        loop {
            let closed = all.closed.notified();
            tokio::pin!(closed);
            // Listening before looking: what is closed in between is heard.
            closed.as_mut().enable();
            if all.open().insert(standing) {
                return Some(Self { all: Arc::clone(all), standing });
            }
            tokio::select! {
                () = closed => {}
                () = &mut give_up => return None,
            }
        }
    }
}

impl Drop for MailboxLock {
    fn drop(&mut self) {
        self.all.open().remove(&self.standing);
        self.all.closed.notify_waiters();
    }
}

struct OpenMailbox {
    store: Store,
    logins: Arc<Logins>,
    login: LoggedIn,
    numbers: Vec<u64>,
    infos: Vec<MessageInfo>,
    _lock: MailboxLock,
}

#[async_trait]
impl Maildrop for OpenMailbox {
    fn messages(&self) -> &[MessageInfo] {
        &self.infos
    }

    fn is_current(&self) -> bool {
        self.logins.is_current(&self.login)
    }

    async fn read(&mut self, index: usize, offset: u64, max: usize) -> Result<Bytes, MaildropError> {
        let number = *self.numbers.get(index).ok_or_else(gone)?;
        match self.store.mailbox_read(&self.login.account, number, offset, max).await {
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
        match self.store.mailbox_delete(&self.login.account, numbers).await {
            Ok(_deleted) => Ok(()),
            Err(error) => Err(MaildropError::Temporary(error.to_string())),
        }
    }
}

fn gone() -> MaildropError {
    MaildropError::Permanent("this mail is no longer there".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clock::ManualClock;
    use listener::testing::soon;

    use super::*;

    const ANNA: Standing = Standing { id: 1, generation: 1 };

    #[tokio::test]
    async fn a_login_waits_for_a_session_that_is_ending() {
        let (all, clock) = (Arc::default(), ManualClock::default());
        let first = MailboxLock::take(&all, ANNA, &clock).await.unwrap();
        let second = MailboxLock::take(&all, ANNA, &clock);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert!(soon(second).await.is_some());
    }

    #[tokio::test]
    async fn a_mailbox_that_stays_open_is_in_use_after_some_seconds() {
        let (all, clock) = (Arc::default(), ManualClock::default());
        let _first = MailboxLock::take(&all, ANNA, &clock).await.unwrap();
        let second = MailboxLock::take(&all, ANNA, &clock);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        clock.advance(MAILBOX_WAIT - Duration::from_millis(1));
        assert!(futures::poll!(&mut second).is_pending());
        clock.advance(Duration::from_millis(1));
        assert!(soon(second).await.is_none());
    }

    #[tokio::test]
    async fn a_session_of_before_the_password_changed_keeps_nobody_out() {
        let (all, clock) = (Arc::default(), ManualClock::default());
        let _old = MailboxLock::take(&all, ANNA, &clock).await.unwrap();
        let new = MailboxLock::take(&all, Standing { generation: 2, ..ANNA }, &clock);
        assert!(soon(new).await.is_some());
    }
}
