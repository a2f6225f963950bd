//! Mail addresses as RFC 5321 section 4.1.2 and RFC 6531 section 3.3 write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{DOMAIN_BYTES, LOCAL_PART_BYTES};

/// The domain of addresses that name a Tox key, a contact or a local account.
pub const TOX_DOMAIN: &str = "tox";

/// Means the same as [`TOX_DOMAIN`], for mail programs that refuse a domain without a dot.
/// (`.internal` is reserved for private use.)
pub const TOX_DOMAIN_DOTTED: &str = "tox.internal";

/// A mailbox: local part and domain. The domain is in lower case; the local part is as it came.
///
/// Bounds: local part 1 to [`LOCAL_PART_BYTES`], domain 1 to [`DOMAIN_BYTES`] (RFC 5321 section 4.5.3.1). They hold for
/// the text as it came and for every form it is written in later: lower case can be longer (U+0130 grows from two bytes to
/// three). So an address that was accepted once is accepted again from its own text, and so is its
/// [canonical](Address::canonical) form.
/// UTF-8 is allowed in both (SMTPUTF8); control characters and blanks outside quotes are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not a mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// There is no `@`, or nothing on one side of it.
    #[error("a mail address has the form name@domain")]
    NoAt,
    /// The local part is longer than RFC 5321 section 4.5.3.1.1 allows.
    #[error("the part before @ is longer than 64 bytes; for a Tox ID use its 76 hex digits without spaces")]
    LocalTooLong,
    /// The domain is longer than RFC 5321 section 4.5.3.1.2 allows.
    #[error("the domain is longer than 255 bytes")]
    DomainTooLong,
    /// The local part is neither a dot-string nor a quoted string.
    #[error("the part before @ contains a character that is not allowed there")]
    BadLocal,
    /// The domain has an empty label or a character no domain has.
    #[error("the domain is not a valid domain name")]
    BadDomain,
}

impl Address {
    /// The part before the `@`, unquoted (`"a b"@c` gives `a b`).
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether the domain is [`TOX_DOMAIN`] or its dotted twin.
    #[must_use]
    pub fn is_tox(&self) -> bool {
        self.domain == TOX_DOMAIN || self.domain == TOX_DOMAIN_DOTTED
    }

    /// The address `local@tox`.
    ///
    /// # Errors
    /// As parsing does.
    pub fn at_tox(local: &str) -> Result<Self, InvalidAddress> {
        format!("{local}@{TOX_DOMAIN}").parse()
    }

    /// The address `<76 hex digits>@tox`, which is always one.
    pub(crate) fn of_tox_id(id: &crate::ToxId) -> Self {
        Self { local: id.to_string().to_lowercase(), domain: TOX_DOMAIN.to_owned() }
    }

    /// The same address with `tox.internal` written as `tox`; others unchanged. Compare these.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut canonical = self.clone();
        if canonical.is_tox() {
            canonical.domain = TOX_DOMAIN.to_owned();
            canonical.local = canonical.local.to_lowercase();
        }
        canonical
    }

    /// The address without a subaddress (RFC 5233 section 1): `user+detail@domain` becomes `user@domain`. Others are unchanged, also
    /// those with nothing before the `+`.
    #[must_use]
    pub fn without_detail(&self) -> Self {
        match self.local.split_once('+') {
            Some((user, _)) if !user.is_empty() && !user.ends_with('.') => {
                Self { local: user.to_owned(), domain: self.domain.clone() }
            }
            _ => self.clone(),
        }
    }

    /// The name that every spelling of one mailbox has in common: canonical, without a subaddress, ASCII letters in lower case. Keys are
    /// pinned to it.
    #[must_use]
    pub fn name(&self) -> Self {
        let mut name = self.canonical().without_detail();
        name.local.make_ascii_lowercase();
        name
    }

    /// Whether mail to this address is `owner`'s: the same mailbox, perhaps with a subaddress (RFC 5233). Where the owner's address
    /// has a subaddress itself, only that one is.
    #[must_use]
    pub fn belongs_to(&self, owner: &Self) -> bool {
        let (this, owner) = (self.canonical(), owner.canonical());
        this == owner || this.without_detail() == owner
    }

    /// The local part as it is written before the `@`: quoted where it must be.
    fn written_local(&self) -> String {
        let is_dot_string =
            self.local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char));
        if is_dot_string {
            return self.local.clone();
        }
        format!("\"{}\"", self.local.replace('\\', "\\\\").replace('"', "\\\""))
    }

    /// Whether the address can be sent without SMTPUTF8.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii() && self.domain.is_ascii()
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.rfind('@').ok_or(InvalidAddress::NoAt)?;
        let (local, domain) = (&text[..at], &text[at + 1..]);
        if local.is_empty() || domain.is_empty() {
            return Err(InvalidAddress::NoAt);
        }
        let address = Self { local: parse_local(local)?, domain: parse_domain(domain)? };
        // The form that addresses are compared in must be an address too.
        if address.is_tox() {
            parse_local(&address.canonical().written_local())?;
        }
        Ok(address)
    }
}

/// A local part of 76 hex digits is over the RFC's 64 bytes; it is the one exception we make.
fn is_local_length_allowed(local: &str) -> bool {
    local.len() <= LOCAL_PART_BYTES
        || (local.len() == 76 && local.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn parse_local(local: &str) -> Result<String, InvalidAddress> {
    if !is_local_length_allowed(local) {
        return Err(InvalidAddress::LocalTooLong);
    }
    match local.strip_prefix('"') {
        Some(rest) => parse_quoted(rest.strip_suffix('"').ok_or(InvalidAddress::BadLocal)?),
        None if local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char)) => {
            Ok(local.to_owned())
        }
        None => Err(InvalidAddress::BadLocal),
    }
}

fn parse_quoted(inner: &str) -> Result<String, InvalidAddress> {
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                text.push(chars.next().filter(|next| is_quotable(*next)).ok_or(InvalidAddress::BadLocal)?)
            }
            '"' => return Err(InvalidAddress::BadLocal),
            other if is_quotable(other) => text.push(other),
            _ => return Err(InvalidAddress::BadLocal),
        }
    }
    if text.is_empty() { Err(InvalidAddress::BadLocal) } else { Ok(text) }
}

fn is_quotable(char: char) -> bool {
    !char.is_control()
}

/// `atext` of RFC 5322 section 3.2.3, with UTF-8 as RFC 6531 adds.
fn is_atom_char(char: char) -> bool {
    if char.is_ascii() {
        char.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(char)
    } else {
        !char.is_control() && !char.is_whitespace()
    }
}

fn parse_domain(domain: &str) -> Result<String, InvalidAddress> {
    if domain.len() > DOMAIN_BYTES {
        return Err(InvalidAddress::DomainTooLong);
    }
    let domain = domain.to_lowercase();
    // Again: lower case can be longer.
    if domain.len() > DOMAIN_BYTES {
        return Err(InvalidAddress::DomainTooLong);
    }
    let label_is_valid = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|char| {
                char.is_ascii_alphanumeric()
                    || char == '-'
                    || char == '_'
                    || (!char.is_ascii() && !char.is_control() && !char.is_whitespace())
            })
    };
    if domain.split('.').all(label_is_valid) { Ok(domain) } else { Err(InvalidAddress::BadDomain) }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.written_local(), self.domain)
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests;
