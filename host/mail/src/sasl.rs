//! Login and password as mail programs hand them over: the SASL mechanism PLAIN (RFC 4616).

use std::fmt;

use zeroize::Zeroizing;

/// A login with its password; the password is erased from memory when this is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authorization identity: as whom the client wants to act; None where it did not say. The
    /// code that checks the password decides whether it names the account that logs in (RFC 4616
    /// section 2).
    pub acts_as: Option<String>,
    /// The authentication identity, as the client wrote it.
    pub login: String,
    /// The password, as the client wrote it.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("login", &self.login).finish_non_exhaustive()
    }
}

/// Why a PLAIN message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlain {
    /// Not `[authzid] NUL authcid NUL passwd` in UTF-8 with both of the latter present.
    #[error("the login is not in the form SASL PLAIN asks for")]
    Form,
}

impl Credentials {
    /// A login and its password, as USER and PASS or AUTH LOGIN give them.
    #[must_use]
    pub const fn new(login: String, password: Zeroizing<String>) -> Self {
        Self { acts_as: None, login, password }
    }

    /// Reads a PLAIN message (RFC 4616 section 2), base64 already removed.
    ///
    /// # Errors
    /// [`InvalidPlain`]; nothing of the message is in the error.
    pub fn from_plain(message: &[u8]) -> Result<Self, InvalidPlain> {
        let text = str::from_utf8(message).map_err(|_| InvalidPlain::Form)?;
        let mut parts = text.split('\0');
        let (Some(authzid), Some(login), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidPlain::Form);
        };
        if login.is_empty() || password.is_empty() {
            return Err(InvalidPlain::Form);
        }
        let acts_as = Some(authzid).filter(|authzid| !authzid.is_empty()).map(str::to_owned);
        Ok(Self { acts_as, ..Self::new(login.to_owned(), Zeroizing::new(password.to_owned())) })
    }
}

#[cfg(test)]
mod tests;
