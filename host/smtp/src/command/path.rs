//! Reverse-path and forward-path (RFC 5321 section 4.1.2).

use mail::{Address, ReversePath};

use crate::reply::Reply;

/// Splits `FROM:<path> parameters` into what stands between the angle brackets and what follows. Blanks after the colon
/// are not in the RFC but in programs.
pub(super) fn split<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (found, rest) = (argument.get(..keyword.len())?, argument.get(keyword.len()..)?);
    if !found.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let path = rest.trim_start_matches(' ').strip_prefix('<')?;
    let end = closing_bracket(path)?;
    let parameters = path.get(end + 1..)?;
    let separated = parameters.is_empty() || parameters.starts_with(' ');
    separated.then_some((path.get(..end)?, parameters))
}

/// Where the path ends: the first `>` outside a quoted local part.
fn closing_bracket(path: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Removes a source route `@one,@two:`, to be accepted and ignored (RFC 5321 section 4.1.1.3 and appendix C).
fn without_route(path: &str) -> &str {
    match path.split_once(':') {
        Some((_, mailbox)) if path.starts_with('@') => mailbox,
        _ => path,
    }
}

pub(super) fn reverse(path: &str) -> Result<ReversePath, Reply> {
    if path.is_empty() {
        return Ok(ReversePath::Null);
    }
    let address: Address = without_route(path).parse().map_err(|error| Reply::bad_address(&error, true))?;
    Ok(ReversePath::Mailbox(address))
}

/// The mailbox that everybody has, and that alone may be named without a domain, in any case (RFC 5321 sections 4.1.1.3 and 4.5.1).
const POSTMASTER: &str = "postmaster";

pub(super) fn forward(path: &str) -> Result<Address, Reply> {
    let mailbox = without_route(path);
    if mailbox.eq_ignore_ascii_case(POSTMASTER) {
        return Address::at_tox(POSTMASTER).map_err(|error| Reply::bad_address(&error, false));
    }
    mailbox.parse().map_err(|error| Reply::bad_address(&error, false))
}
