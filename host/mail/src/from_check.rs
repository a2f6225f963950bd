//! Holds the `From` of a mail against the Tox key that the mail came from.

use crate::address::Address;
use crate::header::HeaderFacts;
use crate::tox_id::{PublicKey, ToxId};

/// The result of a check. Only [`FromCheck::Pass`] means that the sender may use every address in
/// `From`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FromCheck {
    /// Every address in `From` belongs to the sender.
    Pass,
    /// At least one does not.
    Fail,
    /// There is no `From`.
    None,
    /// `From` cannot be read with certainty: twice there, malformed, or in a header section that is too long.
    Unclear,
}

impl FromCheck {
    /// The result word of RFC 8601 section 2.7.
    #[must_use]
    pub const fn result(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::None => "none",
            Self::Unclear => "permerror",
        }
    }

    /// One line for people.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Pass => "From belongs to the Tox key this mail came from",
            Self::Fail => "From is not an address of the Tox key this mail came from",
            Self::None => "this mail has no From",
            Self::Unclear => "From cannot be read with certainty",
        }
    }
}

/// Checks the addresses of `From` against a sender: `key` allows its own spellings `<64 hex>@tox` and `<76 hex>@tox`,
/// `allowed` lists the others (told by its gateway, or the alias the user gave), each with all its subaddresses.
#[must_use]
pub fn check(facts: &HeaderFacts, key: PublicKey, allowed: &[Address]) -> FromCheck {
    if facts.from_fields == 0 && !facts.unclear {
        return FromCheck::None;
    }
    if facts.unclear || facts.from_fields != 1 {
        return FromCheck::Unclear;
    }
    let belongs = |address: &Address| {
        key_of(address) == Some(key) || allowed.iter().any(|allowed| address.belongs_to(allowed))
    };
    if facts.from.iter().all(belongs) { FromCheck::Pass } else { FromCheck::Fail }
}

/// The key that an address spells in its local part, `<64 hex>@tox` or `<76 hex>@tox`; None for any other.
#[must_use]
pub fn key_of(address: &Address) -> Option<PublicKey> {
    if !address.is_tox() {
        return None;
    }
    key_of_text(address.local())
}

/// The key that 64 hex digits, or a Tox ID of 76, spell.
#[must_use]
pub fn key_of_text(text: &str) -> Option<PublicKey> {
    text.parse::<PublicKey>().ok().or_else(|| text.parse::<ToxId>().ok().map(|id| id.key))
}

#[cfg(test)]
mod tests;
