//! Replies: three digits, an enhanced status code (RFC 2034), a text that says what to do.
//!
//! The greeting, the answer to EHLO and the 3xx replies carry no enhanced code (RFC 2034 section 4).

use listener::reply::one_line;
use mail::Refusal;

listener::replies! {
    /// One reply line, without CR LF.
    pub struct Reply;

    START_TLS = "220 2.0.0 Begin TLS";
    HELP = "214 2.0.0 Log in (AUTH), then MAIL FROM:<you>, RCPT TO:<them>, DATA. Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT";
    BYE = "221 2.0.0 Bye";
    AUTHENTICATED = "235 2.7.0 Authenticated";
    OK = "250 2.0.0 OK";
    SENDER_OK = "250 2.1.0 Sender accepted";
    RECIPIENT_OK = "250 2.1.5 Recipient accepted";
    CANNOT_VERIFY = "252 2.0.0 Addresses are checked at RCPT, not here";
    CHALLENGE_EMPTY = "334 ";
    CHALLENGE_USER = "334 VXNlcm5hbWU6";
    CHALLENGE_PASSWORD = "334 UGFzc3dvcmQ6";
    START_DATA = "354 Send the mail; end it with a line that is a single dot";
    STOPPING = "421 4.3.2 The server is stopping; try again in a minute";
    SESSIONS = "421 4.3.2 Too many open sessions; close some or try again in a minute";
    UNAUTHENTICATED_SESSIONS = "421 4.7.0 Too many sessions that have not logged in; try again in a few seconds";
    DISPLACED = "421 4.7.0 Others wait to log in; connect again and log in at once";
    LOGIN_ENDED = "421 4.7.0 The account has another password now, or is switched off or removed; connect and log in again";
    TIMEOUT = "421 4.4.2 Nothing came for too long; connect again";
    TOO_MANY_ERRORS = "421 4.7.0 Too many errors; connect again";
    TOO_MANY_FAILURES = "421 4.7.0 Too many wrong passwords; connect again with the right one";
    HTTP = "421 4.7.0 This is a mail submission port, not a web server";
    TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients for one mail; send it again to the rest";
    LINE_TOO_LONG = "500 5.5.2 The line is too long";
    AUTH_LINE_TOO_LONG = "500 5.5.6 The AUTH line is too long";
    BARE_CR = "500 5.5.2 Lines end with CR LF; a CR alone is not allowed";
    BARE_LF = "500 5.5.2 Lines end with CR LF; an LF alone is not allowed";
    CONTROL = "500 5.5.2 The command contains a NUL byte";
    NOT_UTF8 = "500 5.5.2 The command is neither ASCII nor UTF-8";
    UNKNOWN = "500 5.5.1 Unknown command; HELP lists the known ones";
    EHLO_ARGUMENT = "501 5.5.4 Say who you are: EHLO name";
    NO_ARGUMENT = "501 5.5.4 This command takes no argument";
    MAIL_SYNTAX = "501 5.5.4 Write it as MAIL FROM:<address>, options after it";
    RCPT_SYNTAX = "501 5.5.4 Write it as RCPT TO:<address>, options after it";
    PARAMETER_VALUE = "501 5.5.4 The value of an option is not valid";
    PARAMETER_TWICE = "501 5.5.4 An option is given twice";
    AUTH_ARGUMENT = "501 5.5.4 Say how to log in: AUTH PLAIN or AUTH LOGIN";
    AUTH_CANCELLED = "501 5.7.0 Login cancelled";
    AUTH_BASE64 = "501 5.5.2 The login is not valid base64";
    AUTH_FORM = "501 5.5.2 The login is not in the form this AUTH mechanism asks for";
    NOT_IMPLEMENTED = "502 5.5.1 This command is not offered here";
    EHLO_FIRST = "503 5.5.1 Say EHLO first";
    TLS_TWICE = "503 5.5.1 TLS is on already";
    TLS_AFTER_LOGIN = "503 5.5.1 STARTTLS comes before AUTH; connect again";
    TLS_IN_MAIL = "503 5.5.1 STARTTLS comes before MAIL, not after it";
    TLS_PIPELINED = "503 5.5.1 Nothing may follow STARTTLS before its answer is read: what was sent in plain text does not count after it";
    AUTH_TWICE = "503 5.5.1 Already logged in";
    AUTH_IN_MAIL = "503 5.5.1 Log in before MAIL, not after it";
    MAIL_TWICE = "503 5.5.1 A mail has begun already; finish it or say RSET";
    MAIL_FIRST = "503 5.5.1 Say MAIL first";
    RCPT_FIRST = "503 5.5.1 Say RCPT first";
    AUTH_MECHANISM = "504 5.5.4 Only AUTH PLAIN and AUTH LOGIN are offered";
    AUTH_REQUIRED = "530 5.7.0 Log in first (AUTH), with the account's name and password";
    OTHER_IDENTITY = "535 5.7.8 Logging in for another account is not possible; leave the authorization identity empty";
    BARE_IN_DATA = "550 5.6.0 The mail contains a CR or LF alone; lines must end with CR LF. Nothing was sent";
    SENDER_UTF8 = "553 5.6.7 The address is not ASCII: add the SMTPUTF8 option to MAIL";
    RECIPIENT_UTF8 = "553 5.6.7 The address is not ASCII: send this mail with the SMTPUTF8 option of MAIL";
    NO_VALID_RECIPIENT = "554 5.5.1 No recipient was accepted";
    PARAMETER_UNKNOWN = "555 5.5.4 An option is not known here; EHLO lists the extensions";
}

impl Reply {
    /// 552 5.3.4: the mail is over the limit (RFC 1870 section 6).
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self(format!("552 5.3.4 The mail is larger than the {limit} bytes allowed here").into())
    }

    /// 501: the address cannot be one (5.1.7 for a sender, 5.1.3 for a recipient).
    #[must_use]
    pub fn bad_address(error: &mail::address::InvalidAddress, sender: bool) -> Self {
        Self(format!("501 5.1.{} Not a mail address: {error}", if sender { 7 } else { 3 }).into())
    }

    /// 250 2.0.0 with the backend's text: the mail is durable.
    #[must_use]
    pub fn accepted(text: &str, utf8: bool) -> Self {
        Self(one_line(format!("250 2.0.0 {text}"), utf8))
    }

    /// 535 5.7.8 with the backend's text (RFC 4954 section 6).
    #[must_use]
    pub fn wrong_password(text: &str) -> Self {
        Self(one_line(format!("535 5.7.8 {text}"), false))
    }

    /// 454 with the refusal's status and text (RFC 4954 section 6).
    #[must_use]
    pub fn cannot_authenticate(refusal: &Refusal) -> Self {
        let status =
            if refusal.status.class() == 4 { refusal.status.to_string() } else { "4.7.0".to_owned() };
        Self(one_line(format!("454 {status} {}", refusal.text()), false))
    }

    /// A refusal of the backend, under the basic code RFC 5321 section 4.2.2 has for its kind.
    #[must_use]
    pub fn refusal(refusal: &Refusal, utf8: bool) -> Self {
        let status = refusal.status.to_string();
        // RFC 2034 section 4: both codes have the same class.
        let (code, status) = match status.as_str() {
            "5.3.4" | "5.2.2" | "5.2.3" | "5.3.1" => (552, status.as_str()),
            "4.3.1" | "4.2.2" | "4.5.3" => (452, status.as_str()),
            other => match refusal.status.class() {
                5 => (550, other),
                4 => (451, other),
                // A 2.x.x status cannot be a refusal; treat it as a temporary failure.
                _ => (451, "4.3.0"),
            },
        };
        Self(one_line(format!("{code} {status} {}", refusal.text()), utf8))
    }
}

#[cfg(test)]
mod tests;
