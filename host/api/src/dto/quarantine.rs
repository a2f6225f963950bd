//! Mails a filter set aside.

use mail::record;
use mail::{Address, MailId, PublicKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use super::outbox::mailbox;

/// The direction of a mail, seen from this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From a mail program here to somebody.
    Outgoing,
    /// From somebody to a mailbox here.
    Incoming,
}

/// A mail that a filter set aside for the user to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineEntry {
    /// Its id: the unique id POP3 would show.
    #[schema(value_type = String)]
    pub id: MailId,
    /// The id that decisions about it name: `GET /decisions?mail=ID`; absent for reports of this gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub mail: Option<MailId>,
    /// Where it was going.
    pub direction: Direction,
    /// MAIL FROM; absent for mails that must not bounce.
    #[schema(value_type = Option<String>)]
    pub sender: Option<Address>,
    /// RCPT TO.
    #[schema(value_type = String)]
    pub recipient: Address,
    /// The Tox key it came from; absent for mail made here.
    #[schema(value_type = Option<String>)]
    pub key: Option<PublicKey>,
    /// Size in bytes.
    pub size: u64,
    /// When it was set aside.
    pub received: Timestamp,
    /// The filter's reason.
    pub reason: String,
    /// When it is deleted for good, if the filter threw it away; absent if it stays until the user
    /// decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_at: Option<Timestamp>,
}

impl From<&record::QuarantineEntry> for QuarantineEntry {
    fn from(entry: &record::QuarantineEntry) -> Self {
        Self {
            id: entry.mail.uidl,
            mail: entry.mail_id(),
            direction: match entry.direction {
                record::Direction::Outgoing => Direction::Outgoing,
                record::Direction::Incoming => Direction::Incoming,
            },
            sender: mailbox(&entry.mail.envelope.reverse_path),
            recipient: entry.mail.envelope.forward_path.clone(),
            key: entry.mail.sender,
            size: entry.mail.size,
            received: entry.mail.received.into(),
            reason: entry.reason.clone(),
            delete_at: entry.delete_at.map(Timestamp::from),
        }
    }
}

/// The user's verdict on a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nobody asked for it.
    Spam,
    /// It is wanted.
    Ham,
}
