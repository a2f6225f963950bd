//! Enhanced status codes (RFC 3463) and refusals that carry one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::REFUSAL_TEXT_BYTES;

/// An enhanced status code `class.subject.detail`, RFC 3463 section 2. Class is 2, 4 or 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

/// Why a text is not an enhanced status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an enhanced status code has the form 5.1.1, its class being 2, 4 or 5 (RFC 3463)")]
pub struct InvalidStatus;

impl EnhancedStatus {
    /// The status `class.subject.detail`. None unless class is 2, 4 or 5 and the others below 1000.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if matches!(class, 2 | 4 | 5) && subject < 1000 && detail < 1000 {
            Some(Self { class, subject, detail })
        } else {
            None
        }
    }

    /// A permanent failure `5.subject.detail`; numbers over 999 are cut to 999.
    #[must_use]
    pub const fn permanent(subject: u16, detail: u16) -> Self {
        Self { class: 5, subject: at_most_999(subject), detail: at_most_999(detail) }
    }

    /// A passing failure `4.subject.detail`; numbers over 999 are cut to 999.
    #[must_use]
    pub const fn transient(subject: u16, detail: u16) -> Self {
        Self { class: 4, subject: at_most_999(subject), detail: at_most_999(detail) }
    }

    /// Whether trying again cannot help (class 5).
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        self.class == 5
    }

    /// 2, 4 or 5.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.class
    }
}

const fn at_most_999(number: u16) -> u16 {
    if number > 999 { 999 } else { number }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for EnhancedStatus {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.splitn(3, '.').map(|part| match part.len() {
            1..=3 if part.bytes().all(|byte| byte.is_ascii_digit()) => {
                part.parse::<u16>().map_err(|_| InvalidStatus)
            }
            _ => Err(InvalidStatus),
        });
        let mut next = || numbers.next().unwrap_or(Err(InvalidStatus));
        let class = u8::try_from(next()?).map_err(|_| InvalidStatus)?;
        Self::new(class, next()?, next()?).ok_or(InvalidStatus)
    }
}

impl TryFrom<String> for EnhancedStatus {
    type Error = InvalidStatus;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EnhancedStatus> for String {
    fn from(status: EnhancedStatus) -> Self {
        status.to_string()
    }
}

/// A refusal a person will read: code and one line of plain text that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("{status} {text}")]
pub struct Refusal {
    /// The enhanced status code.
    pub status: EnhancedStatus,
    text: String,
}

impl Refusal {
    /// A refusal; `text` becomes one line ([`crate::text`]) and is cut to [`REFUSAL_TEXT_BYTES`], since it may come from a
    /// peer or a component.
    #[must_use]
    pub fn new(status: EnhancedStatus, text: &str) -> Self {
        let clean = crate::text::one_line(text);
        Self { status, text: crate::text::cut(&clean, REFUSAL_TEXT_BYTES).to_owned() }
    }

    /// A permanent refusal `5.subject.detail`.
    #[must_use]
    pub fn permanent(subject: u16, detail: u16, text: &str) -> Self {
        Self::new(EnhancedStatus::permanent(subject, detail), text)
    }

    /// A passing refusal `4.subject.detail`.
    #[must_use]
    pub fn transient(subject: u16, detail: u16, text: &str) -> Self {
        Self::new(EnhancedStatus::transient(subject, detail), text)
    }

    /// The text, one line, without the code.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_status_prints_to_itself(text in "[0-9.]{0,12}") {
            if let Ok(status) = text.parse::<EnhancedStatus>() {
                prop_assert_eq!(status.to_string().parse::<EnhancedStatus>().unwrap(), status);
            }
        }

        #[test]
        fn a_refusal_is_one_bounded_line(text in "\\PC{0,900}|[\\r\\n\\x00é]{0,900}") {
            let refusal = Refusal::permanent(1, 1, &text);
            prop_assert!(refusal.text().len() <= REFUSAL_TEXT_BYTES);
            prop_assert!(!refusal.text().contains(['\r', '\n']));
        }
    }

    #[test]
    fn only_three_classes_exist() {
        assert!("3.1.1".parse::<EnhancedStatus>().is_err());
        assert!("5.1".parse::<EnhancedStatus>().is_err());
        assert!("5.1.1.1".parse::<EnhancedStatus>().is_err());
        assert_eq!("5.1.1".parse::<EnhancedStatus>(), Ok(EnhancedStatus::permanent(1, 1)));
    }
}
