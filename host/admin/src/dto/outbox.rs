//! Mails that wait to be delivered.

use mail::record::{self, Route};
use mail::{AccountName, Address, MailId, PublicKey, Refusal, ReversePath};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// One mail to one recipient, waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutboxEntry {
    /// Its id, also at the recipient.
    #[schema(value_type = String)]
    pub id: MailId,
    /// MAIL FROM; absent for mails that must not bounce.
    #[schema(value_type = Option<String>)]
    pub sender: Option<Address>,
    /// RCPT TO.
    #[schema(value_type = String)]
    pub recipient: Address,
    /// The recipient's key; absent for an account of this gateway.
    #[schema(value_type = Option<String>)]
    pub key: Option<PublicKey>,
    /// The recipient's account, if it is one of this gateway.
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// Bytes to transfer.
    pub size: u64,
    /// When it was submitted.
    pub created: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// When it is tried next; absent while it is to be tried at once.
    pub next_attempt: Option<Timestamp>,
    /// Why it is still here.
    #[schema(value_type = Option<RefusalText>)]
    pub last_problem: Option<Refusal>,
    /// Whether the sender was told that it takes long.
    pub delay_reported: bool,
}

impl From<&record::OutboxEntry> for OutboxEntry {
    fn from(entry: &record::OutboxEntry) -> Self {
        let (key, account) = match &entry.route {
            Route::Local(account) => (None, Some(account.clone())),
            Route::Remote(destination) => (Some(destination.key()), None),
        };
        Self {
            id: entry.id,
            sender: mailbox(&entry.envelope.reverse_path),
            recipient: entry.envelope.forward_path.clone(),
            key,
            account,
            size: entry.size,
            created: entry.created.into(),
            expires: entry.expires.into(),
            attempts: entry.attempts,
            next_attempt: entry.next_attempt.map(Timestamp),
            last_problem: entry.last_problem.clone(),
            delay_reported: entry.delay_reported,
        }
    }
}

/// The address of a reverse-path, if it has one.
pub(super) fn mailbox(path: &ReversePath) -> Option<Address> {
    match path {
        ReversePath::Null => None,
        ReversePath::Mailbox(address) => Some(address.clone()),
    }
}

/// How a refusal is written: what it says, and its enhanced status code.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the JSON of mail::Refusal")]
struct RefusalText {
    /// Enhanced status code, `4.4.1` (RFC 3463).
    status: String,
    /// For people.
    text: String,
}
