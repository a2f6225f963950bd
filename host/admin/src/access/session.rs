//! Sessions of browsers: made at login, named by a cookie, in memory only.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail::{AccountName, Clock, LoggedIn, Monotonic};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::limits::{SESSION_IDLE, SESSION_LONGEST, SESSIONS};
use crate::management::{ManagementError, Result};

/// 32 random bytes as hex digits.
pub(crate) fn random_hex() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        ManagementError::Unavailable(format!("the system gives no random numbers: {error}"))
    })?;
    Ok(Zeroizing::new(hex::encode(*bytes)))
}

/// One browser that is logged in.
pub(crate) struct Session {
    /// The account that logged in.
    pub(crate) account: AccountName,
    /// Whether that account manages the gateway.
    pub(crate) is_owner: bool,
    /// The login, which has to hold as long as the session lasts.
    login: Mutex<LoggedIn>,
    csrf: Zeroizing<String>,
    began: Monotonic,
    last_used: Mutex<Monotonic>,
    notice: Mutex<Option<Notice>>,
    ended: CancellationToken,
}

/// What the next page says about what was just done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Whether it was done.
    pub(crate) is_success: bool,
    /// In words. Never a secret.
    pub(crate) text: String,
}

impl Session {
    /// What every form of this session carries, and the header field of scripts.
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a form of this session was sent.
    pub(crate) fn is_csrf(&self, shown: &str) -> bool {
        self.csrf.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    pub(crate) fn set_notice(&self, notice: Notice) {
        *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice);
    }

    pub(crate) fn take_notice(&self) -> Option<Notice> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The login that opened it.
    pub(crate) fn login(&self) -> LoggedIn {
        self.login.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its user has changed the password in it.
    pub(crate) fn renew(&self, login: LoggedIn) {
        *self.login.lock().unwrap_or_else(PoisonError::into_inner) = login;
    }

    /// Cancelled when the session is over.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    fn last_used(&self) -> MutexGuard<'_, Monotonic> {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, now: Monotonic) -> bool {
        now.since(self.began) >= SESSION_LONGEST || now.since(*self.last_used()) >= SESSION_IDLE
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("account", &self.account).finish_non_exhaustive()
    }
}

/// SHA-256 of a cookie's value: who reads the memory of the process learns no cookie.
type Key = [u8; 32];

/// All sessions, at most [`SESSIONS`].
#[derive(Debug)]
pub(crate) struct Sessions {
    clock: Arc<dyn Clock>,
    open: Mutex<HashMap<Key, Arc<Session>>>,
}

fn key(cookie: &str) -> Key {
    Sha256::digest(cookie.as_bytes()).into()
}

impl Sessions {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, open: Mutex::new(HashMap::new()) }
    }

    fn now(&self) -> Monotonic {
        self.clock.monotonic()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session and returns the value of its cookie. The one unused for longest makes room.
    ///
    /// # Errors
    /// No random numbers.
    pub(crate) fn begin(&self, login: LoggedIn, is_owner: bool) -> Result<Zeroizing<String>> {
        let (cookie, csrf, now) = (random_hex()?, random_hex()?, self.now());
        let session = Session {
            account: login.account.clone(),
            is_owner,
            login: Mutex::new(login),
            csrf,
            began: now,
            last_used: Mutex::new(now),
            notice: Mutex::new(None),
            ended: CancellationToken::new(),
        };
        let mut open = self.open();
        drop_those(&mut open, |session| session.is_over(now));
        if open.len() >= SESSIONS {
            let oldest = open.iter().min_by_key(|(_, session)| *session.last_used()).map(|(key, _)| *key);
            if let Some(session) = oldest.and_then(|oldest| open.remove(&oldest)) {
                session.ended.cancel();
            }
        }
        open.insert(key(&cookie), Arc::new(session));
        Ok(cookie)
    }

    /// The session of a cookie. `is_use` says whether its user did something; what a page asks for by itself does not keep a
    /// session open.
    pub(crate) fn find(&self, cookie: &str, is_use: bool) -> Option<Arc<Session>> {
        let (key, now) = (key(cookie), self.now());
        let mut open = self.open();
        let session = open.get(&key)?.clone();
        if session.is_over(now) {
            open.remove(&key);
            session.ended.cancel();
            return None;
        }
        if is_use {
            *session.last_used() = now;
        }
        Some(session)
    }

    /// Whether the session goes on.
    pub(crate) fn is_open(&self, session: &Session) -> bool {
        !session.ended.is_cancelled() && !session.is_over(self.now())
    }

    /// Logs out.
    pub(crate) fn end(&self, session: &Arc<Session>) {
        drop_those(&mut self.open(), |other| std::ptr::eq(other, session.as_ref()));
    }

    /// Ends all sessions but those that are `wanted`.
    pub(crate) fn end_unless(&self, wanted: impl Fn(&Session) -> bool) {
        drop_those(&mut self.open(), |session| !wanted(session));
    }
}

fn drop_those(open: &mut HashMap<Key, Arc<Session>>, is_meant: impl Fn(&Session) -> bool) {
    open.retain(|_, session| {
        let goes = is_meant(session);
        if goes {
            session.ended.cancel();
        }
        !goes
    });
}
