//! Who checks the passwords of the browser's users.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use mail::sasl::Credentials;
use mail::{AccountName, LoggedIn};

use crate::management::Result;

/// What became of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginAnswer {
    /// It is right.
    LoggedIn(LoggedIn),
    /// It is wrong: the name, the password, or both.
    Wrong,
    /// Too many were wrong: the password was not looked at, and will not be before this has passed.
    Later(Duration),
}

/// Checks the passwords that open mail and web, and bounds how often they may be tried: implemented by the daemon.
#[async_trait]
pub trait Login: Send + Sync + 'static {
    /// Checks a login from `source`: its name is that of an account, or a mail address of it.
    ///
    /// # Errors
    /// The gateway could not look it up.
    async fn check(&self, credentials: &Credentials, source: IpAddr) -> Result<LoginAnswer>;

    /// Whether a login still holds: its account is there, switched on, and has the same password. Asked at each request, so it
    /// takes microseconds.
    fn is_current(&self, login: &LoggedIn) -> bool;

    /// A login of an account as it is now, for the session that has just changed its password; None where there is none.
    fn current(&self, account: &AccountName) -> Option<LoggedIn>;

    /// Where a user finds the right password, in one sentence for who asks from `source`. It is shown without a login.
    fn hint(&self, source: IpAddr) -> String;
}
