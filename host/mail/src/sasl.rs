//! Login and password as mail programs hand them over: the SASL mechanism PLAIN (RFC 4616).

use std::fmt;

use zeroize::Zeroizing;

/// A login with its password; the password is erased from memory when this is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
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
    /// The client wants to act as somebody else than it logs in as, which nobody may.
    #[error("logging in for another account is not possible")]
    OtherIdentity,
}

impl Credentials {
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
        if !authzid.is_empty() && authzid != login {
            return Err(InvalidPlain::OtherIdentity);
        }
        Ok(Self { login: login.to_owned(), password: Zeroizing::new(password.to_owned()) })
    }
}

#[cfg(test)]
mod tests;
