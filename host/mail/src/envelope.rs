//! The SMTP envelope: who a mail is from and for, apart from what its headers say (RFC 5321 section 2.3.1).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Address;

/// The reverse-path: where bounces go. Null (`<>`) for mails that must not bounce (RFC 5321 section 4.5.5).
///
/// A stored text that is not an address (earlier programs accepted some that they could not read
/// again) is read as null: the mail is worth more than the way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "StoredPath")]
pub enum ReversePath {
    /// `<>`: this mail is itself a report.
    Null,
    /// An address.
    Mailbox(Address),
}

/// A reverse-path as it is stored.
#[derive(Deserialize)]
#[serde(rename = "ReversePath")]
enum StoredPath {
    Null,
    Mailbox(String),
}

impl From<StoredPath> for ReversePath {
    fn from(stored: StoredPath) -> Self {
        match stored {
            StoredPath::Null => Self::Null,
            StoredPath::Mailbox(address) => address.parse().map_or(Self::Null, Self::Mailbox),
        }
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("<>"),
            Self::Mailbox(address) => write!(formatter, "<{address}>"),
        }
    }
}

/// When the sender wants a delivery status notification: NOTIFY of RFC 3461 section 4.1.
///
/// The default, when nothing was asked, is failure and delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notify {
    /// When delivered.
    pub success: bool,
    /// When given up.
    pub failure: bool,
    /// When it takes long.
    pub delay: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self { success: false, failure: true, delay: true }
    }
}

impl Notify {
    /// NOTIFY=NEVER.
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
}

/// How much of the mail a failure notification returns: RET of RFC 3461 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum Return {
    /// The headers only.
    #[default]
    Headers,
    /// The whole mail.
    Full,
}

/// The envelope of one mail to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// Where reports go.
    pub reverse_path: ReversePath,
    /// The one recipient: peers never learn of the others from the envelope.
    pub forward_path: Address,
    /// Which reports the sender asked for.
    pub notify: Notify,
    /// What a failure report returns.
    pub ret: Return,
    /// The sender's own tracking id, ENVID of RFC 3461 section 4.4; at most 100 bytes.
    pub envelope_id: Option<String>,
    /// The address first given, ORCPT of RFC 3461 section 4.2 (`rfc822;user@domain`); at most 500 bytes.
    pub original_recipient: Option<String>,
}

impl Envelope {
    /// An envelope with nothing asked for beyond the default.
    #[must_use]
    pub fn new(reverse_path: ReversePath, forward_path: Address) -> Self {
        Self {
            reverse_path,
            forward_path,
            notify: Notify::default(),
            ret: Return::default(),
            envelope_id: None,
            original_recipient: None,
        }
    }
}
