//! Mails in a mailbox, as far as a web page shows them: never their text.

use mail::record;
use mail::{Address, MailId, PublicKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use super::outbox::mailbox;

/// A mail that waits for the mail program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Arrival {
    /// The unique id that POP3 shows.
    #[schema(value_type = String)]
    pub id: MailId,
    /// The id that decisions about it name: `GET /decisions?mail=ID`; absent for reports of this gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub mail: Option<MailId>,
    /// The order of arrival in its account, increasing; the cursor of the list.
    pub number: u64,
    /// MAIL FROM; absent for reports.
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
    /// When it arrived.
    pub received: Timestamp,
}

impl From<&record::MailboxEntry> for Arrival {
    fn from(entry: &record::MailboxEntry) -> Self {
        Self {
            id: entry.uidl,
            mail: entry.mail_id(),
            number: entry.number,
            sender: mailbox(&entry.envelope.reverse_path),
            recipient: entry.envelope.forward_path.clone(),
            key: entry.sender,
            size: entry.size,
            received: entry.received.into(),
        }
    }
}
