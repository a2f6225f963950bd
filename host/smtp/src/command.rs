//! Command lines, parsed (RFC 5321 section 4.1.1 and the extensions' own).

mod parameters;
mod path;

use crate::backend::{MailFrom, Recipient};
use crate::reply::Reply;

/// A command that is well-formed; whether it has its place here is the session's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// EHLO: extensions wanted.
    Ehlo,
    /// HELO: none wanted.
    Helo,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH with its mechanism and, where one is given, the initial response, still in base64.
    Auth(Mechanism, Option<&'a str>),
    /// MAIL FROM.
    Mail(MailFrom),
    /// RCPT TO.
    Rcpt(Recipient),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP, any argument ignored (RFC 5321 section 4.1.1.9).
    Noop,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// The first line of an HTTP request: a web page makes a browser talk to this port.
    Http,
}

/// A SASL mechanism offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised and used by many: two challenges, login and password.
    Login,
}

/// Parses one command line, CR LF removed.
///
/// # Errors
/// The reply that refuses it.
pub fn parse(line: &[u8]) -> Result<Command<'_>, Reply> {
    if line.contains(&0) {
        return Err(Reply::CONTROL);
    }
    if let Some(command) = whatever_follows(line) {
        return command;
    }
    let line = str::from_utf8(line).map_err(|_| Reply::NOT_UTF8)?.trim_end_matches([' ', '\t']);
    let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim_start_matches(' ');
    let is = |name: &str| verb.eq_ignore_ascii_case(name);
    if is("MAIL") {
        return mail(argument).map(Command::Mail);
    }
    if is("RCPT") {
        return rcpt(argument).map(Command::Rcpt);
    }
    if is("AUTH") {
        return auth(argument);
    }
    if ["BDAT", "ETRN", "EXPN", "TURN", "SEND", "SOML", "SAML"].into_iter().any(is) {
        return Err(Reply::NOT_IMPLEMENTED);
    }
    if argument.contains(" HTTP/1") || ["HOST:", "USER-AGENT:"].into_iter().any(is) {
        return Ok(Command::Http);
    }
    let command = if is("DATA") {
        Command::Data
    } else if is("RSET") {
        Command::Rset
    } else if is("QUIT") {
        Command::Quit
    } else if is("STARTTLS") {
        Command::StartTls
    } else {
        return Err(Reply::UNKNOWN);
    };
    if argument.is_empty() { Ok(command) } else { Err(Reply::NO_ARGUMENT) }
}

/// The commands whose argument is of no consequence: it is neither used nor kept, so it may be in any character set. Names of
/// machines are often in the one of their country.
fn whatever_follows(line: &[u8]) -> Option<Result<Command<'static>, Reply>> {
    let line = line.trim_ascii_end();
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (verb, argument) = line.split_at(end);
    let is = |name: &str| verb.eq_ignore_ascii_case(name.as_bytes());
    if is("EHLO") || is("HELO") {
        let command = if is("EHLO") { Command::Ehlo } else { Command::Helo };
        return Some(if argument.is_empty() { Err(Reply::EHLO_ARGUMENT) } else { Ok(command) });
    }
    let known = [("NOOP", Command::Noop), ("VRFY", Command::Vrfy), ("HELP", Command::Help)];
    known.into_iter().find_map(|(name, command)| is(name).then_some(Ok(command)))
}

fn auth(argument: &str) -> Result<Command<'_>, Reply> {
    let (name, initial) = match argument.split_once(' ') {
        Some((name, initial)) => (name, Some(initial.trim_start_matches(' '))),
        None => (argument, None),
    };
    let mechanism = match name {
        "" => return Err(Reply::AUTH_ARGUMENT),
        _ if name.eq_ignore_ascii_case("PLAIN") => Mechanism::Plain,
        _ if name.eq_ignore_ascii_case("LOGIN") => Mechanism::Login,
        _ => return Err(Reply::AUTH_MECHANISM),
    };
    Ok(Command::Auth(mechanism, initial))
}

fn mail(argument: &str) -> Result<MailFrom, Reply> {
    let (path, parameters) = path::split(argument, "FROM:").ok_or(Reply::MAIL_SYNTAX)?;
    let reverse_path = path::reverse(path)?;
    let mail = parameters::mail(reverse_path, parameters)?;
    match &mail.reverse_path {
        // RFC 6531 section 3.5: such an address needs the parameter.
        mail::ReversePath::Mailbox(address) if !mail.smtputf8 && !address.is_ascii() => {
            Err(Reply::SENDER_UTF8)
        }
        _ => Ok(mail),
    }
}

fn rcpt(argument: &str) -> Result<Recipient, Reply> {
    let (path, parameters) = path::split(argument, "TO:").ok_or(Reply::RCPT_SYNTAX)?;
    parameters::rcpt(path::forward(path)?, parameters)
}

#[cfg(test)]
mod tests;
