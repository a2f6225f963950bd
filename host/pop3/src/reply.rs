//! Replies: `+OK` or `-ERR`, a response code where there is one (RFC 2449 section 8, RFC 3206), a text that
//! says what to do.

use std::borrow::Cow;

use listener::reply::one_line;

use crate::backend::{MaildropError, OpenError};

listener::replies! {
    /// One reply line, without CR LF.
    pub struct Reply;

    GREETING = "+OK Toxmail POP3 server ready";
    OK = "+OK";
    USER_OK = "+OK Now the password (PASS)";
    UTF8_OK = "+OK UTF-8 it is";
    START_TLS = "+OK Begin TLS";
    CHALLENGE = "+ ";
    BYE = "+OK Bye";
    DELETED = "+OK It goes at QUIT";
    STOPPING = "-ERR [SYS/TEMP] The server is stopping; try again in a minute";
    SESSIONS = "-ERR [SYS/TEMP] Too many open sessions; close some or try again in a minute";
    UNAUTHENTICATED_SESSIONS = "-ERR [SYS/TEMP] Too many sessions that have not logged in; try again in a few seconds";
    DISPLACED = "-ERR [SYS/TEMP] Others wait to log in; connect again and log in at once";
    TOO_MANY_ERRORS = "-ERR Too many errors; connect again";
    HTTP = "-ERR This is a POP3 port, not a web server";
    LINE_TOO_LONG = "-ERR The line is too long";
    BARE_CR = "-ERR Lines end with CR LF; a CR alone is not allowed";
    BARE_LF = "-ERR Lines end with CR LF; an LF alone is not allowed";
    NUL = "-ERR The command contains a NUL byte";
    NOT_UTF8 = "-ERR The command is neither ASCII nor UTF-8";
    UNKNOWN = "-ERR Unknown command; CAPA lists what is offered";
    NO_ARGUMENT = "-ERR This command takes no argument";
    USER_ARGUMENT = "-ERR Say whose mail: USER name";
    PASS_ARGUMENT = "-ERR The password is missing: PASS password";
    NUMBER_ARGUMENT = "-ERR Say which message, by its number";
    TOP_ARGUMENT = "-ERR Write it as TOP number lines";
    USER_FIRST = "-ERR Say USER first";
    APOP = "-ERR APOP is not offered, it would need the password stored readable; use USER and PASS or AUTH PLAIN";
    MECHANISM = "-ERR Only AUTH PLAIN is offered, beside USER and PASS";
    AUTH_CANCELLED = "-ERR Login cancelled";
    AUTH_BASE64 = "-ERR The login is not valid base64";
    AUTH_FORM = "-ERR The login is not in the form AUTH PLAIN asks for";
    OTHER_IDENTITY = "-ERR [AUTH] Logging in for another account is not possible; leave the authorization identity empty";
    LOGIN_ENDED = "-ERR [AUTH] The account has another password now, or is switched off or removed; connect and log in again";
    LOGIN_FIRST = "-ERR Log in first, with the account's name and password";
    LOGGED_IN = "-ERR Already logged in";
    TLS_TWICE = "-ERR TLS is on already";
    TLS_NOT_OFFERED = "-ERR STLS is not offered here";
    TLS_PIPELINED = "-ERR Nothing may follow STLS before its answer is read: what was sent in plain text does not count after it";
    NO_SUCH_MESSAGE = "-ERR There is no message with this number";
    IS_DELETED = "-ERR This message is marked as deleted; RSET takes that back";
}

impl Reply {
    /// `+OK` with a text.
    #[must_use]
    pub fn ok(text: &str) -> Self {
        Self(format!("+OK {text}").into())
    }

    /// Why the maildrop was not opened.
    #[must_use]
    pub fn not_opened(error: &OpenError, utf8: bool) -> Self {
        match error {
            OpenError::InvalidCredentials(text) => Self(one_line(format!("-ERR [AUTH] {text}"), utf8)),
            OpenError::OtherIdentity => Self::OTHER_IDENTITY,
            OpenError::InUse => Self(Cow::Borrowed(
                "-ERR [IN-USE] The mailbox is open in another session; close that mail program or try again later",
            )),
            OpenError::Temporary(text) => Self(one_line(format!("-ERR [SYS/TEMP] {text}"), utf8)),
        }
    }

    /// Why a message was not read, or the deletions not made.
    #[must_use]
    pub fn failed(what: &str, error: &MaildropError, utf8: bool) -> Self {
        let (code, text) = match error {
            MaildropError::Temporary(text) => ("SYS/TEMP", text),
            MaildropError::Permanent(text) => ("SYS/PERM", text),
        };
        Self(one_line(format!("-ERR [{code}] {what}: {text}"), utf8))
    }
}

#[cfg(test)]
mod tests;
