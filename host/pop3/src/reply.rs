//! Replies: `+OK` or `-ERR`, a response code where there is one (RFC 2449 section 8, RFC 3206), a text that
//! says what to do.

use std::borrow::Cow;

use bytes::BytesMut;

use crate::backend::{MaildropError, OpenError};

/// One reply line, without CR LF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(Cow<'static, str>);

macro_rules! replies {
    ($($name:ident = $text:literal;)*) => {
        impl Reply {
            $(#[doc = concat!("```text\n", $text, "\n```")] pub const $name: Self = Self(Cow::Borrowed($text));)*
        }
    };
}

replies! {
    GREETING = "+OK Toxmail POP3 server ready";
    OK = "+OK";
    USER_OK = "+OK Now the password (PASS)";
    UTF8_OK = "+OK UTF-8 it is";
    CHALLENGE = "+ ";
    BYE = "+OK Bye";
    DELETED = "+OK It goes at QUIT";
    STOPPING = "-ERR [SYS/TEMP] The server is stopping; try again in a minute";
    SESSIONS = "-ERR [SYS/TEMP] Too many open sessions; close some or try again in a minute";
    UNAUTHENTICATED_SESSIONS = "-ERR [SYS/TEMP] Too many sessions that have not logged in; try again in a few minutes";
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
    LOGIN_FIRST = "-ERR Log in first, with the account's name and password";
    LOGGED_IN = "-ERR Already logged in";
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

    /// The line, without CR LF.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends the line and CR LF to `output`.
    pub fn write(&self, output: &mut BytesMut) {
        output.extend_from_slice(self.0.as_bytes());
        output.extend_from_slice(b"\r\n");
    }
}

/// Makes a text from outside one line of at most 510 bytes (RFC 2449 section 4), in ASCII unless the client said
/// UTF8 (RFC 6856 section 2).
fn one_line(text: String, utf8: bool) -> Cow<'static, str> {
    let is_clean = |char: char| !char.is_control() && (utf8 || char.is_ascii());
    let mut line: String = if text.chars().all(is_clean) {
        text
    } else {
        text.chars().map(|char| if is_clean(char) { char } else { '?' }).collect()
    };
    let mut end = line.len().min(510);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    Cow::Owned(line)
}

#[cfg(test)]
mod tests;
