//! Names that DNS can be asked for.

use std::fmt;
use std::str::FromStr;

use hickory_resolver::proto::rr::Name;

/// A fully qualified name for a look-up: labels of letters, digits, `-` and `_` (RFC 1035 section 2.3.1, with the
/// underscore of RFC 8552), of 1 to 63 bytes each and 253 in all, compared without case. Labels in other scripts are
/// turned to their ASCII form (IDNA). A dot at the end is allowed and means nothing: search lists are never used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsName(Name);

/// Why a text is not a name for a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing, or nothing between two dots.
    #[error("a part between the dots is empty")]
    EmptyLabel,
    /// RFC 1035 section 2.3.4.
    #[error("names have at most 253 bytes, and 63 between two dots")]
    TooLong,
    /// A character no host or service name has.
    #[error("names have letters, digits, dashes and underscores")]
    Character,
    /// Other scripts, and not allowed by IDNA.
    #[error("this is not a valid internationalized name")]
    Idna,
}

/// Longest name as text, without the dot at the end.
const NAME_BYTES: usize = 253;

/// Longest label (RFC 1035 section 2.3.4).
const LABEL_BYTES: usize = 63;

impl DnsName {
    pub(crate) fn as_name(&self) -> &Name {
        &self.0
    }
}

impl FromStr for DnsName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_suffix('.').unwrap_or(text);
        // Four bytes a character at most: longer texts cannot become shorter names.
        if text.len() > 4 * NAME_BYTES {
            return Err(InvalidName::TooLong);
        }
        text.split('.').try_for_each(check_label)?;
        let mut name = if text.is_ascii() {
            Name::from_ascii(text).map_err(|_| InvalidName::TooLong)?
        } else {
            Name::from_utf8(text).map_err(|_| InvalidName::Idna)?
        };
        name.set_fqdn(true);
        let ascii = name.to_ascii();
        if ascii.trim_end_matches('.').len() > NAME_BYTES {
            return Err(InvalidName::TooLong);
        }
        // IDNA maps characters: what came out is checked as what went in.
        ascii.trim_end_matches('.').split('.').try_for_each(check_label)?;
        Ok(Self(name.to_lowercase()))
    }
}

fn check_label(label: &str) -> Result<(), InvalidName> {
    if label.is_empty() {
        return Err(InvalidName::EmptyLabel);
    }
    if label.is_ascii() && label.len() > LABEL_BYTES {
        return Err(InvalidName::TooLong);
    }
    let is_allowed =
        |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_') || !char.is_ascii();
    if label.chars().all(|char| is_allowed(char) && !char.is_control()) {
        Ok(())
    } else {
        Err(InvalidName::Character)
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_ascii())
    }
}

#[cfg(test)]
mod tests;
