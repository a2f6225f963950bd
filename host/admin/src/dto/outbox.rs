//! Mails that wait to be delivered.

use mail::record::{self, Route};
use mail::{AccountName, Address, MailId, PublicKey, Refusal, ReversePath};
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One mail to one recipient, waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Its id, also at the recipient.
    pub id: MailId,
    /// MAIL FROM; absent for mails that must not bounce.
    pub sender: Option<Address>,
    /// RCPT TO.
    pub recipient: Address,
    /// The recipient's key; absent for an account of this gateway.
    pub key: Option<PublicKey>,
    /// The recipient's account, if it is one of this gateway.
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
