//! Command lines, parsed (RFC 1939, 2449, 2595, 5034, 6856).

use crate::reply::Reply;

/// A command that is well-formed; whether it has its place here is the session's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// USER: the login.
    User(&'a str),
    /// PASS: everything behind the blank, blanks included (RFC 1939 section 7).
    Pass(&'a str),
    /// AUTH alone: list the mechanisms.
    AuthList,
    /// AUTH PLAIN with its initial response, if any, still in base64.
    AuthPlain(Option<&'a str>),
    /// APOP, which is not offered.
    Apop,
    /// STLS (RFC 2595 section 4).
    Stls,
    /// CAPA.
    Capa,
    /// UTF8.
    Utf8,
    /// STAT.
    Stat,
    /// LIST, of one message or all.
    List(Option<Number>),
    /// UIDL, of one message or all.
    Uidl(Option<Number>),
    /// RETR.
    Retr(Number),
    /// TOP: message and lines of its body.
    Top(Number, u64),
    /// DELE.
    Dele(Number),
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
    /// The first line of an HTTP request: a web page makes a browser talk to this port.
    Http,
}

/// A message number as the client wrote it, from 1. None where it is 0 or beyond any.
pub type Number = Option<usize>;

/// Parses one command line, CR LF removed.
///
/// # Errors
/// The reply that refuses it.
pub fn parse(line: &[u8]) -> Result<Command<'_>, Reply> {
    if line.contains(&0) {
        return Err(Reply::NUL);
    }
    let line = str::from_utf8(line).map_err(|_| Reply::NOT_UTF8)?;
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let is = |name: &str| verb.eq_ignore_ascii_case(name);
    if is("PASS") {
        return if rest.is_empty() { Err(Reply::PASS_ARGUMENT) } else { Ok(Command::Pass(rest)) };
    }
    let argument = rest.trim_matches(' ');
    if is("RETR") {
        return number(argument).map(Command::Retr);
    }
    if is("DELE") {
        return number(argument).map(Command::Dele);
    }
    if is("TOP") {
        let (message, lines) = argument.split_once(' ').ok_or(Reply::TOP_ARGUMENT)?;
        return Ok(Command::Top(number(message)?, lines_of_top(lines.trim_matches(' '))?));
    }
    if is("LIST") {
        return optional_number(argument).map(Command::List);
    }
    if is("UIDL") {
        return optional_number(argument).map(Command::Uidl);
    }
    if is("USER") {
        return if argument.is_empty() { Err(Reply::USER_ARGUMENT) } else { Ok(Command::User(argument)) };
    }
    if is("AUTH") {
        return auth(argument);
    }
    if is("APOP") {
        return Ok(Command::Apop);
    }
    if argument.contains("HTTP/1") || ["HOST:", "USER-AGENT:"].into_iter().any(is) {
        return Ok(Command::Http);
    }
    let command = without_argument(verb).ok_or(Reply::UNKNOWN)?;
    if argument.is_empty() { Ok(command) } else { Err(Reply::NO_ARGUMENT) }
}

fn without_argument(verb: &str) -> Option<Command<'static>> {
    let commands = [
        ("STAT", Command::Stat),
        ("NOOP", Command::Noop),
        ("RSET", Command::Rset),
        ("QUIT", Command::Quit),
        ("CAPA", Command::Capa),
        ("STLS", Command::Stls),
        ("UTF8", Command::Utf8),
    ];
    commands.into_iter().find(|(name, _)| verb.eq_ignore_ascii_case(name)).map(|(_, command)| command)
}

fn auth(argument: &str) -> Result<Command<'_>, Reply> {
    let (name, initial) = match argument.split_once(' ') {
        Some((name, initial)) => (name, Some(initial.trim_matches(' '))),
        None => (argument, None),
    };
    match name {
        "" => Ok(Command::AuthList),
        _ if name.eq_ignore_ascii_case("PLAIN") => Ok(Command::AuthPlain(initial)),
        _ => Err(Reply::MECHANISM),
    }
}

fn number(argument: &str) -> Result<Number, Reply> {
    if argument.is_empty() || !argument.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reply::NUMBER_ARGUMENT);
    }
    Ok(argument.parse().ok().filter(|number| *number > 0))
}

fn optional_number(argument: &str) -> Result<Option<Number>, Reply> {
    if argument.is_empty() { Ok(None) } else { number(argument).map(Some) }
}

/// More lines than there are numbers means all of them.
fn lines_of_top(argument: &str) -> Result<u64, Reply> {
    if argument.is_empty() || !argument.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reply::TOP_ARGUMENT);
    }
    Ok(argument.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
