//! Answers of components become types here, or are refused as nonsense.

use mail::status::EnhancedStatus;
use mail::{PublicKey, Refusal};

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::limits::{ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, REASON_BYTES};

/// What makes no sense about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nonsense(pub(crate) String);

impl Nonsense {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(one_line(&text.into(), REASON_BYTES))
    }
}

/// Unsafe characters become blanks, and what is over `bytes` is cut between characters.
pub(crate) fn one_line(text: &str, bytes: usize) -> String {
    // A blank is never longer than what it replaces, and a component's text may be much longer than what is kept.
    mail::text::one_line(mail::text::cut(text, bytes))
}

/// A reason for people: one line with something in it.
pub(crate) fn reason(text: &str) -> Result<String, Nonsense> {
    let line = one_line(text.trim(), REASON_BYTES);
    if line.is_empty() { Err(Nonsense::new("a text for people is empty")) } else { Ok(line) }
}

/// A refusal whose status is of one of `classes`.
pub(crate) fn refusal(refusal: &types::Refusal, classes: &[u8]) -> Result<Refusal, Nonsense> {
    let status: EnhancedStatus = refusal
        .status
        .parse()
        .map_err(|_| Nonsense::new(format!("`{}` is no enhanced status code", quoted(&refusal.status))))?;
    if !classes.contains(&status.class()) {
        return Err(Nonsense::new(format!("a status of class {} does not fit here", status.class())));
    }
    Ok(Refusal::new(status, &reason(&refusal.text)?))
}

/// A public key.
pub(crate) fn key(text: &str) -> Result<PublicKey, Nonsense> {
    text.parse().map_err(|_| Nonsense::new(format!("`{}` is no public key", quoted(text))))
}

/// Attributes of an answer, at most so many.
pub(crate) fn attributes(list: types::Attributes, most: usize) -> Result<Vec<(String, String)>, Nonsense> {
    let fits = |(name, value): &(String, String)| {
        name.len() <= ATTRIBUTE_NAME_BYTES && value.len() <= ATTRIBUTE_VALUE_BYTES
    };
    if list.len() > most || !list.iter().all(fits) {
        return Err(Nonsense::new("it has too many or too long attributes"));
    }
    let clean = |(name, value): (String, String)| {
        (one_line(&name, ATTRIBUTE_NAME_BYTES), one_line(&value, ATTRIBUTE_VALUE_BYTES))
    };
    Ok(list.into_iter().map(clean).collect())
}

/// The beginning of a wrong text, for the error about it.
pub(crate) fn quoted(text: &str) -> String {
    one_line(text, 80)
}

#[cfg(test)]
mod tests;
