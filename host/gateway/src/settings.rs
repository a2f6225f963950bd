//! What the user can set about the core.

use std::time::Duration;

use crate::limits;

/// Settings of the core. [`Settings::default`] fits most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Largest mail, in and out, bytes.
    pub max_mail_bytes: u64,
    /// How long a mail is tried before it bounces; at most [`mail::limits::EXPIRY_LONGEST`].
    pub expiry: Duration,
    /// After how long the sender is told that a mail is still waiting.
    pub delay_notice: Duration,
    /// How long a mail that a filter threw away can be restored; zero: not at all. At most [`limits::BIN_TIME_LONGEST`].
    pub bin_time: Duration,
    /// Bytes one contact may park in unfinished mails.
    pub parked_per_peer: u64,
    /// Bytes all contacts may park.
    pub parked: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_mail_bytes: mail::limits::MAIL_BYTES_DEFAULT,
            expiry: mail::limits::EXPIRY,
            delay_notice: Duration::from_secs(4 * 3600),
            bin_time: limits::BIN_TIME,
            parked_per_peer: limits::PARKED_PER_PEER,
            parked: limits::PARKED,
        }
    }
}
